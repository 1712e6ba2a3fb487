import NIOPosix

/// A few threads of its own for what blocks or takes long: reading the log, storing a file.
///
/// The threads that all tasks share are as many as there are processors, so two readers or two uploads on
/// them would hold up every guard. Here whoever comes when all are busy waits without a thread.
final class ThreadExecutor: TaskExecutor {
    private let threads: NIOThreadPool

    init(threads count: Int) {
        threads = NIOThreadPool(numberOfThreads: count)
        threads.start()
    }

    /// Runs `work` on these threads, and comes back to where the caller runs.
    func run<Value: Sendable>(_ work: @concurrent () async throws -> Value) async rethrows -> Value {
        try await withTaskExecutorPreference(self) { try await work() }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Also once the threads have ended, on whichever there is: a task must come to its end.
        threads.submit { _ in job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Ends the threads; what waits for one still runs.
    func shutdown() async { try? await threads.shutdownGracefully() }
}
