import BelayCore

/// A state with its whole history, moved by commands exactly as control moves it.
struct World {
    private(set) var state = State()
    private(set) var entries: [Entry] = []
    var now = noon

    /// Decides, records and folds; the events are those that were recorded.
    @discardableResult
    mutating func run(
        _ command: Command,
        by actor: Actor = ann,
        reason: String? = nil,
        unready: [VersionID: String] = [:]
    ) throws -> [Event] {
        let events = try decide(command, by: actor, in: state, unready: unready)
        for event in events { try record(event, by: actor, reason: reason) }
        return events
    }

    /// Folds an event that no decision stands behind.
    mutating func record(_ event: Event, by actor: Actor = ann, reason: String? = nil) throws {
        let draft = EntryDraft(at: now, actor: actor, reason: reason, event: event)
        let entry = Entry(sequence: state.sequence + 1, draft: draft)
        try state.apply(entry)
        entries.append(entry)
    }

    mutating func wait(_ duration: Duration) { now = now.advanced(by: duration) }
}

// MARK: - The verbs of a release

extension World {
    mutating func register(_ seeds: Int...) throws {
        for seed in seeds { try run(.register(draft(seed))) }
    }

    @discardableResult
    mutating func release(_ candidate: Int, under policy: Policy? = nil) throws -> ReleaseID {
        try run(.release(request(candidate, under: policy)))
        return state.endpoints[prod]?.release ?? ReleaseID(0)
    }

    mutating func passGates() throws { try run(.concludeGates(passing(activeID))) }
    mutating func advance() throws { try run(.rule(activeID, .advance([])), by: .belay) }

    /// Makes a version stable by a release without steps.
    mutating func serve(_ version: Int) throws {
        try release(version, under: policy(.instant))
        try passGates()
    }

    @discardableResult
    mutating func rollBack(to version: Int? = nil, unloadable: [Int: String] = [:]) throws -> [Event] {
        try run(.rollback(rollbackRequest(to: version, unloadable: unloadable)))
    }

    var activeID: ReleaseID { state.endpoints[prod]?.release ?? ReleaseID(0) }
    var active: Release? { state.activeRelease(at: prod) }
    var stable: Int? { state.endpoints[prod]?.stable?.version.value }
    var route: Route? { state.routeTable.routes[fraud] }
    var newest: Release? { state.releases.values.max { $0.id < $1.id } }
}

func request(
    _ candidate: Int,
    under policy: Policy? = nil,
    origin: ReleaseRequest.Origin = .person
) -> ReleaseRequest {
    ReleaseRequest(
        endpoint: prod,
        candidate: .number(number(candidate)),
        policy: policy,
        origin: origin,
        salt: Salt(42)
    )
}

func rollbackRequest(to version: Int? = nil, unloadable: [Int: String] = [:]) -> RollbackRequest {
    RollbackRequest(
        endpoint: prod,
        to: version.map { .number(number($0)) },
        unloadable: Dictionary(uniqueKeysWithValues: unloadable.map { (number($0), $1) })
    )
}

func passing(_ release: ReleaseID) -> GateResult {
    GateResult(release: release, gates: [GateReport(gate: .probe, outcome: .pass, detail: "")])
}

func failing(_ release: ReleaseID) -> GateResult {
    GateResult(
        release: release,
        gates: [
            GateReport(gate: .signature, outcome: .pass, detail: ""),
            GateReport(gate: .probe, outcome: .fail, detail: "the example request was not answered"),
        ]
    )
}

/// What became of a command: the kinds of its events without their family, or the code of its refusal.
func outcome(of command: Command, in state: State) -> String {
    do {
        let events = try decide(command, by: ann, in: state)
        let kinds = events.map { event in
            event.kind.rawValue.split(separator: ".").last.map(String.init) ?? ""
        }
        return kinds.isEmpty ? "-" : kinds.joined(separator: "+")
    } catch {
        return error.explanation.code
    }
}

/// The code with which a command is refused; nil when it is not.
func refusal(of command: Command, in state: State) -> String? {
    do {
        _ = try decide(command, by: ann, in: state)
        return nil
    } catch {
        return error.explanation.code
    }
}
