import BelayCore
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1

/// The context of a request to the control API: who asks.
struct CallContext: RequestContext {
    var coreContext: CoreRequestContextStorage

    init(source: ApplicationRequestContextSource) { coreContext = .init(source: source) }
}

extension Request {
    /// Who acts, as the client says; nothing is authenticated yet, which is why only loopback is served.
    var actor: Actor {
        let name = headers.first { $0.name.canonicalName == "belay-actor" }?.value
            .trimmingCharacters(in: .whitespaces)
        return .person(name.flatMap { $0.isEmpty || $0 == "belay" ? nil : $0 } ?? "anonymous")
    }

    /// Why, for a runbook that sends no body: the header `Belay-Reason`.
    var reason: String? {
        headers.first { $0.name.canonicalName == "belay-reason" }
            .map { String($0.value.trimmingCharacters(in: .whitespaces).prefix(500)) }
            .flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The body, read as JSON that holds no key beyond `keys`; an empty one is an object without any.
    func json<Body: Decodable>(_ type: Body.Type, keys: Set<String>) async throws -> Body {
        try body(type, keys: keys, in: try await data() ?? Data("{}".utf8))
    }

    /// The same, or nil when there is no body.
    func jsonIfAny<Body: Decodable>(_ type: Body.Type, keys: Set<String>) async throws -> Body? {
        try await data().map { try body(type, keys: keys, in: $0) }
    }

    private func body<Body: Decodable>(_ type: Body.Type, keys: Set<String>, in data: Data) throws -> Body {
        let names = try decode(KeyNames.self, from: data).names
        if let unknown = names.first(where: { !keys.contains($0) }) {
            throw RequestError.unknownKey(unknown, near: nearest(unknown, among: keys))
        }
        return try decode(type, from: data)
    }

    /// The body, read as JSON by a type that judges its keys itself.
    func json<Body: Decodable>(_ type: Body.Type) async throws -> Body {
        try decode(type, from: try await data() ?? Data("{}".utf8))
    }

    /// The body's bytes; nil when it has none.
    private func data() async throws -> Data? {
        let buffer = try await body.collect(upTo: 1 << 20)
        return buffer.readableBytes == 0 ? nil : Data(buffer.readableBytesView)
    }

    private func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch let error as DecodingError {
            throw RequestError.badBody(error.sentence)
        }
    }
}

/// The keys of a JSON object, whatever stands behind them.
private struct KeyNames: Decodable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    let names: [String]

    init(from decoder: any Decoder) throws {
        names = try decoder.container(keyedBy: Key.self).allKeys.map(\.stringValue).sorted()
    }
}

/// What a client got wrong before anything was decided.
enum RequestError: Error, Equatable, Sendable {
    case badBody(String)
    case unknownKey(String, near: String?)
    case badName(what: String, text: String)
    case unknownPath(String)
    case wrongMethod(String, takes: [String])
    case badPolicy([ProblemView.Place])
    case foreignOrigin(String)
    case foreignHost(String)
}

extension RequestError: Explainable {
    var category: FailureCategory {
        switch self {
        case .badBody, .unknownKey, .badName, .wrongMethod: .invalid
        case .unknownPath: .notFound
        case .badPolicy: .badPolicy
        case .foreignOrigin, .foreignHost: .refused
        }
    }

    var explanation: Explanation {
        switch self {
        case .badBody(let why):
            Explanation(
                code: "request.bad-body",
                summary: "The body could not be read: \(why).",
                remedy: "Send JSON in the shape that the API documents."
            )
        case .unknownKey(let key, let near):
            Explanation(
                code: "request.unknown-key",
                summary: "The body has an unknown key '\(key.prefix(80))'.",
                remedy: near.map { "Did you mean '\($0)'?" } ?? "Leave it out."
            )
        case .badName(let what, let text):
            Explanation(
                code: "request.bad-name",
                summary: "'\(text.prefix(80))' is not a legal \(what).",
                remedy: "Use letters, digits, '.', '_' and '-', beginning with a letter or a digit."
            )
        case .unknownPath(let path):
            Explanation(
                code: "request.unknown-path",
                summary: "There is nothing at '\(path.prefix(200))'.",
                remedy: "Models are asked on the inference port; the control API lives below /v1."
            )
        case .wrongMethod(let method, let takes):
            Explanation(
                code: "request.wrong-method",
                summary: "\(method.prefix(20)) is not taken here.",
                remedy: "Use \(takes.joined(separator: " or "))."
            )
        case .badPolicy(let places):
            Explanation(
                code: "policy.invalid",
                summary: "The policy has \(places.count) mistake\(places.count == 1 ? "" : "s").",
                remedy: "Correct what `errors` names and try again."
            )
        case .foreignOrigin(let origin):
            Explanation(
                code: "request.foreign-origin",
                summary: "A web page of '\(origin.prefix(200))' tried to use the control API.",
                remedy: "Call the API from a program, which sends no Origin."
            )
        case .foreignHost(let host):
            Explanation(
                code: "request.foreign-host",
                summary: "The control API was asked as '\(host.prefix(200))', which is no name of its own.",
                remedy: "Ask 127.0.0.1 or localhost, or name the host: `belay serve --allow-host NAME`."
            )
        }
    }
}

extension DecodingError {
    /// What is wrong and where, without the decoder's own vocabulary.
    var sentence: String {
        switch self {
        case .keyNotFound(let key, _): "the key '\(key.stringValue)' is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "'\(context.codingPath.map(\.stringValue).joined(separator: "."))' has the wrong type"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty ? "it is not JSON" : context.debugDescription
        @unknown default: "it has another shape"
        }
    }
}

/// Turns whatever a route threw into a problem document, in this one place.
struct ProblemMiddleware<Context: RequestContext>: RouterMiddleware {
    let logger: Logger
    /// The methods that a path takes; none when there is nothing at it.
    let methods: @Sendable (String) -> [String]

    @concurrent
    func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as any Explainable {
            let request = error as? RequestError
            return try problem(error.explanation, error.category, request?.status, places: request?.places)
        } catch let error as any HTTPResponseError where error.status == .notFound {
            return try nothing(at: request.uri.path, request.method.rawValue)
        } catch let error as any HTTPResponseError where error.status.code < 500 {
            let explanation = Explanation(
                code: "request.refused",
                summary: "The request was refused: \(error.status.reasonPhrase).",
                remedy: "Correct it and send it again."
            )
            let category: FailureCategory = error.status == .contentTooLarge ? .tooLarge : .invalid
            return try problem(explanation, category, places: nil)
        } catch let error where Self.isByeOfClient(error) {
            // Whoever left reads no answer, and whoever wrote no HTTP is told so by the server itself.
            logger.info("a client left", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            throw error
        } catch {
            logger.error("a request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            let explanation = Explanation(
                code: "server.failed",
                summary: "The server met an error that it does not know.",
                remedy: "Look into the server's log, and report it."
            )
            return try problem(explanation, .failed, places: nil)
        }
    }

    /// Whether it is the connection that failed; what fails on a disk has an error of its own.
    private static func isByeOfClient(_ error: any Error) -> Bool {
        error is HTTPParserError || error is ChannelError || error is IOError || error is CancellationError
    }

    private func nothing(at path: String, _ method: String) throws -> Response {
        let taken = methods(path)
        guard !taken.isEmpty else {
            let unknown = RequestError.unknownPath(path)
            return try problem(unknown.explanation, unknown.category, places: nil)
        }
        let wrong = RequestError.wrongMethod(method, takes: taken)
        var response = try problem(wrong.explanation, wrong.category, .methodNotAllowed, places: nil)
        response.headers[.allow] = taken.joined(separator: ", ")
        return response
    }

    private func problem(
        _ explanation: Explanation,
        _ category: FailureCategory,
        _ known: HTTPResponse.Status? = nil,
        places: [ProblemView.Place]?
    ) throws -> Response {
        let status = known ?? category.status
        let view = ProblemView(
            type: "/docs/errors#\(explanation.code)",
            title: explanation.summary,
            status: status.code,
            code: explanation.code,
            category: category.rawValue,
            detail: explanation.summary,
            remedy: explanation.remedy,
            errors: places
        )
        return try jsonResponse(view, status: status, contentType: "application/problem+json")
    }
}

extension RequestError {
    fileprivate var places: [ProblemView.Place]? {
        if case .badPolicy(let places) = self { places } else { nil }
    }

    /// Where the category's own status would send a browser's owner looking for a mistake in the request.
    fileprivate var status: HTTPResponse.Status? {
        switch self {
        case .foreignOrigin, .foreignHost: .forbidden
        default: nil
        }
    }
}

extension FailureCategory {
    /// The HTTP status of each kind of failure.
    var status: HTTPResponse.Status {
        switch self {
        case .invalid: .badRequest
        case .notFound: .notFound
        case .conflict, .unsafe: .conflict
        case .changed: .preconditionFailed
        case .refused, .badPolicy: .unprocessableContent
        case .tooLarge: .contentTooLarge
        case .unavailable: .serviceUnavailable
        case .failed: .internalServerError
        }
    }
}

/// An answer in JSON with its keys in a fixed order.
func jsonResponse(
    _ value: some Encodable,
    status: HTTPResponse.Status = .ok,
    contentType: String = "application/json"
) throws -> Response {
    Response(
        status: status,
        headers: [.contentType: contentType, .cacheControl: "no-store"],
        body: .init(byteBuffer: ByteBuffer(bytes: try CompactJSON.bytes(of: value)))
    )
}
