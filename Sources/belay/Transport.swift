import CCurl
import Foundation
import Synchronization

/// A request of HTTP, as the command line sends it.
struct HTTPCall: Sendable {
    enum Body: Sendable {
        case none
        case bytes(Data)
        /// Sent from the disk, without holding it in memory.
        case file(String)
    }

    let method: String
    let url: URL
    var headers: [String: String] = [:]
    var body = Body.none
}

struct HTTPAnswer: Sendable {
    let status: Int
    /// By their names in lower case; of several of one name, the first.
    let headers: [String: String]
    let body: Data
}

/// Why no answer came.
struct TransportFailure: Error {
    /// As the end of a sentence.
    let reason: String
}

/// Sends requests by the system's libcurl, which is found when the first one is sent.
///
/// Foundation's networking would link it, and some thirty libraries that it needs, into a server that never
/// sends a request.
struct Transport: Sendable {
    /// Hosts that no proxy stands before, as `no_proxy` lists them; nil leaves it to the environment.
    var withoutProxy: String?
    // Registering or going back to a large cold model takes as long as loading it does.
    private static let idleSeconds = 900
    private static let totalSeconds = 3600

    /// - Throws: ``TransportFailure``, or `CancellationError` when the task is cancelled meanwhile.
    func send(_ call: HTTPCall) async throws -> HTTPAnswer {
        let exchange = HTTPExchange()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                // It blocks for as long as the server takes.
                Thread { continuation.resume(with: Result { try perform(call, exchange) }) }.start()
            }
        } onCancel: {
            exchange.cancel()
        }
    }

    private func perform(_ call: HTTPCall, _ exchange: HTTPExchange) throws -> HTTPAnswer {
        let lines = call.headers.map { "\($0.key): \($0.value)" } + ["Expect:"]
        var body = Data()
        var file: String?
        switch call.body {
        case .none: break
        case .bytes(let bytes): body = bytes
        case .file(let path): file = path
        }
        var status = 0
        var reason = [CChar](repeating: 0, count: 256)
        let code = withCStrings([call.method, call.url.absoluteString, file, withoutProxy] + lines) { texts in
            body.withUnsafeBytes { bytes in
                let hasBody = if case .bytes = call.body { true } else { false }
                // An empty body has no address of its own, and would be none.
                let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self) ?? texts[0]
                return texts[4...].withUnsafeBufferPointer { headers in
                    var request = belay_http_request(
                        method: texts[0],
                        url: texts[1],
                        headers: headers.baseAddress,
                        header_count: headers.count,
                        body: hasBody ? start : nil,
                        body_length: bytes.count,
                        file: texts[2],
                        no_proxy: texts[3],
                        idle_seconds: Self.idleSeconds,
                        total_seconds: Self.totalSeconds
                    )
                    return belay_http_send(&request, exchange.sink, &status, &reason, reason.count)
                }
            }
        }
        try check(code, reason, exchange)
        return exchange.answer(status: status)
    }

    private func check(_ code: Int32, _ reason: [CChar], _ exchange: HTTPExchange) throws {
        guard code != 0 else { return }
        if exchange.isCancelled { throw CancellationError() }
        let told = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let sentence =
            switch code {
            case Int32(BELAY_HTTP_NO_LIBRARY): "libcurl.so.4 is not installed on this machine"
            case Int32(BELAY_HTTP_NO_FILE): "the file could not be read"
            case Int32(BELAY_HTTP_NO_MEMORY): "there was no memory for it"
            case 6: "the host is not known"
            case 7: "the connection was refused"
            case 28: "it took too long"
            case 52, 55, 56: "the connection was lost"
            default: told.isEmpty ? "the connection failed" : "the connection failed (\(told))"
            }
        throw TransportFailure(reason: sentence)
    }
}

/// What comes in for one request; filled on one thread, and cancelled from any.
private final class HTTPExchange: Sendable {
    private struct Content {
        var headers: [String: String] = [:]
        var body = Data()
    }

    private let content = Mutex(Content())
    private let cancelled = Atomic<Bool>(false)

    var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    func cancel() { cancelled.store(true, ordering: .relaxed) }

    func answer(status: Int) -> HTTPAnswer {
        content.withLock { HTTPAnswer(status: status, headers: $0.headers, body: $0.body) }
    }

    /// For as long as somebody holds the exchange.
    var sink: belay_http_sink {
        belay_http_sink(
            context: Unmanaged.passUnretained(self).toOpaque(),
            header: { context, line, length in
                guard let line else { return }
                HTTPExchange.of(context)?.note(header: UnsafeRawBufferPointer(start: line, count: length))
            },
            body: { context, bytes, length in
                guard let bytes else { return }
                HTTPExchange.of(context)?.content.withLock {
                    $0.body.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: length))
                }
            },
            is_cancelled: { HTTPExchange.of($0)?.isCancelled == true ? 1 : 0 }
        )
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> HTTPExchange? {
        context.map { Unmanaged<HTTPExchange>.fromOpaque($0).takeUnretainedValue() }
    }

    private func note(header line: UnsafeRawBufferPointer) {
        let text = String(decoding: line, as: UTF8.self)
        content.withLock { content in
            // After a redirection, or a 100, only the last answer counts.
            guard !text.hasPrefix("HTTP/") else { return content.headers = [:] }
            guard let colon = text.firstIndex(of: ":") else { return }
            let name = text[..<colon].lowercased()
            let value = text[text.index(after: colon)...].trimmingCharacters(in: .whitespacesAndNewlines)
            if content.headers[name] == nil { content.headers[name] = value }
        }
    }
}

/// Calls `body` with all texts as C has them, nil as NULL.
private func withCStrings<Value>(
    _ texts: [String?],
    _ body: ([UnsafePointer<CChar>?]) throws -> Value
) rethrows -> Value {
    let copies = texts.map { $0.flatMap { strdup($0) } }
    defer { for copy in copies { free(copy) } }
    return try body(copies.map { $0.map { UnsafePointer($0) } })
}
