import CThreads
import NIOCore
import NIOPosix

/// Who runs on which threads, so that nobody waits behind what another can wait for.
struct Threads: Sendable {
    /// The inference gateway's event loops.
    let gateway = MultiThreadedEventLoopGroup(numberOfThreads: System.coreCount)
    /// A loop of its own: a rollback must not wait behind the requests that it is to save.
    let control = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    /// Reads back what is long, and leaves half of the processors to those who answer.
    let readers = ThreadExecutor(threads: max(1, System.coreCount / 2))
    /// Files on their way to the disk, however long it takes for them.
    let uploads = ThreadExecutor(threads: 2)

    init() {
        // All that a rollback does before its record takes about half a millisecond.
        control.next().execute { _ = belay_thread_is_prompt(1000) }
    }

    func shutdown() async throws {
        try await control.shutdownGracefully()
        try await gateway.shutdownGracefully()
        await readers.shutdown()
        await uploads.shutdown()
    }
}
