package import BelayCore
import Synchronization

/// Something that can turn the files of a version into an ``Instance``.
///
/// The seam between Belay and what computes: ONNX Runtime in this process today, a supervised worker or a
/// remote server later. Both methods read files and take milliseconds to minutes: never on an event loop.
package protocol Runtime: Sendable {
    /// Says what the version takes and gives, or why it may not be registered.
    ///
    /// - Parameters:
    ///   - folder: The folder that holds the version's files, and nothing else.
    ///   - entry: The file to load, relative to `folder`.
    ///   - manifest: Every file the version consists of; nothing else may be read.
    /// - Returns: Inputs and outputs in the order the model declares them.
    /// - Throws: ``InferenceError/modelUnreadable(path:reason:)``,
    ///   ``InferenceError/modelUnsafe(path:hazard:)``, ``InferenceError/modelUnsupported(name:obstacle:)`` or
    ///   ``InferenceError/tooLarge(what:limit:)``.
    func inspect(folder: String, entry: RelativePath, manifest: Manifest) throws(InferenceError) -> Signature

    /// Makes a version ready to answer. Unloading is dropping the last reference.
    func load(folder: String, entry: RelativePath) throws(InferenceError) -> any Instance
}

/// A version loaded and able to answer, from any number of threads at once.
package protocol Instance: AnyObject, Sendable {
    var signature: Signature { get }

    /// Answers one request; blocks the calling thread until the answer is there.
    ///
    /// - Parameters:
    ///   - inputs: Every input of the signature, in any order.
    ///   - outputs: Names of the outputs wanted, in that order; empty means all, as the signature has them.
    ///   - cancellation: Ends the run early when another thread calls ``Cancellation/cancel()``.
    /// - Returns: One tensor for each output wanted; whether its values make sense is not checked here.
    /// - Throws: ``InferenceError/requestMismatch(_:)``, ``InferenceError/runFailed(reason:)``,
    ///   ``InferenceError/invalidOutput(name:reason:)`` or ``InferenceError/cancelled``.
    func infer(
        _ inputs: [NamedTensor],
        outputs: [String],
        cancellation: Cancellation
    ) throws(InferenceError) -> [NamedTensor]
}

/// A wish, from another thread, that a run should end now.
///
/// One value a request; cancelling is permanent, may come before, during or after the run, and costs nothing
/// when it comes twice.
package final class Cancellation: Sendable {
    private struct State: Sendable {
        var isCancelled = false
        var stop: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    package init() {}

    package var isCancelled: Bool { state.withLock { $0.isCancelled } }

    package func cancel() {
        state.withLock { state in
            state.isCancelled = true
            state.stop?()
            state.stop = nil
        }
    }

    /// Runs `body`; if the wish comes meanwhile, calls `stop` on the thread that has it.
    ///
    /// `stop` is called once at most and never when `body` has returned, so what it touches can be used for
    /// something else then. It must return at once, and not look at this cancellation.
    package func stopping<Result>(
        with stop: @escaping @Sendable () -> Void,
        _ body: () throws(InferenceError) -> Result
    ) throws(InferenceError) -> Result {
        let already = state.withLock { state in
            if !state.isCancelled { state.stop = stop }
            return state.isCancelled
        }
        guard !already else { throw .cancelled }
        defer { state.withLock { $0.stop = nil } }
        return try body()
    }
}
