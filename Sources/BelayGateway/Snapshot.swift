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
    /// instance go but the table still needs it. Never on an event loop: a new lane starts threads.
    init(table: RouteTable, pool: InstancePool, former: Snapshot, makeLane: (VersionID, any Instance) -> Lane)
    {
        self.table = table
        isPublished = true
        var models: [String: RoutedModel] = [:]
        for (model, route) in table.routes {
            var lanes: [VersionNumber: Lane] = [:]
            for number in route.answering {
                let version = VersionID(model, number)
                let known = former.model(model.text)?.lanes[number]
                guard let instance = pool[version] else {
                    lanes[number] = known
                    continue
                }
                lanes[number] = known.flatMap { $0.holds(instance) ? $0 : nil } ?? makeLane(version, instance)
            }
            models[model.text] = RoutedModel(route: route, lanes: lanes)
        }
        self.models = models
    }

    func model(_ name: String) -> RoutedModel? { models[name] }

    /// Whether every endpoint that serves something can answer.
    var isReady: Bool { isPublished && models.values.allSatisfy { $0.route.stable == nil || $0.isReady } }
}

/// One model's route and the versions that are there to answer by it.
struct RoutedModel: Sendable {
    /// Where a request says what sticks to one version, ready to be looked up.
    enum UnitSource: Sendable {
        case request
        case header(String)
        case pointer(JSONPointer)
    }

    let route: Route
    let lanes: [VersionNumber: Lane]
    let unitSource: UnitSource
    let loaded: Set<VersionNumber>

    init(route: Route, lanes: [VersionNumber: Lane]) {
        self.route = route
        self.lanes = lanes
        self.loaded = Set(lanes.keys)
        switch route.serving.unit {
        case .request: unitSource = .request
        case .header(let name): unitSource = .header(name)
        // A pointer that is none finds nothing in any body, so its requests are tossed alone.
        case .pointer(let text): unitSource = JSONPointer(text).map(UnitSource.pointer) ?? .request
        }
    }

    /// Whether the stable version is there to answer.
    var isReady: Bool { route.stable.map { lanes[$0] != nil } ?? false }

    /// The version that `text` names, or the stable one, as far as requests may reach it.
    func version(_ text: String?) throws(Rejection) -> VersionNumber {
        if let text { return try Assignment.pinned(to: text, route: route).version }
        guard let stable = route.stable else { throw .nothingServes(route.endpoint.model) }
        return stable
    }
}
