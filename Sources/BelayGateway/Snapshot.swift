import BelayCore
import BelayInference

/// A route table together with everything needed to answer by it, as one immutable object.
///
/// Each event loop holds one and reads it without a lock. Holding it keeps its versions loaded; so does each
/// request in flight for the version that it asks.
final class Snapshot: Sendable {
    let table: RouteTable
    /// False until control has published for the first time: till then nothing is known, so nothing is ready.
    let isPublished: Bool
    private let models: [String: RoutedModel]

    /// Before anything was published.
    init() {
        table = .empty
        isPublished = false
        models = [:]
    }

    /// Finds the instance for each version that a request may reach.
    ///
    /// A lane is carried over while its version's instance is the same, and also when the pool has let the
    /// instance go but the table still needs it. Never on an event loop: it may unload.
    init(table: RouteTable, pool: InstancePool, former: Snapshot, makeLane: (VersionID, any Instance) -> Lane)
    {
        self.table = table
        isPublished = true
        var models: [String: RoutedModel] = [:]
        for (model, route) in table.routes {
            var lanes: [VersionNumber: Lane] = [:]
            let shadows = route.shadows.map(\.version).filter { !route.withdrawn.contains($0) }
            for number in route.answering.union(shadows) {
                let version = VersionID(model, number)
                let known = former.model(model.text)?.lanes[number]
                guard let instance = pool[version] else {
                    lanes[number] = known
                    continue
                }
                lanes[number] = known.flatMap { $0.holds(instance) ? $0 : nil } ?? makeLane(version, instance)
            }
            models[model.text] = RoutedModel(route: route, lanes: lanes, former: former.model(model.text))
        }
        self.models = models
    }

    func model(_ name: String) -> RoutedModel? { models[name] }

    /// By name.
    var all: [RoutedModel] { models.sorted { $0.key < $1.key }.map(\.value) }

    /// The only model there is; nil when there are none or several.
    var only: RoutedModel? { models.count == 1 ? models.values.first : nil }

    /// Whether every endpoint that serves something can answer.
    func isReady(isLogWritable: Bool) -> Bool {
        isPublished
            && models.values.allSatisfy {
                $0.route.stable == nil || $0.isReady && (isLogWritable || !$0.needsLog)
            }
    }
}

/// One model's route and the versions that are there to answer by it.
final class RoutedModel: Sendable {
    /// Where a request says something of itself, ready to be looked up.
    enum Source: Sendable {
        case request
        case header(String)
        case pointer(JSONPointer)

        init(_ unit: ServingSettings.Unit) {
            switch unit {
            case .request: self = .request
            case .header(let name): self = .header(name)
            // A pointer that is none finds nothing in any body, so its requests are tossed alone.
            case .pointer(let text): self = JSONPointer(text).map(Source.pointer) ?? .request
            }
        }
    }

    let route: Route
    let lanes: [VersionNumber: Lane]
    let unitSource: Source
    /// Where requests say whom they are about; nil takes what they stick by.
    let subjectSource: Source?
    let redaction: Redaction?
    /// The versions that are there to answer.
    let loaded: Set<VersionNumber>
    /// What is counted of requests that leave the choice to Belay; nil when nothing is.
    let counting: Counting?
    /// Who looks into the requests of the versions that are counted.
    let observers: [VersionNumber: Observer]

    /// Counts go on as in the `former` table where nothing in them has changed.
    init(route: Route, lanes: [VersionNumber: Lane], former: RoutedModel? = nil) {
        self.route = route
        self.lanes = lanes
        self.loaded = Set(lanes.keys)
        let counting = route.counting.map { new in
            former?.counting.flatMap { $0.isLike(new) ? $0 : nil } ?? new
        }
        self.counting = counting
        observers = Self.observers(route, lanes, counting, former)
        unitSource = Source(route.serving.unit)
        subjectSource = route.serving.record.subject.map(Source.init)
        let redact = route.serving.record.redact
        redaction = redact.isEmpty ? nil : Redaction(pointers: redact)
    }

    private static func observers(
        _ route: Route,
        _ lanes: [VersionNumber: Lane],
        _ counting: Counting?,
        _ former: RoutedModel?
    ) -> [VersionNumber: Observer] {
        guard let counting, counting.needsObservation else { return [:] }
        var observers: [VersionNumber: Observer] = [:]
        for number in [route.stable, route.candidate?.version].compactMap(\.self) {
            guard let lane = lanes[number] else { continue }
            // A rollback makes a table too, and need not wait for what is there already.
            let isKept =
                former?.counting === counting && former?.lanes[number] === lane
                && former?.route.prediction == route.prediction
            observers[number] =
                isKept
                ? former?.observers[number]
                : Observer(counting, signature: lane.signature, prediction: route.prediction)
        }
        return observers
    }

    /// Who looks into a request that is counted so: it may have been routed by an earlier table.
    func observer(of version: VersionNumber, _ counting: Counting) -> Observer? {
        observers[version].flatMap { $0.counting === counting ? $0 : nil }
    }

    /// Whether the stable version is there to answer.
    var isReady: Bool { route.stable.map { lanes[$0] != nil } ?? false }

    /// Whether no answer leaves while the log takes none.
    var needsLog: Bool { route.serving.record.isRequired }

    /// What the model takes and gives, by the first version that is there.
    var anySignature: Signature? {
        let chain = [route.stable].compactMap { $0 } + route.standbys
        let first = chain.lazy.compactMap { [lanes] in lanes[$0]?.signature }.first
        return first ?? lanes.values.first?.signature
    }

    /// Whether somebody can answer in place of stable: a standby, or the policy itself.
    func hasMore(than version: VersionNumber) -> Bool {
        route.failing.answer != nil || hasStandby(besides: version)
    }

    /// Whether a standby can be asked after that version.
    func hasStandby(besides version: VersionNumber) -> Bool {
        route.standbys.contains { $0 != version && route.answers(with: $0) && lanes[$0] != nil }
    }

    /// The version that is meant, or the stable one, as far as requests may reach it.
    func version(_ selector: InferencePath.Selector) throws(Rejection) -> VersionNumber {
        switch selector {
        case .version(let text): return try Assignment.pinned(to: text, route: route).version
        case .alias(let name): return try Assignment.pinned(toAlias: name, route: route).version
        case .routed:
            guard let stable = route.stable else { throw .nothingServes(route.endpoint.model) }
            return stable
        }
    }
}

extension Route {
    /// Of which release outcomes are counted, and what of them: that on trial, else that of stable.
    fileprivate var counting: Counting? {
        if let candidate {
            return Counting(EvidenceEpoch(candidate), plan: candidate.counting, .trial)
        }
        return watched.map { watched in
            let epoch = EvidenceEpoch(release: watched.release, number: 0)
            return Counting(epoch, plan: watched.counting, .watch(isJudged: watched.isJudged))
        }
    }
}
