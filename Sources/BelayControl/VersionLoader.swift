package import BelayArtifacts
package import BelayCore
package import BelayInference
import Synchronization

/// Turns a registered version into an instance that has answered.
///
/// A version is loaded once at a time, however many ask: the second caller waits for the first.
package final class VersionLoader: Sendable {
    /// A question that takes longer is given up, and says nothing against the version.
    private static let probePatience = Duration.seconds(10)

    private struct Queue {
        let turnstile = Turnstile()
        var length = 0
    }

    private let folders: VersionFolders
    private let runtime: any Runtime
    private let pool: InstancePool
    private let clock: any Clock<Duration>
    /// By digest, and only while somebody is there.
    private let queues = Mutex<[Digest: Queue]>([:])

    /// Takes a clock to measure how long a probe may take.
    package init(
        folders: VersionFolders,
        runtime: any Runtime,
        pool: InstancePool,
        clock: any Clock<Duration>
    ) {
        self.clock = clock
        self.folders = folders
        self.runtime = runtime
        self.pool = pool
    }

    package func isLoaded(_ version: VersionID) -> Bool { pool[version] != nil }

    package var loaded: Set<VersionID> { pool.loaded }

    package func unload(_ version: VersionID) { pool.remove(version) }

    /// Loads `version` unless it is loaded already; its files are verified byte for byte first.
    ///
    /// - Throws: What the artifacts or the runtime object to.
    package func load(_ version: Version) async throws {
        try await alone(with: version.digest) {
            guard !isLoaded(version.id) else { return }
            try await loadNow(version)
        }
    }

    /// The signature that the runtime reads from a version's files, before the version has a number.
    package func inspect(_ manifest: Manifest, digest: Digest, entry: RelativePath) async throws -> Signature
    {
        let (folders, runtime) = (folders, runtime)
        return try await alone(with: digest) {
            try await onOwnThread {
                let folder = try folders.materialise(manifest, digest: digest, checking: .contents)
                return try runtime.inspect(folder: folder, entry: entry, manifest: manifest)
            }
        }
    }

    /// Lets one at a time touch the folder of a digest.
    ///
    /// Two that lay out the same bytes at once would replace each other's folder, and whoever reads it
    /// meanwhile finds nothing.
    private func alone<Value: Sendable>(
        with digest: Digest,
        _ work: () async throws -> Value
    ) async rethrows -> Value {
        let turnstile = queues.withLock { queues in
            var queue = queues[digest] ?? Queue()
            queue.length += 1
            queues[digest] = queue
            return queue.turnstile
        }
        defer {
            queues.withLock { queues in
                queues[digest]?.length -= 1
                if queues[digest]?.length == 0 { queues[digest] = nil }
            }
        }
        return try await turnstile.pass(work)
    }

    private func loadNow(_ version: Version) async throws {
        let (folders, runtime) = (folders, runtime)
        let instance = try await onOwnThread {
            let folder = try folders.materialise(
                version.manifest,
                digest: version.digest,
                checking: .contents
            )
            return try runtime.load(folder: folder, entry: version.entry)
        }
        try await probe(instance)
        pool.put(instance, for: version.id)
    }

    /// Asks the instance one question, and stops it when it cannot find an end to its answer.
    private func probe(_ instance: any Instance) async throws {
        let cancellation = Cancellation()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [clock] in
                try await clock.sleep(for: Self.probePatience)
                cancellation.cancel()
            }
            defer { group.cancelAll() }
            try await onOwnThread { try ask(instance, cancellation: cancellation) }
        }
    }
}
