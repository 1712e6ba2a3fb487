import BelayCore

/// Every reason why a caller gets an error instead of an answer: the one place for its status and its
/// sentence.
enum Rejection: Error, Equatable {
    // What was asked is wrong.
    case noSuchPath
    case wrongMethod(allowed: String)
    case unknownModel(String, similar: ModelName?)
    case unknownVersion(model: ModelName, String)
    case withdrawn(VersionID)
    case bodyTooLarge(limit: Int)
    case bodyTooSlow(seconds: Int64)
    case compressed(String)
    case binaryTensors
    case malformed(String)
    /// The inputs, checked against the signature of the version that was to answer.
    case mismatch(String)
    // What was asked cannot be done now.
    case nothingServes(ModelName)
    case notLoaded(VersionID)
    case overloaded(VersionID)
    case rerouted(ModelName, times: Int)
    case timedOut(VersionID, milliseconds: Int)
    case failed(VersionID, reason: String)
    case invalidOutput(VersionID, reason: String)

    var status: Int {
        switch self {
        case .malformed, .mismatch, .binaryTensors: 400
        case .noSuchPath, .unknownModel, .unknownVersion: 404
        case .wrongMethod: 405
        case .bodyTooSlow: 408
        case .withdrawn: 410
        case .bodyTooLarge: 413
        case .compressed: 415
        case .failed, .invalidOutput: 500
        case .nothingServes, .notLoaded, .overloaded, .rerouted: 503
        case .timedOut: 504
        }
    }

    /// `Allow` and `Retry-After`, where a client's library acts on them.
    var headers: [(String, String)] {
        switch self {
        case .wrongMethod(let allowed): [("Allow", allowed)]
        case .nothingServes, .notLoaded, .overloaded, .rerouted: [("Retry-After", "1")]
        default: []
        }
    }

    var sentence: String {
        switch self {
        case .noSuchPath:
            "There is nothing at this path; inference is at POST /v2/models/{model}/infer."
        case .wrongMethod(let allowed): "This path takes \(allowed) only."
        case .unknownModel(let name, let similar):
            "No model '\(name.prefix(80))' serves here; "
                + (similar.map { "did you mean '\($0)'?" } ?? "a registered one must be released first.")
        case .unknownVersion(let model, let version):
            "Model '\(model)' has no version '\(version.prefix(20))' that serves; "
                + "GET /v2/models/\(model) lists those that do."
        case .withdrawn(let version):
            "\(version.phrase) was withdrawn by a rollback and answers no more; "
                + "POST /v2/models/\(version.model)/infer reaches the version that serves."
        case .bodyTooLarge(let limit):
            "The request body is longer than \(limit) bytes; split the batch into several requests."
        case .bodyTooSlow(let seconds): "The request body did not arrive within \(seconds) s; send it again."
        case .compressed(let encoding):
            "A body with Content-Encoding '\(encoding.prefix(40))' cannot be read yet; send it uncompressed."
        case .binaryTensors:
            "The binary tensor extension is not spoken here; send the inputs as JSON with 'data' "
                + "and without the header Inference-Header-Content-Length."
        case .malformed(let sentence), .mismatch(let sentence): sentence
        default: laterSentence
        }
    }

    private var laterSentence: String {
        switch self {
        case .nothingServes(let model):
            "No version of '\(model)' serves yet; release one with `belay release \(model)@VERSION`."
        case .notLoaded(let version):
            "\(version.phrase) is being loaded; send the request again in a moment."
        case .overloaded(let version):
            "\(version.phrase) has too many requests waiting; send this one again later."
        case .rerouted(let model, let times):
            "The version that answers for '\(model)' changed \(times) times meanwhile; ask again."
        case .timedOut(let version, let milliseconds):
            "\(version.phrase) did not answer within the \(milliseconds) ms "
                + "that the endpoint allows."
        case .failed(let version, let reason):
            "\(version.phrase) failed: \(reason)"
        case .invalidOutput(let version, let reason):
            "\(version.phrase) gave an answer that may not leave: \(reason)"
        default: ""
        }
    }
}

extension VersionID {
    /// How sentences begin: `Version 3 of 'fraud'`.
    fileprivate var phrase: String { "Version \(number) of '\(model)'" }
}
