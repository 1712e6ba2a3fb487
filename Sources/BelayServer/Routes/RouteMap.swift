import HTTPTypes
import Hummingbird
import Synchronization

/// Which methods each path takes, so that a wrong one is told apart from a wrong path.
struct RouteMap: Sendable {
    private let routes: [(pattern: [Substring], method: String)]

    init(_ routes: [(path: String, method: String)]) {
        self.routes = routes.map { (Self.segments($0.path), $0.method) }
    }

    init(of router: Router<CallContext>) {
        self.init(router.routes.map { ($0.path.description, $0.method.rawValue) })
    }

    /// The methods that `path` takes, sorted; none when there is nothing at it.
    func methods(at path: String) -> [String] {
        let asked = Self.segments(path)
        return Set(routes.filter { Self.matches(asked, $0.pattern) }.map(\.method)).sorted()
    }

    private static func segments(_ path: String) -> [Substring] {
        path.prefix { $0 != "?" }.split(separator: "/")
    }

    private static func matches(_ path: [Substring], _ pattern: [Substring]) -> Bool {
        path.count == pattern.count
            && zip(path, pattern).allSatisfy { part, expected in
                expected.hasPrefix(":") || expected.hasPrefix("{") || part == expected
            }
    }
}

/// The map of a router, known once all of its routes are.
final class RouteMapBox: Sendable {
    private let map = Mutex(RouteMap([(path: String, method: String)]()))

    func set(_ new: RouteMap) { map.withLock { $0 = new } }

    func methods(at path: String) -> [String] { map.withLock { $0 }.methods(at: path) }
}
