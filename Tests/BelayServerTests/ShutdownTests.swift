import Logging
import NIOPosix
import ServiceLifecycle
import Synchronization
import Testing

@testable import BelayServer

/// The control API ends when the server is told to, whatever its clients do.
@Suite struct ShutdownTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    /// As a server does while a client has sent half of a request.
    private struct NeverEnding: Service {
        func run() async throws {
            let (silence, _) = AsyncStream.makeStream(of: Never.self)
            for await _ in silence {}
            try Task.checkCancellation()
        }
    }

    private final class Flag: Sendable {
        private let value = Atomic<Bool>(false)
        var isRaised: Bool { value.load(ordering: .acquiring) }

        func raise() { value.store(true, ordering: .releasing) }
    }

    private struct Last: Service {
        let ended: Flag

        func run() async throws {
            try await gracefulShutdown()
            ended.raise()
        }
    }

    @Test(.timeLimit(.minutes(1))) func whatDoesNotEndByItselfIsCutOffAndTheOthersEndAsUsual() async throws {
        let ended = Flag()
        let stuck = Preferring(executor: LoopExecutor(loop), service: NeverEnding(), patience: .zero)
        let (running, started) = AsyncStream.makeStream(of: Void.self)
        let group = ServiceGroup(
            services: [Last(ended: ended), stuck, Starting { started.yield() }],
            logger: .init(label: "test")
        )
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            for await _ in running { break }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
        #expect(ended.isRaised)
    }

    /// Says when it runs.
    private struct Starting: Service {
        let began: @Sendable () -> Void

        func run() async throws {
            began()
            try await gracefulShutdown()
        }
    }

    @Test func aServiceThatFailsSaysWhy() async throws {
        struct Fault: Error {}
        struct Failing: Service {
            func run() async throws { throw Fault() }
        }
        let failing = Preferring(executor: LoopExecutor(loop), service: Failing(), patience: .zero)
        await #expect(throws: Fault.self) { try await failing.run() }
    }
}
