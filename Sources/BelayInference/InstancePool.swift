package import BelayCore
import Synchronization

/// The instances that are loaded now, by version.
///
/// Control puts and removes; a gateway looks up when it takes a new route table. Removing drops only the
/// pool's reference: requests in flight keep theirs, and the last one to go unloads.
package final class InstancePool: Sendable {
    private let instances = Mutex<[VersionID: any Instance]>([:])

    package init() {}

    package subscript(version: VersionID) -> (any Instance)? { instances.withLock { $0[version] } }

    package var loaded: Set<VersionID> { instances.withLock { Set($0.keys) } }

    package func put(_ instance: any Instance, for version: VersionID) {
        instances.withLock { $0[version] = instance }
    }

    package func remove(_ version: VersionID) {
        let removed = instances.withLock { $0.removeValue(forKey: version) }
        withExtendedLifetime(removed) {}
    }
}
