import Hummingbird
import NIOCore
import ServiceLifecycle

/// Runs tasks in turns of an event loop, so that they reach their connection without a hand-over.
///
/// Under load each hand-over to another thread waits for a processor, and a rollback passed ten of them.
final class LoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// A service whose tasks run by this executor, as far as they do not say otherwise.
struct Preferring<Served: Service>: Service {
    let executor: LoopExecutor
    let service: Served
    /// How long the service may take to end once it was told to.
    ///
    /// One client that sends half of a request, or reads no more, keeps it from that for ever, and with it
    /// all that is to be written out at the end.
    let patience: Duration

    func run() async throws {
        try await withTaskExecutorPreference(executor) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await service.run() }
                group.addTask {
                    // Either throws only when this task is cancelled, because the service has ended.
                    guard (try? await gracefulShutdown()) != nil else { return }
                    try? await Task.sleep(for: patience, clock: .continuous)
                }
                try await group.next()
                group.cancelAll()
                do {
                    try await group.waitForAll()
                } catch is CancellationError {
                    // It was cut off.
                }
            }
        }
    }
}

/// Answers everything on the common threads that may take its time: reading a ledger, storing a file.
///
/// What stays on the control API's own loop is what must be quick, and is: the rollback, and whether the
/// server lives.
struct ElsewhereMiddleware<Context: RequestContext>: RouterMiddleware {
    @concurrent
    func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let path = request.uri.path
        guard !path.hasSuffix("/rollback"), path != "/livez" else { return try await next(request, context) }
        return try await withTaskExecutorPreference(globalConcurrentExecutor) {
            try await next(request, context)
        }
    }
}
