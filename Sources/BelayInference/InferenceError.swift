package import BelayCore

/// Why a version could not be loaded, or could not answer.
///
/// One closed set for the whole module, so that the gateway can decide by switch who is to blame: the caller
/// (``requestMismatch(_:)``, ``malformedJSON(offset:expected:)``, ``tooLarge(what:limit:)``), the version
/// (``runFailed(reason:)``, ``invalidOutput(name:reason:)``), or nobody (``cancelled``).
package enum InferenceError: Error, Equatable, Sendable {
    /// No ONNX Runtime was found; every place that was tried, in order.
    case runtimeMissing(searched: [String])
    /// A library was found but cannot be trusted to answer.
    case runtimeUnfit(path: String, reason: String)
    /// The file is not a model, or the runtime would not take it.
    case modelUnreadable(path: String, reason: String)
    /// The model would read a file that is not its own.
    case modelUnsafe(path: String, hazard: ModelHazard)
    /// An input or output of a kind that no caller could send or read.
    case modelUnsupported(name: String, obstacle: ModelObstacle)
    /// Well-formed, but not what the model takes: one sentence that names the input.
    case requestMismatch(String)
    /// Not JSON, or not the JSON of an inference request: what stood to be read at which byte.
    case malformedJSON(offset: Int, expected: String)
    /// More than a limit allows.
    case tooLarge(what: String, limit: Int)
    /// The model started and gave up.
    case runFailed(reason: String)
    /// Somebody called ``Cancellation/cancel()``.
    case cancelled
    /// The model answered something that cannot be told to a caller.
    case invalidOutput(name: String, reason: String)
    /// A label cannot be compared with the prediction at all: one sentence.
    case labelMismatch(String)
}

/// Ways in which a model's folder could make the server read other files.
package enum ModelHazard: Equatable, Sendable {
    /// External data at a location that is not a file of the version.
    case externalData(location: String)
    case symbolicLink
    /// The same bytes have another name, perhaps outside: ONNX Runtime follows those.
    case hardLink(count: Int)
    /// A device, a pipe or a socket.
    case notARegularFile
}

/// Kinds of inputs and outputs that are refused at registration.
package enum ModelObstacle: Equatable, Sendable {
    /// `sequence`, `map`, `optional`…: what scikit-learn's ZipMap gives.
    case notATensor(kind: String)
    /// `bfloat16`, `complex64`, `float8e4m3fn`…
    case elementType(String)
    /// The model does not even say how many dimensions it has, so no answer could be checked.
    case unknownShape
}

extension InferenceError: Explainable {
    package var explanation: Explanation { Explanation(code: code, summary: summary, remedy: remedy) }

    package var category: FailureCategory {
        switch self {
        case .runtimeMissing, .runtimeUnfit, .cancelled: .unavailable
        case .modelUnsafe, .modelUnsupported: .refused
        case .modelUnreadable, .requestMismatch, .malformedJSON, .labelMismatch: .invalid
        case .tooLarge: .tooLarge
        case .runFailed, .invalidOutput: .failed
        }
    }

    private var code: String {
        switch self {
        case .runtimeMissing: "inference.runtime-missing"
        case .runtimeUnfit: "inference.runtime-unfit"
        case .modelUnreadable: "inference.model-unreadable"
        case .modelUnsafe(_, .externalData): "inference.external-data-escapes"
        case .modelUnsafe: "inference.linked-file"
        case .modelUnsupported(_, .notATensor): "inference.not-a-tensor"
        case .modelUnsupported(_, .elementType): "inference.unsupported-type"
        case .modelUnsupported(_, .unknownShape): "inference.unknown-shape"
        case .requestMismatch: "inference.request-mismatch"
        case .malformedJSON: "inference.malformed-json"
        case .tooLarge: "inference.too-large"
        case .runFailed: "inference.run-failed"
        case .cancelled: "inference.cancelled"
        case .invalidOutput: "inference.invalid-output"
        case .labelMismatch: "inference.label-mismatch"
        }
    }

    private var summary: String {
        switch self {
        case .runtimeMissing(let searched):
            "ONNX Runtime was not found; looked for \(searched.joined(separator: ", "))."
        case .runtimeUnfit(let path, let reason): "ONNX Runtime at \(path) cannot be used: \(reason)."
        case .modelUnreadable(let path, let reason): "The model \(path) could not be loaded: \(reason)."
        case .modelUnsafe(let path, let hazard): "The file \(path) was refused: \(hazard.sentence)."
        case .modelUnsupported(let name, .notATensor(let kind)): "'\(name)' is a \(kind), not a tensor."
        case .modelUnsupported(let name, .elementType(let type)):
            "'\(name)' has elements of type \(type), which no request or answer can carry."
        case .modelUnsupported(let name, .unknownShape):
            "The model does not say how many dimensions '\(name)' has."
        case .requestMismatch(let sentence), .labelMismatch(let sentence): sentence
        case .malformedJSON(let offset, let expected):
            "The JSON is wrong at byte \(offset): expected \(expected)."
        case .tooLarge(let what, let limit): "There were more than \(limit) \(what)."
        case .runFailed(let reason): "The model failed while answering: \(reason)."
        case .cancelled: "The run was cancelled before it ended."
        case .invalidOutput(let name, let reason): "Output '\(name)' cannot be told to a caller: \(reason)."
        }
    }

    private var remedy: String {
        switch self {
        case .runtimeMissing:
            "Run `make build`, which fetches it, or set BELAY_ONNXRUNTIME to the path of libonnxruntime.so."
        case .runtimeUnfit:
            "Use ONNX Runtime 1.17 or newer: run `Scripts/setup`, or correct BELAY_ONNXRUNTIME."
        case .modelUnreadable:
            "Check the file with `onnx.checker.check_model` in Python and register it again."
        case .modelUnsafe(_, .externalData):
            "Save the model with its external data in files beside it, and register the whole folder."
        case .modelUnsafe:
            "Copy the model's files into a fresh folder as plain files and register that folder."
        case .modelUnsupported(_, .notATensor):
            "Convert again with `zipmap=False`; with skl2onnx: `options={id(model): {\"zipmap\": False}}`."
        case .modelUnsupported(_, .elementType):
            "Cast it in the model to FP32 or an integer and export again."
        case .modelUnsupported(_, .unknownShape):
            "Declare its shape when exporting, or run `onnx.shape_inference.infer_shapes` on it in Python."
        case .requestMismatch: "Compare the request with the model's metadata: GET /v2/models/{model}."
        case .malformedJSON: "Correct the request body; the Open Inference Protocol says what it looks like."
        case .tooLarge: "Send less at a time: split the batch into several requests."
        case .runFailed: "Try the version's example request, and look at the inputs of this one."
        case .cancelled: "Send the request again; if it takes too long, raise the time limit or send less."
        case .invalidOutput: "Look at the inputs of this request; if they are good, the version is not."
        case .labelMismatch: "Send a label of the same kind and count as the prediction it is about."
        }
    }
}

extension ModelHazard {
    fileprivate var sentence: String {
        switch self {
        case .externalData(let location):
            "it wants data from '\(location)', which is not a file of this version"
        case .symbolicLink: "it is a symbolic link"
        case .hardLink(let count): "it is hard-linked, \(count) names share its bytes"
        case .notARegularFile: "it is not a regular file"
        }
    }
}
