import BelayControl
import BelayCore

/// Everything that `/metrics` tells, as of one moment.
///
/// Values of the ledger (releases, entries) never start anew; counts of this process start at 0 with it,
/// which whoever reads counters allows for.
struct Metrics: Sendable {
    let snapshot: Snapshot
    let tallies: ControlTallies
    let figures: GatewayFigures
    /// What became of answers on their way to the inference log, by result.
    let logged: [String: Int]
    /// Bytes of disk space that are kept free for rollbacks.
    let reserve: Int
    let belayVersion: String
    let surroundings: Surroundings
    /// The stability index of inputs.
    var drifts: [EndpointID: [String: Double]] = [:]

    /// Inputs of one model that are told of, those that lie farthest from their references.
    private static let mostFeatures = 50

    var text: String { written(as: .prometheus).text }

    func written(as format: MetricsText.Format) -> MetricsText {
        var text = MetricsText(format)
        text.family("belay_build_info", .gauge, "The version of this program.") {
            $0.add(["version": belayVersion], 1)
        }
        text.family("belay_audit_entries_total", .counter, "Entries in the ledger.") {
            $0.add([:], snapshot.state.sequence)
        }
        text.family("belay_reserve_bytes", .gauge, "Disk space kept free for rollbacks.") {
            $0.add([:], reserve)
        }
        text.family(
            "belay_inference_log_answers_total",
            .counter,
            "Answers on their way to the inference log, by what became of them."
        ) { family in
            for (result, count) in logged.sorted(by: { $0.key < $1.key }) {
                family.add(["result": result], count)
            }
        }
        requests(&text)
        routes(&text)
        releases(&text)
        rollbacks(&text)
        standbys(&text)
        load(&text)
        features(&text)
        surroundings(&text)
        text.end()
        return text
    }

    private var endpoints: [Endpoint] { snapshot.state.endpoints.values.sorted { $0.id < $1.id } }

    // MARK: - What is answered

    private func requests(_ text: inout MetricsText) {
        let requests = figures.requests.sorted {
            ($0.key.version, $0.key.arm.rawValue) < ($1.key.version, $1.key.arm.rawValue)
        }
        text.family("belay_requests_total", .counter, "Inference requests answered.") { family in
            for (key, value) in requests {
                for (code, count) in value.codes.sorted(by: { $0.key < $1.key }) {
                    let (id, arm) = (key.version, key.arm.rawValue)
                    family.add(
                        [
                            "model": id.model.text, "env": "prod", "version": id.number.description,
                            "arm": arm, "code": String(code),
                        ],
                        count
                    )
                }
            }
        }
        text.family(
            "belay_request_duration_seconds",
            .histogram,
            "Time from a whole request to its whole answer."
        ) { family in
            for (key, value) in requests {
                let (id, arm) = (key.version, key.arm.rawValue)
                family.add(
                    [
                        "model": id.model.text, "env": "prod", "version": id.number.description, "arm": arm,
                    ],
                    value.latency
                )
            }
        }
        text.family(
            "belay_requests_rejected_total",
            .counter,
            "Inference requests refused before a version was chosen."
        ) { family in
            for (code, count) in figures.rejected.sorted(by: { $0.key < $1.key }) {
                family.add(["code": String(code)], count)
            }
        }
    }

    private func load(_ text: inout MetricsText) {
        text.family("belay_connections", .gauge, "Open connections of the inference port.") {
            $0.add([:], figures.connections)
        }
        text.family("belay_requests_in_flight", .gauge, "Inference requests being answered.") {
            $0.add([:], figures.inFlight)
        }
        text.family(
            "belay_requests_shed_total",
            .counter,
            "Requests turned away because a version had no place for them."
        ) { family in
            for (id, count) in sorted(figures.shed) { family.add(labels(id), count) }
        }
        text.family("belay_breaker_state", .gauge, "The circuit breaker of a version.") { family in
            let names = [GatewayFigures.Breaker.closed: "closed", .halfOpen: "half_open", .open: "open"]
            for (id, breaker) in sorted(figures.breakers) {
                family.add(labels(id), state: names[breaker], of: ["closed", "half_open", "open"])
            }
        }
        let shadows = sorted(figures.shadows)
        text.family("belay_shadow_pairs_total", .counter, "Copies compared with what was served.") {
            for (id, shadow) in shadows { $0.add(labels(id), shadow.pairs) }
        }
        text.family("belay_shadow_differing_total", .counter, "Compared copies whose answers differ.") {
            for (id, shadow) in shadows { $0.add(labels(id), shadow.differing) }
        }
        text.family("belay_shadow_errors_total", .counter, "Copies that a shadow could not answer.") {
            for (id, shadow) in shadows { $0.add(labels(id), shadow.errors) }
        }
        text.family(
            "belay_shadow_distance_total",
            .counter,
            "The largest difference of numbers in each compared copy, added up."
        ) {
            for (id, shadow) in shadows { $0.add(labels(id), shadow.distance) }
        }
        text.family(
            "belay_shadow_served_seconds_total",
            .counter,
            "Time of compared requests in the version that served."
        ) {
            for (id, shadow) in shadows { $0.add(labels(id), Double(shadow.servedMicroseconds) / 1e6) }
        }
        text.family("belay_shadow_seconds_total", .counter, "Time of their copies in the shadow.") {
            for (id, shadow) in shadows { $0.add(labels(id), Double(shadow.shadowMicroseconds) / 1e6) }
        }
        text.family("belay_shadow_shed_total", .counter, "Copies not sent, to keep the place for others.") {
            for (id, shadow) in shadows { $0.add(labels(id), shadow.shed) }
        }
    }

    private func sorted<Value>(_ values: [VersionID: Value]) -> [(key: VersionID, value: Value)] {
        values.sorted { $0.key < $1.key }
    }

    private func labels(_ id: VersionID) -> MetricsText.Labels {
        ["model": id.model.text, "env": "prod", "version": id.number.description]
    }
}

// MARK: - What serves and what is tried

extension Metrics {
    private func labels(_ id: EndpointID) -> MetricsText.Labels {
        ["model": id.model.text, "env": id.environment.text]
    }

    private func labels(_ id: EndpointID, _ version: VersionNumber) -> MetricsText.Labels {
        ["model": id.model.text, "env": id.environment.text, "version": version.description]
    }

    private func routes(_ text: inout MetricsText) {
        text.family("belay_live_info", .gauge, "The version that serves.") { family in
            for endpoint in endpoints {
                guard let stable = endpoint.stable?.version,
                    let version = snapshot.state.version(VersionID(endpoint.id.model, stable))
                else { continue }
                family.add(
                    [
                        "model": endpoint.id.model.text, "env": endpoint.id.environment.text,
                        "version": stable.description, "digest": version.digest.description,
                    ],
                    1
                )
            }
        }
        text.family("belay_traffic_ratio", .gauge, "The part of requests that a version gets.") { family in
            for endpoint in endpoints {
                guard let stable = endpoint.stable?.version else { continue }
                let release = snapshot.state.activeRelease(at: endpoint.id)
                let candidate = release.flatMap { release in
                    release.proposal.candidate == stable ? nil : release
                }
                let share = Double(candidate?.share.partsPerMillion ?? 0) / 1_000_000
                family.add(labels(endpoint.id, stable), 1 - share)
                if let candidate { family.add(labels(endpoint.id, candidate.proposal.candidate), share) }
            }
        }
    }

    private func releases(_ text: inout MetricsText) {
        text.family("belay_release_state", .gauge, "The phase of the release that runs, if any.") { family in
            let phases = ["none", "gating", "shadow", "canary", "watching"]
            for endpoint in endpoints {
                let release = snapshot.state.activeRelease(at: endpoint.id)
                family.add(
                    labels(endpoint.id),
                    state: release.map { snapshot.release($0).phase } ?? "none",
                    of: phases
                )
            }
        }
        text.family(
            "belay_rollback_unrecorded",
            .gauge,
            "Whether a version answers nobody although its rollback is not recorded yet."
        ) { family in
            for endpoint in endpoints {
                family.add(labels(endpoint.id), snapshot.suspended[endpoint.id] == nil ? 0 : 1)
            }
        }
        text.family("belay_release_held", .gauge, "Whether the release that runs is held.") { family in
            for endpoint in endpoints {
                let release = snapshot.state.activeRelease(at: endpoint.id)
                family.add(labels(endpoint.id), release?.hold == nil ? 0 : 1)
            }
        }
        text.family("belay_releases_total", .counter, "Releases that have ended, by how.") { family in
            // A series that begins with 1 has not risen for whoever asks by how much it rose.
            let none = ["refused": 0, "rolled_back": 0, "settled": 0]
            var ended = Dictionary(uniqueKeysWithValues: endpoints.map { ($0.id, none) })
            for release in snapshot.state.releases.values where release.hasEnded {
                ended[release.proposal.endpoint, default: [:]][release.phase.word, default: 0] += 1
            }
            for (id, results) in ended.sorted(by: { $0.key < $1.key }) {
                for (result, count) in results.sorted(by: { $0.key < $1.key }) {
                    family.add(
                        ["model": id.model.text, "env": id.environment.text, "result": result],
                        count
                    )
                }
            }
        }
        guards(&text)
    }

    private func guards(_ text: inout MetricsText) {
        let reports = snapshot.reports.compactMap { id, reports in
            snapshot.state.releases[id].map { (endpoint: $0.proposal.endpoint, reports: reports) }
        }.sorted { $0.endpoint < $1.endpoint }.flatMap { endpoint, reports in
            reports.map { report -> (labels: MetricsText.Labels, report: GuardReport) in
                let (model, environment) = (endpoint.model.text, endpoint.environment.text)
                return (["model": model, "env": environment, "guard": report.name], report)
            }
        }
        // Reports keep microseconds, Prometheus seconds; a part of stable's has no unit.
        let scale = { (report: GuardReport) in report.metric.unitScale(report.versus()) == 1 ? 1 : 1e-6 }
        text.family(
            "belay_guard_difference",
            .gauge,
            "What a guard measures: seconds, fractions of one, or the metric's own numbers."
        ) {
            for (labels, report) in reports {
                if let value = report.value { $0.add(labels, value * scale(report)) }
            }
        }
        text.family("belay_guard_limit", .gauge, "What a guard allows, in the same unit.") {
            for (labels, report) in reports { $0.add(labels, report.limit * scale(report)) }
        }
        text.family("belay_guard_state", .gauge, "The newest verdict of a guard.") {
            let verdicts = Verdict.allCases.map(\.rawValue)
            for (labels, report) in reports { $0.add(labels, state: report.verdict.rawValue, of: verdicts) }
        }
    }

    private func features(_ text: inout MetricsText) {
        text.family(
            "belay_feature_psi",
            .gauge,
            "How far an input lies from its reference: a population stability index."
        ) { family in
            for (id, indices) in drifts.sorted(by: { $0.key < $1.key }) {
                let farthest = indices.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                for (feature, index) in farthest.prefix(Self.mostFeatures) {
                    family.add(
                        ["model": id.model.text, "env": id.environment.text, "feature": feature],
                        index
                    )
                }
            }
        }
    }

    private func rollbacks(_ text: inout MetricsText) {
        text.family("belay_rollbacks_total", .counter, "Rollbacks, by what they were for.") { family in
            var counts = tallies.rollbacks
            for endpoint in endpoints {
                let guards = endpoint.effectivePolicy.guards.filter { $0.reaction == .rollback }
                for cause in ["request"] + guards.map({ "guard:\($0.name)" }) {
                    counts[.init(endpoint: endpoint.id, cause: cause), default: 0] += 0
                }
            }
            let rollbacks = counts.sorted {
                ($0.key.endpoint, $0.key.cause) < ($1.key.endpoint, $1.key.cause)
            }
            for (trigger, count) in rollbacks {
                let id = trigger.endpoint
                family.add(
                    ["model": id.model.text, "env": id.environment.text, "trigger": trigger.cause],
                    count
                )
            }
        }
        text.family(
            "belay_rollback_duration_seconds",
            .histogram,
            "Time from the request of a rollback to its receipt."
        ) { family in
            for (id, took) in tallies.took.sorted(by: { $0.key < $1.key }) { family.add(labels(id), took) }
        }
    }

    private func standbys(_ text: inout MetricsText) {
        let health = snapshot.standbys.sorted { $0.key < $1.key }.flatMap { id, versions in
            versions.map { (labels: labels(id, $0.version.number), health: $0) }
        }
        text.family("belay_standby_ready", .gauge, "Whether a version answers as it once did.") {
            for (labels, health) in health { $0.add(labels, health.isReady ? 1 : 0) }
        }
        text.family("belay_standby_takeover_seconds", .gauge, "How long its newest golden answer took.") {
            for (labels, health) in health {
                if let took = health.takeoverMicroseconds { $0.add(labels, Double(took) / 1_000_000) }
            }
        }
    }
}
