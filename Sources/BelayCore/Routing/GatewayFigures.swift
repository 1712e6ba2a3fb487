/// What a gateway has done since its process started: counts that only grow, and a few levels of the moment.
///
/// Every event loop keeps its own, without a lock; sums do not depend on the order in which they are merged.
package struct GatewayFigures: Equatable, Sendable {
    /// Who answered.
    package struct Key: Hashable, Sendable {
        package let version: VersionID
        package let arm: Arm

        package init(version: VersionID, arm: Arm) {
            self.version = version
            self.arm = arm
        }
    }

    /// What one version did for one arm.
    package struct Requests: Equatable, Sendable {
        /// By HTTP status code.
        package fileprivate(set) var codes: [Int: Int] = [:]
        package fileprivate(set) var latency = LatencyHistogram()

        fileprivate mutating func add(_ code: Int, _ microseconds: Int) {
            codes[code, default: 0] += 1
            latency.add(microseconds: microseconds)
        }
    }

    /// How a breaker treats its instance; loops that disagree are as bad as the worst of them.
    package enum Breaker: Int, Comparable, CaseIterable, Sendable {
        case closed, halfOpen, open

        package static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
    }

    /// What came of the copies of requests that one version got as a shadow.
    package struct Shadow: Equatable, Sendable {
        /// Copies whose answer was compared with the one that was served.
        package var pairs = 0
        /// Pairs whose answers differ.
        package var differing = 0
        /// Copies that the version could not answer.
        package var errors = 0
        /// Copies that were not sent, because something that is served needed the place.
        package var shed = 0
        /// Of the numbers in each pair's outputs the largest difference, added up.
        package var distance = 0.0
        /// Time that the pairs took in the two models, added up.
        package var servedMicroseconds = 0
        package var shadowMicroseconds = 0

        package init() {}
    }

    /// Why somebody whose turn it was did not answer a request.
    package struct Fallback: Hashable, Sendable {
        package let model: ModelName
        /// `candidate`, `stable` or `standby`; `all` when the policy's own answer stood in for them.
        package let role: String
        /// As `Belay-Fallback` says it.
        package let reason: String

        package init(model: ModelName, role: String, reason: String) {
            self.model = model
            self.role = role
            self.reason = reason
        }
    }

    package private(set) var requests: [Key: Requests] = [:]
    /// Each hop of each request that came to somebody else.
    package private(set) var fallbacks: [Fallback: Int] = [:]
    /// Requests refused before a version was chosen, by HTTP status code.
    package private(set) var rejected: [Int: Int] = [:]
    /// Requests turned away because the version had no place for them.
    package private(set) var shed: [VersionID: Int] = [:]
    package private(set) var breakers: [VersionID: Breaker] = [:]
    package private(set) var shadows: [VersionID: Shadow] = [:]
    package var connections = 0
    package var inFlight = 0

    package init() {}

    /// Counts an answer that left; latencies are in microseconds, from the whole head to the whole answer.
    package mutating func answered(_ key: Key, code: Int, microseconds: Int) {
        requests[key, default: Requests()].add(code, microseconds)
    }

    package mutating func rejected(code: Int) { rejected[code, default: 0] += 1 }

    package mutating func fellBack(_ fallback: Fallback) { fallbacks[fallback, default: 0] += 1 }

    package mutating func shed(by version: VersionID) { shed[version, default: 0] += 1 }

    package mutating func set(_ breaker: Breaker, of version: VersionID) { breakers[version] = breaker }

    /// Lets `change` count what came of a copy.
    package mutating func shadow(_ version: VersionID, _ change: (inout Shadow) -> Void) {
        change(&shadows[version, default: Shadow()])
    }

    package mutating func merge(_ other: GatewayFigures) {
        for (key, theirs) in other.requests {
            requests[key, default: Requests()].codes.merge(theirs.codes) { $0.addingSaturated($1) }
            requests[key, default: Requests()].latency.merge(theirs.latency)
        }
        fallbacks.merge(other.fallbacks) { $0.addingSaturated($1) }
        rejected.merge(other.rejected) { $0.addingSaturated($1) }
        shed.merge(other.shed) { $0.addingSaturated($1) }
        breakers.merge(other.breakers) { max($0, $1) }
        for (version, theirs) in other.shadows {
            shadow(version) { mine in
                mine.pairs = mine.pairs.addingSaturated(theirs.pairs)
                mine.differing = mine.differing.addingSaturated(theirs.differing)
                mine.errors = mine.errors.addingSaturated(theirs.errors)
                mine.shed = mine.shed.addingSaturated(theirs.shed)
                mine.distance += theirs.distance
                mine.servedMicroseconds = mine.servedMicroseconds.addingSaturated(theirs.servedMicroseconds)
                mine.shadowMicroseconds = mine.shadowMicroseconds.addingSaturated(theirs.shadowMicroseconds)
            }
        }
        connections = connections.addingSaturated(other.connections)
        inFlight = inFlight.addingSaturated(other.inFlight)
    }
}

/// How long things took, in buckets that are the same everywhere and for ever, so that histograms add up.
package struct LatencyHistogram: Equatable, Sendable {
    /// The upper ends of the buckets, in microseconds; the last bucket has none.
    package static let bounds = [
        500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
        5_000_000, 10_000_000,
    ]

    /// One for each bound and one for what took longer; not cumulative.
    package private(set) var counts = [Int](repeating: 0, count: bounds.count + 1)
    package private(set) var microseconds = 0

    package init() {}

    /// Less than nothing, which a clock may say, counts as nothing.
    package mutating func add(microseconds value: Int) {
        let value = max(0, value)
        counts[Self.bounds.firstIndex { value <= $0 } ?? Self.bounds.count] += 1
        microseconds = microseconds.addingSaturated(value)
    }

    package mutating func merge(_ other: LatencyHistogram) {
        for index in counts.indices { counts[index] = counts[index].addingSaturated(other.counts[index]) }
        microseconds = microseconds.addingSaturated(other.microseconds)
    }
}
