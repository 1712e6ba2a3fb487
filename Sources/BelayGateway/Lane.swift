import BelayCore
import BelayInference
import NIOCore
import NIOPosix
import Synchronization

/// The way to one loaded version: its own threads and its own short queue.
///
/// Every run leaves the event loop, cheap ones too. A candidate that hangs can then block nothing but its own
/// two threads, and the fence never waits for a model. Running cheap models on the loop would save some ten
/// microseconds; that belongs behind a measured cost per version and comes later.
final class Lane: Sendable {
    /// What a run came to, ready for the connection.
    enum Completion: Sendable {
        case answered([UInt8])
        case failed(Exchange.Failure)
    }

    let version: VersionID
    let signature: Signature
    private let occupant: Occupant
    private let threads: NIOThreadPool

    /// - Parameters:
    ///   - version: Which version it is, for what the response says.
    ///   - instance: The loaded version; the lane keeps it until the lane's own last reference goes.
    ///   - threads: Runs at a time.
    ///   - waiting: Requests that may wait beyond those.
    init(version: VersionID, instance: any Instance, threads: Int, waiting: Int) {
        self.version = version
        self.signature = instance.signature
        self.occupant = Occupant(instance, places: threads + waiting)
        self.threads = NIOThreadPool(numberOfThreads: threads)
        self.threads.start()
    }

    /// Unloading a large model takes long, and the last reference may be dropped on an event loop: so the
    /// instance is let go on the lane's own thread, or on the one that stops it.
    deinit {
        threads.submit { [occupant] _ in occupant.evict() }
        threads.shutdownGracefully { _ in }
    }

    func holds(_ instance: any Instance) -> Bool { occupant.instance === instance }

    /// Asks the version, guards what it says and writes the response.
    ///
    /// - Parameters:
    ///   - request: Checked against ``signature``.
    ///   - cancellation: Ends the run early, or spares it when it has not begun.
    ///   - eventLoop: Where the future completes.
    /// - Returns: What came of it, never a failed future; nil when too many wait already.
    func run(
        _ request: OIPRequest,
        cancellation: Cancellation,
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<Completion>? {
        guard occupant.admit() else { return nil }
        let promise = eventLoop.makePromise(of: Completion.self)
        threads.submit { [occupant, version] state in
            let completion: Completion
            if state == .active, !cancellation.isCancelled, let instance = occupant.instance {
                completion = answer(request, by: instance, version: version, cancellation: cancellation)
            } else {
                completion = .failed(.erred("The run was cancelled before it began."))
            }
            occupant.release()
            promise.succeed(completion)
        }
        return promise.futureResult
    }
}

/// The instance in a lane, and how many requests are in it.
private final class Occupant: Sendable {
    private struct State: Sendable {
        var instance: (any Instance)?
        var requests = 0
    }

    private let state: Mutex<State>
    private let places: Int

    init(_ instance: any Instance, places: Int) {
        self.state = Mutex(State(instance: instance))
        self.places = places
    }

    var instance: (any Instance)? { state.withLock { $0.instance } }

    func admit() -> Bool {
        state.withLock { state in
            guard state.requests < places else { return false }
            state.requests += 1
            return true
        }
    }

    func release() { state.withLock { $0.requests -= 1 } }

    /// Lets the instance go; it unloads here unless a run still has it.
    func evict() {
        let last = state.withLock { state in
            defer { state.instance = nil }
            return state.instance
        }
        withExtendedLifetime(last) {}
    }
}

/// The inputs have been checked, so whatever the instance throws is the version's failure.
private func answer(
    _ request: OIPRequest,
    by instance: any Instance,
    version: VersionID,
    cancellation: Cancellation
) -> Lane.Completion {
    let signature = instance.signature
    let wanted = request.outputs.isEmpty ? signature.outputs.map(\.name) : request.outputNames
    do throws(InferenceError) {
        let answered = try instance.infer(request.inputs, outputs: wanted, cancellation: cancellation)
        switch OutputGuard.admit(answered, wanted: wanted, signature: signature) {
        case .failure(let fault): return .failed(.invalidOutput(fault.sentence))
        case .success(let outputs):
            let (model, number) = (version.model.text, version.number.description)
            return .answered(
                try OIPResponse.encode(model: model, version: number, request: request, outputs: outputs)
                    .bytes
            )
        }
    } catch {
        if case .invalidOutput = error { return .failed(.invalidOutput(error.explanation.summary)) }
        return .failed(.erred(error.explanation.summary))
    }
}
