package import BelayArtifacts
package import BelayCore
package import BelayInference
import Foundation
import Synchronization

/// Turns a registered version into an instance that has answered, and asks it again now and then.
///
/// A version is loaded once at a time, however many ask: the others wait with the first. Nobody waits for
/// ever: a load that takes too long goes on alone, and what it brings is there for whoever asks next.
package final class VersionLoader: Sendable {
    /// Nobody waits longer for a load.
    package static let loadPatience = Duration.seconds(600)
    /// A question that takes longer is given up.
    static let probePatience = Duration.seconds(10)

    /// What a load brings.
    private struct Arrival: Sendable {
        let instance: any Instance
        let question: GoldenRequest
    }

    /// What came of a golden request.
    struct Reply: Sendable {
        let question: StandbyHealth.Question
        let outcome: Outcome
        let elapsed: Duration
    }

    enum Outcome: Sendable {
        case answered(GoldenOutputs)
        /// The version gave an error instead of an answer; which, as a sentence.
        case refused(String)
        /// It was given up.
        case late
    }

    private struct Content {
        var loads: [VersionID: Errand<Arrival>] = [:]
        var questions: [VersionID: GoldenRequest] = [:]
        /// Questions that have not come back; a version that hangs is not asked again meanwhile.
        var asking: [VersionID: Asking] = [:]
    }

    private struct Asking {
        let errand: Errand<Reply>
        let cancellation: Cancellation
        /// Whether somebody has waited for it as long as anybody does.
        var isLate = false
    }

    private let folders: VersionFolders
    private let runtime: any Runtime
    private let pool: InstancePool
    private let clock: any Clock<Duration>
    private let content = Mutex(Content())
    private let entrances = Entrances()

    /// Takes a clock to measure how long loads and questions may take.
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

    /// Whether a load of it goes on, with or without somebody who waits.
    package func isLoading(_ version: VersionID) -> Bool {
        content.withLock { $0.loads[version].map { !$0.isOver } ?? false }
    }

    /// Whether a load that nobody waited for has ended since.
    func hasArrived(_ version: VersionID) -> Bool {
        content.withLock { $0.loads[version]?.isOver ?? false }
    }

    package func unload(_ version: VersionID) {
        content.withLock { $0.questions[version] = nil }
        pool.remove(version)
    }

    /// Lets go of what loads brought that nobody waited for in the end, but for these versions.
    func forgetArrivals(but wanted: Set<VersionID>) {
        let forgotten = content.withLock { content in
            let over = content.loads.filter { $0.value.isOver && !wanted.contains($0.key) }
            for id in over.keys { content.loads[id] = nil }
            return over
        }
        withExtendedLifetime(forgotten) {}
    }

    /// Loads `version` unless it is loaded already; its files are verified byte for byte first.
    ///
    /// - Throws: ``LoadError/overdue(_:_:)`` when it takes longer than `patience`, and what the artifacts or
    ///   the runtime object to.
    package func load(_ version: Version, patience: Duration = loadPatience) async throws {
        guard !isLoaded(version.id) else { return }
        let load = load(of: version)
        do {
            let arrival = try await load.value(within: patience, by: clock)
            _ = await reply(of: version.id, arrival.instance, to: arrival.question)
            content.withLock { $0.questions[version.id] = arrival.question }
            pool.put(arrival.instance, for: version.id)
        } catch is Overdue {
            throw LoadError.overdue(version.id, patience)
        } catch let error where !(error is CancellationError) {
            forget(load, of: version.id)
            throw error
        }
        forget(load, of: version.id)
    }

    /// The signature that the runtime reads from a version's files, before the version has a number.
    package func inspect(_ manifest: Manifest, digest: Digest, entry: RelativePath) async throws -> Signature
    {
        try await onOwnThread { [entrances, folders, runtime] in
            let folder = try entrances.pass(digest) {
                try folders.materialise(manifest, digest: digest, checking: .contents)
            }
            return try runtime.inspect(folder: folder, entry: entry, manifest: manifest)
        }
    }

    private func load(of version: Version) -> Errand<Arrival> {
        content.withLock { content in
            if let load = content.loads[version.id] { return load }
            let load = Errand { [entrances, folders, runtime] in
                let (manifest, digest) = (version.manifest, version.digest)
                let folder = try entrances.pass(digest) {
                    try folders.materialise(manifest, digest: digest, checking: .contents)
                }
                let instance = try runtime.load(folder: folder, entry: version.entry)
                let question = try GoldenRequest(
                    folder: folder,
                    manifest: manifest,
                    signature: instance.signature
                )
                return Arrival(instance: instance, question: question)
            }
            content.loads[version.id] = load
            return load
        }
    }

    private func forget(_ load: Errand<Arrival>, of version: VersionID) {
        content.withLock { content in
            if content.loads[version] === load { content.loads[version] = nil }
        }
    }
}

// MARK: - Golden requests

extension VersionLoader {
    /// Asks a loaded version its golden request, on a thread of its own; nil when it is not loaded.
    func ask(_ version: VersionID) async -> Reply? {
        guard let instance = pool[version], let question = content.withLock({ $0.questions[version] }) else {
            return nil
        }
        return await reply(of: version, instance, to: question)
    }

    private func reply(
        of version: VersionID,
        _ instance: any Instance,
        to question: GoldenRequest
    ) async -> Reply {
        let asking = content.withLock { content -> Asking in
            // The same answer serves all who ask at a time.
            if let former = content.asking[version], !former.errand.isOver { return former }
            let cancellation = Cancellation()
            let errand = Errand { [clock] in
                Reply(asking: instance, question, cancellation: cancellation, by: clock)
            }
            let asking = Asking(errand: errand, cancellation: cancellation)
            content.asking[version] = asking
            return asking
        }
        let late = Reply(question: question.source, outcome: .late, elapsed: Self.probePatience)
        guard !asking.isLate else { return late }
        do {
            let reply = try await asking.errand.value(within: Self.probePatience, by: clock)
            content.withLock { content in
                if content.asking[version]?.errand === asking.errand { content.asking[version] = nil }
            }
            return reply
        } catch is CancellationError {
            // Others may wait for it.
            return late
        } catch {
            asking.cancellation.cancel()
            content.withLock { content in
                if content.asking[version]?.errand === asking.errand {
                    content.asking[version]?.isLate = true
                }
            }
            return late
        }
    }
}

extension VersionLoader.Reply {
    fileprivate init(
        asking instance: any Instance,
        _ question: GoldenRequest,
        cancellation: Cancellation,
        by clock: any Clock<Duration>
    ) {
        var outcome = VersionLoader.Outcome.late
        elapsed = clock.measure {
            do throws(InferenceError) {
                let outputs = try instance.infer(question.inputs, outputs: [], cancellation: cancellation)
                outcome = .answered(GoldenOutputs(question: question.source, outputs: outputs))
            } catch {
                outcome = .refused(error.explanation.summary)
            }
        }
        self.question = question.source
        self.outcome = outcome
    }
}

extension Duration {
    fileprivate var wholeSeconds: Int64 { components.seconds }
}

// MARK: - Folders

/// Lets one at a time lay out the files of a digest; waiting blocks the thread.
///
/// Two that lay out the same bytes at once would replace each other's folder, and whoever reads it meanwhile
/// finds nothing.
private final class Entrances: Sendable {
    /// Only while somebody is there.
    private let entrances = Mutex<[Digest: (lock: NSLock, people: Int)]>([:])

    func pass<Value>(_ digest: Digest, _ work: () throws -> Value) rethrows -> Value {
        let entrance = entrances.withLock { entrances in
            let entrance = entrances[digest]?.lock ?? NSLock()
            entrances[digest] = (entrance, (entrances[digest]?.people ?? 0) + 1)
            return entrance
        }
        defer {
            entrances.withLock { entrances in
                entrances[digest]?.people -= 1
                if entrances[digest]?.people == 0 { entrances[digest] = nil }
            }
        }
        entrance.lock()
        defer { entrance.unlock() }
        return try work()
    }
}

// MARK: - Errors

/// Why a version could not be loaded that nothing else objects to.
package enum LoadError: Error, Equatable, Sendable {
    case overdue(VersionID, Duration)
}

extension LoadError: Explainable {
    package var category: FailureCategory { .unavailable }

    package var explanation: Explanation {
        switch self {
        case .overdue(let version, let patience):
            Explanation(
                code: "loading.overdue",
                summary: "\(version) did not load within \(patience.wholeSeconds) s; its load goes on alone.",
                remedy: "Wait for it, or look why it takes so long: its size, the disk, the model itself."
            )
        }
    }
}
