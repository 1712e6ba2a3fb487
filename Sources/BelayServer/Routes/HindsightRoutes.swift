import BelayControl
import BelayCore
import BelayStore
import HTTPTypes
import Hummingbird

/// What the record says afterwards: why a release is where it is, and what another policy would have said.
struct HindsightRoutes: Sendable {
    /// Beyond these a replay would keep the loop of control busy; a day of ticks is fewer.
    private static let mostTicks = 500_000

    let desk: Desk
    let ledger: any Ledger
    let evidence: any EvidenceStore
    let intake: LabelIntake
    /// Judges again what was recorded, which takes long where much was.
    let readers: ThreadExecutor

    func register(on router: RouterGroup<CallContext>) {
        router.get("endpoints/:model/why", use: whyModel)
        router.get("releases/:release/why", use: whyRelease)
        router.post("releases/:release/replay", use: replay)
        router.get("incidents", use: incidents)
        router.post("incidents/:incident/close", use: closeIncident)
    }

    @Sendable
    private func whyModel(_ request: Request, context: CallContext) async throws -> Response {
        let (snapshot, model) = try await desk.known(context)
        let releases = snapshot.state.releases.values.filter { $0.proposal.endpoint.model == model }
        // What was promoted long ago may have been taken out a moment ago.
        let endpoint = EndpointID(model, in: .prod)
        let taken = snapshot.state.endpoints[endpoint]?.lastTakenOut?.rollback.from
        let told = releases.filter { $0.proposal.candidate == taken }.max { $0.id < $1.id }
        guard let release = told ?? releases.max(by: { $0.id < $1.id }) else {
            throw Refusal.nothingServes(endpoint)
        }
        return try jsonResponse(try await why(release, snapshot))
    }

    @Sendable
    private func whyRelease(_ request: Request, context: CallContext) async throws -> Response {
        let snapshot = await desk.snapshot()
        return try jsonResponse(try await why(try context.release(in: snapshot.state), snapshot))
    }

    private func why(_ release: Release, _ snapshot: Snapshot) async throws -> WhyView {
        let labels = try await intake.trouble(of: release.proposal.endpoint.model)
        return try await readers.run {
            var story = Story(of: release)
            try await ledger.read { story.read($0) }
            return Why(
                snapshot: snapshot,
                release: release,
                entries: story.entries,
                hindsight: try await hindsight(of: release),
                labels: labels
            ).view
        }
    }

    private func hindsight(of release: Release) async throws -> Hindsight {
        Hindsight(release: release, ticks: try await evidence.ticks(of: release.id))
    }

    @Sendable
    private func replay(_ request: Request, context: CallContext) async throws -> Response {
        let snapshot = await desk.snapshot()
        let release = try context.release(in: snapshot.state)
        let body = try await request.json(ReplayBody.self, keys: ["policy"])
        let own = release.proposal.policy
        let policy = try body.policy.map(decodedPolicy) ?? own
        guard policy.model == own.model else {
            throw Refusal.policyForAnotherModel(policy.model, expected: own.model)
        }
        return try jsonResponse(
            try await readers.run { try replayed(try await hindsight(of: release), by: policy) }
        )
    }

    private func replayed(_ hindsight: Hindsight, by policy: Policy) throws -> ReplayView {
        let release = hindsight.release
        guard hindsight.ticks.count <= Self.mostTicks else {
            throw RequestError.badBody("release \(release.id) has too many ticks to be judged at one request")
        }
        guard hindsight.canJudge(by: policy) else {
            let detail =
                "its guards need labels read in another way than \(release.id) recorded them; "
                + "give the policy the `labels` of that release, or leave those guards out"
            throw RequestError.badPolicy([.init(pointer: "/policy/labels", detail: detail)])
        }
        let own = release.proposal.policy
        return ReplayView(
            release: release.id.description,
            ticks: hindsight.ticks.count,
            firstAt: hindsight.ticks.first?.at.description,
            lastAt: hindsight.ticks.last?.at.description,
            recorded: CourseView(hindsight.course(under: own), under: own),
            replayed: CourseView(hindsight.course(under: policy), under: policy),
            remarks: hindsight.remarks(on: policy)
        )
    }
}

// MARK: - Incidents

extension HindsightRoutes {
    @Sendable
    private func incidents(_ request: Request, context: CallContext) async throws -> Response {
        let asked = request.uri.queryParameters["model"].map { String($0) }
        let chosen = try await incidents().filter { asked == nil || $0.model == asked }
        return try jsonResponse(IncidentList(incidents: chosen))
    }

    @Sendable
    private func closeIncident(_ request: Request, context: CallContext) async throws -> Response {
        let text = try context.parameters.require("incident")
        guard let id = IncidentID(text) else { throw RequestError.badName(what: "incident", text: text) }
        let body = try await request.json(ReasonBody.self, keys: ["reason"])
        try await desk.conductor.perform(.closeIncident(id), by: request.actor, reason: body.reason)
        guard let view = try await incidents().first(where: { $0.id == id.description }) else {
            throw Refusal.unknownIncident(id)
        }
        return try jsonResponse(view)
    }

    /// All of them, newest first.
    private func incidents() async throws -> [IncidentView] {
        var incidents: [IncidentView] = []
        let state = await desk.snapshot().state
        try await ledger.read { entry in
            switch entry.event {
            case .operation(.incidentOpened(let incident)):
                let policy = incident.release.flatMap { state.releases[$0]?.proposal.policy }
                incidents.append(IncidentView(incident, openedAt: entry.at, under: policy))
            case .operation(.incidentClosed(let closure)):
                let index = incidents.firstIndex { $0.id == closure.id.description }
                if let index { incidents[index] = incidents[index].closed(at: entry.at, by: closure.cause) }
            default: break
            }
        }
        return incidents.reversed()
    }
}

extension Ledger {
    /// Hands over every entry, oldest first, a page in memory at a time.
    func read(_ take: (Entry) -> Void) async throws {
        var sequence = 0
        while true {
            let page = try await entries(after: sequence, limit: 1000)
            for sealed in page { take(sealed.entry) }
            guard let last = page.last else { return }
            sequence = last.entry.sequence
        }
    }
}

/// - Throws: ``RequestError/badPolicy(_:)`` with every problem and its place.
func decodedPolicy(_ node: PolicyNode) throws -> Policy {
    switch decodePolicy(node) {
    case .success(let policy): return policy
    case .failure(let problems):
        throw RequestError.badPolicy(
            problems.all.map { ProblemView.Place(pointer: $0.place.description, detail: $0.sentence) }
        )
    }
}

extension Desk {
    /// What is so, and the model of the path, which exists.
    func known(_ context: CallContext) async throws -> (Snapshot, ModelName) {
        let name = try context.model()
        let snapshot = await snapshot()
        guard snapshot.state.models[name] != nil else {
            throw Refusal.unknownModel(name, near: nearest(name, among: snapshot.state.models.keys))
        }
        return (snapshot, name)
    }
}

extension CallContext {
    /// The release of the path, which exists.
    func release(in state: State) throws -> Release {
        let text = try parameters.require("release")
        guard let id = ReleaseID(text) else { throw RequestError.badName(what: "release", text: text) }
        guard let release = state.releases[id] else { throw Refusal.unknownRelease(id) }
        return release
    }
}
