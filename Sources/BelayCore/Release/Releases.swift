/// All releases that there ever were, by number.
///
/// They stand on shelves, so that a state with a year of releases can be copied and changed in the time that
/// one shelf takes: every rollback waits for that.
package struct Releases: Equatable, Sendable {
    private static let shelfSize = 64

    private var shelves: [Int: [ReleaseID: Release]] = [:]

    package internal(set) subscript(id: ReleaseID) -> Release? {
        get { shelves[id.value / Self.shelfSize]?[id] }
        set { shelves[id.value / Self.shelfSize, default: [:]][id] = newValue }
    }

    package var count: Int { shelves.values.reduce(0) { $0 + $1.count } }

    /// In no particular order.
    package var keys: some Sequence<ReleaseID> { shelves.values.lazy.flatMap(\.keys) }

    /// In no particular order.
    package var values: some Sequence<Release> { shelves.values.lazy.flatMap(\.values) }
}
