import BelayControl
import BelayCore
import BelayDisk
import BelayNotices
import BelayOutgoing
import BelayStore
import Foundation
import Hummingbird
import Logging
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Tells what happens, until the server stops; what has not arrived by then is told by the next one.
struct Heralding: Service {
    let herald: Herald
    let logger: Logger

    func run() async throws {
        let logger = logger
        await cancelWhenGracefulShutdown {
            do {
                try await herald.run(clock: ContinuousClock(), every: .milliseconds(250)) { error in
                    // Whatever it was, the next round reads the same entries and tells them.
                    let known = (error as? any Explainable)?.explanation.summary
                    logger.error(
                        "notices could not be kept or sent",
                        metadata: ["error": "\(known ?? String("\(error)".prefix(200)))"]
                    )
                }
            } catch {
                // The ordinary end.
            }
        }
    }
}

/// When the ledger was last verified, for those who watch that it is.
final class VerificationLog: Sendable {
    private let newest = Mutex<(at: Timestamp, ok: Bool)?>(nil)

    var last: (at: Timestamp, ok: Bool)? { newest.withLock { $0 } }

    func note(ok: Bool, at time: Timestamp) { newest.withLock { $0 = (time, ok) } }
}

/// Everything that tells those outside what happens, and hears them.
struct Telling: Sendable {
    private static let undeliveredFor = Duration.seconds(86_400)

    let outbox: Outbox
    let herald: Herald
    /// For whoever else asks servers that are not Belay's.
    let http: any OutgoingHTTP
    private let hooks: HookRoutes

    init(
        settings: Settings,
        store: SQLiteStore,
        reserve: Reserve,
        conductor: Conductor,
        now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) async throws {
        let outbox = try await Self.outbox(
            at: "\(settings.data)/outbox.sqlite",
            position: store.standing.head.sequence,
            reserve: reserve,
            logger: logger
        )
        let entries = { @Sendable (after: Int, limit: Int) async throws -> [Entry] in
            try await store.entries(after: after, limit: limit).map(\.entry)
        }
        let http = OutgoingClient(
            group: .singletonMultiThreadedEventLoopGroup,
            resolve: .system,
            authorities: .system()
        )
        (self.outbox, self.http) = (outbox, http)
        herald = Herald(
            outbox: outbox,
            http: http,
            secrets: .system,
            server: settings.publicURL ?? "http://\(settings.listen)",
            entries: entries,
            view: {
                let picture = await conductor.picture
                return Herald.View(state: picture.state, reports: picture.reports)
            },
            now: wallClock
        )
        hooks = HookRoutes(
            rope: Rope(conductor: conductor, outbox: outbox, entries: entries, now: now),
            secret: settings.hookSecret,
            secrets: .system,
            isLoopback: settings.listen.isLoopback
        )
    }

    /// Opens the outbox, or a new one in its place: that nobody can be told keeps nobody from serving.
    private static func outbox(
        at path: String,
        position: Int,
        reserve: Reserve,
        logger: Logger
    ) async throws -> Outbox {
        do {
            return try await reserve.lend { try Outbox(path: path, position: position) }
        } catch {
            // What waits in it is whole, and a new one would find no space either.
            guard !reserve.isNeeded else { throw StoreError.storageFull(path: path) }
            let aside = "\(path).broken-\(wallClock().milliseconds)"
            logger.error(
                "the outbox could not be opened and was set aside; what waited in it is not told",
                metadata: ["path": "\(aside)", "error": "\(String("\(error)".prefix(200)))"]
            )
            for suffix in ["", "-wal", "-shm"] {
                try? FileManager.default.moveItem(atPath: path + suffix, toPath: aside + suffix)
            }
            return try Outbox(path: path, position: position)
        }
    }

    func register(on router: Router<CallContext>, _ v1: RouterGroup<CallContext>, desk: Desk) {
        hooks.register(on: router)
        NoticeRoutes(herald: herald, outbox: outbox, desk: desk).register(on: v1)
    }

    /// Notices that have not arrived, of the last day, by model; none while the outbox cannot say.
    var undelivered: [String: Int] {
        get async {
            (try? await outbox.undelivered(since: wallClock().advanced(by: .zero - Self.undeliveredFor)))
                ?? [:]
        }
    }

    func surroundings(_ parts: Assembly.Parts) async -> Surroundings {
        Surroundings(
            notices: await herald.tallies,
            undelivered: await undelivered,
            verification: parts.verifications.last,
            labels: parts.intake.counts.all,
            refusedLabels: parts.intake.counts.refused,
            coverage: await parts.coverage.ratios(
                of: await parts.conductor.state.models.keys,
                now: wallClock()
            )
        )
    }
}
