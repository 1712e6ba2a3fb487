import BelayCore
import BelayInference
import NIOHTTP1

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
    case headersTooLong
    case notHTTP(String)
    case unknownCoding(String)
    case transferCoding(String)
    case badCompression(String)
    case wrongContent(String)
    case deadline(String)
    case severalModels
    case notByHand(String)
    case unknownAlias(model: ModelName, String)
    case malformed(String)
    case tooLarge(String)
    /// The inputs, checked against the signature of the version that was to answer.
    case mismatch(String)
    // What was asked cannot be done now.
    case nothingServes(ModelName)
    case notLoaded(VersionID)
    case overloaded(VersionID)
    case tripped(VersionID)
    case cutOff(VersionID)
    case busy
    case logFull(ModelName)
    case tooLate(ModelName, milliseconds: Int)
    case rerouted(ModelName, times: Int)
    case timedOut(VersionID, milliseconds: Int)
    case failed(VersionID, reason: String)
    case invalidOutput(VersionID, reason: String)

    var status: Int {
        switch self {
        case .malformed, .mismatch, .badCompression, .deadline, .severalModels, .notByHand, .notHTTP: 400
        case .noSuchPath, .unknownModel, .unknownVersion, .unknownAlias: 404
        case .wrongMethod: 405
        case .bodyTooSlow: 408
        case .withdrawn: 410
        case .bodyTooLarge, .tooLarge: 413
        case .unknownCoding, .wrongContent: 415
        case .headersTooLong: 431
        case .failed, .invalidOutput: 500
        case .transferCoding: 501
        case .nothingServes, .notLoaded, .overloaded, .tripped, .cutOff, .busy, .logFull, .rerouted: 503
        case .timedOut, .tooLate: 504
        }
    }

    /// Whether the request cannot be one of this model: it does not fit the signature, or is none at all.
    var isMisfit: Bool {
        switch self {
        case .mismatch, .malformed: true
        default: false
        }
    }

    /// `Allow` and `Retry-After`, where a client's library acts on them.
    var headers: [(String, String)] {
        switch self {
        case .wrongMethod(let allowed): [("Allow", allowed == "GET" ? "GET, HEAD" : allowed)]
        case _ where status == 503: [("Retry-After", "1")]
        default: []
        }
    }

    /// What MLflow's scoring protocol calls it.
    var scoringCode: String {
        switch status {
        case 400, 413, 415: "BAD_REQUEST"
        case 404, 410: "RESOURCE_DOES_NOT_EXIST"
        case 501: "NOT_IMPLEMENTED"
        case 503: "TEMPORARILY_UNAVAILABLE"
        default: "INTERNAL_ERROR"
        }
    }

    /// What a version's thread says of the question itself.
    init(objection error: InferenceError) {
        let explanation = error.explanation
        let sentence = "\(explanation.summary) \(explanation.remedy)"
        switch error {
        case .requestMismatch: self = .mismatch(sentence)
        default: self = .malformed(sentence)
        }
    }

    init(compression fault: CompressionFault) {
        switch fault {
        case .unknownCoding: self = .unknownCoding(fault.sentence)
        case .unreadable: self = .badCompression(fault.sentence)
        case .tooLarge: self = .tooLarge(fault.sentence)
        case .exhausted: self = .busy
        }
    }

    /// What NIO's parser says of bytes that are no HTTP; nil for failures of the socket.
    init?(parsing error: any Error) {
        guard let error = error as? HTTPParserError else { return nil }
        switch error {
        case .headerOverflow: self = .headersTooLong
        default: self = .notHTTP(String(String(describing: error).prefix(80)))
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
        case .malformed(let sentence), .mismatch(let sentence), .tooLarge(let sentence): sentence
        default: protocolSentence ?? laterSentence
        }
    }

    private var protocolSentence: String? {
        switch self {
        case .headersTooLong: "The header fields are too many or too long; send fewer."
        case .notHTTP(let reason): "This is no HTTP/1.1 request (\(reason)); the connection is closed."
        case .unknownCoding(let sentence), .badCompression(let sentence), .wrongContent(let sentence):
            sentence
        case .transferCoding(let text):
            "Transfer-Encoding is '\(text.prefix(40))', and only chunked is understood; "
                + "compress the body and say so in Content-Encoding."
        case .deadline(let text):
            "Belay-Deadline is '\(text.prefix(40))'; write how long the caller waits, such as 250ms or 2s."
        case .severalModels:
            "Several models serve here; post to /models/{model}/invocations, or name one in Belay-Model."
        case .notByHand(let sentence): sentence
        case .unknownAlias(let model, let name):
            "Model '\(model)' has no alias or label '\(name.prefix(80))' that serves; "
                + "ask without one for the version that does."
        default: nil
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
        case .tripped(let version):
            "\(version.phrase) failed too often just now and is not asked for some seconds; send this later."
        case .cutOff(let version):
            "\(version.phrase) was withdrawn under this request; send it again."
        case .busy: "Too many request bodies are in memory; send this one again later."
        case .logFull(let model):
            "The answer could not be recorded, and '\(model)' answers nothing unrecorded; ask again later."
        case .tooLate(let model, let milliseconds):
            "'\(model)' could not answer within the \(milliseconds) ms that were allowed."
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
