import BelayCore
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// Gives a repeated POST the answer of the first one.
///
/// Every POST may carry an `Idempotency-Key`. What was refused or failed may be tried again under the same
/// key.
final class IdempotencyMiddleware: RouterMiddleware {
    typealias Context = CallContext

    /// No body of a POST is longer.
    private static let mostBodyBytes = 32 << 20

    private let memory = Mutex(CallMemory())
    private let now: @Sendable () -> Timestamp

    init(now: @escaping @Sendable () -> Timestamp) { self.now = now }

    @concurrent
    func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard request.method == .post, let text = request.headers[Self.header] else {
            return try await next(request, context)
        }
        guard (1...255).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw IdempotencyError.badKey
        }
        let body = try await request.body.collect(upTo: Self.mostBodyBytes)
        var request = request
        request.body = .init(buffer: body)
        let key = "\(request.actor) \(text)"
        let fingerprint = Self.fingerprint(request, body)
        switch memory.withLock({ $0.begin(key, fingerprint: fingerprint, at: now()) }) {
        case .repeated(let answer): return Self.response(answer)
        case .underway: throw IdempotencyError.underway
        case .different: throw IdempotencyError.otherCall
        case .new: return try await carryOut(request, context, key, next)
        }
    }

    private func carryOut(
        _ request: Request,
        _ context: Context,
        _ key: String,
        _ next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            let response = try await next(request, context)
            let collected = Collected()
            try await response.body.write(CollectingWriter(collected: collected))
            let answer = CallMemory.Answer(
                status: response.status.code,
                contentType: response.headers[.contentType],
                eTag: response.headers[.eTag],
                body: collected.bytes.withLock { $0 }
            )
            memory.withLock { $0.finish(key, with: response.status.code < 500 ? answer : nil) }
            var again = response
            again.body = .init(byteBuffer: ByteBuffer(bytes: answer.body))
            return again
        } catch {
            memory.withLock { $0.finish(key, with: nil) }
            throw error
        }
    }

    private static func response(_ answer: CallMemory.Answer) -> Response {
        var headers: HTTPFields = [.cacheControl: "no-store"]
        headers[.contentType] = answer.contentType
        headers[.eTag] = answer.eTag
        if let name = HTTPField.Name("Idempotent-Replayed") { headers[name] = "true" }
        return Response(
            status: .init(code: answer.status),
            headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: answer.body))
        )
    }

    private static func fingerprint(_ request: Request, _ body: ByteBuffer) -> Int {
        var hasher = Hasher()
        hasher.combine(request.uri.string)
        hasher.combine(request.headers[.contentType])
        hasher.combine(request.headers[values: .ifMatch])
        hasher.combine(request.reason)
        hasher.combine(body)
        return hasher.finalize()
    }

    private static let header = HTTPField.Name("Idempotency-Key") ?? .range
}

/// The bytes of an answer that is written.
private final class Collected: Sendable {
    let bytes = Mutex<[UInt8]>([])
}

private struct CollectingWriter: ResponseBodyWriter {
    let collected: Collected

    mutating func write(_ buffer: ByteBuffer) async throws {
        collected.bytes.withLock { $0.append(contentsOf: buffer.readableBytesView) }
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

/// Why a call with a key is not carried out.
enum IdempotencyError: Error, Equatable, Sendable {
    case badKey
    case underway
    case otherCall
}

extension IdempotencyError: Explainable {
    var category: FailureCategory {
        switch self {
        case .badKey: .invalid
        case .underway: .conflict
        case .otherCall: .refused
        }
    }

    var explanation: Explanation {
        switch self {
        case .badKey:
            Explanation(
                code: "idempotency.bad-key",
                summary: "The Idempotency-Key has not 1 to 255 visible characters.",
                remedy: "Send a UUID, one for each thing you want done."
            )
        case .underway:
            Explanation(
                code: "idempotency.underway",
                summary: "A call with this Idempotency-Key is still being carried out.",
                remedy: "Wait a moment and send it again."
            )
        case .otherCall:
            Explanation(
                code: "idempotency.other-call",
                summary: "This Idempotency-Key was used for another call.",
                remedy: "Make a new key for each thing you want done."
            )
        }
    }
}
