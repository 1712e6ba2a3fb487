import NIOCore
import NIOHTTP1

/// A request while it arrives: what its head said, and the body so far.
///
/// Pure bookkeeping of the limits; a body nobody will read is counted but not kept.
struct Reception {
    let ticket: Ticket
    let headers: HTTPHeaders
    /// What is asked for, or why it is refused once the request is whole.
    let path: Result<InferencePath, Rejection>
    /// The client holds its body back until it is told to go on.
    let awaitsContinue: Bool
    private(set) var body: [UInt8] = []
    private var received = 0
    private let declared: Int
    private let limit: Int

    init(_ head: HTTPRequestHead, number: Int, limit: Int) {
        ticket = Ticket(number: number, version: head.version, keepsAlive: head.isKeepAlive)
        headers = head.headers
        path = Self.path(of: head)
        awaitsContinue = head.headers[canonicalForm: "expect"].contains { $0.lowercased() == "100-continue" }
        declared = head.headers.first(name: "Content-Length").flatMap { Int($0) } ?? 0
        self.limit = limit
        // Not all at once: a length is a claim, and ten thousand connections can make it.
        if case .success = path { body.reserveCapacity(min(declared, limit, 1 << 20)) }
    }

    /// The rejection that cannot wait for the body: it is too long, or the client asks before it sends it.
    var urgentRejection: Rejection? {
        if declared > limit { return .bodyTooLarge(limit: limit) }
        guard awaitsContinue, case .failure(let rejection) = path else { return nil }
        return rejection
    }

    /// Takes the next part of the body; false when it is too long altogether.
    mutating func append(_ bytes: ByteBuffer) -> Bool {
        received += bytes.readableBytes
        guard received <= limit else { return false }
        if case .success = path { body.append(contentsOf: bytes.readableBytesView) }
        return true
    }

    private static func path(of head: HTTPRequestHead) -> Result<InferencePath, Rejection> {
        let path = InferencePath.parse(method: head.method.rawValue, uri: head.uri)
        guard case .success(let asked) = path else { return path }
        let encoding = head.headers.first(name: "Content-Encoding") ?? "identity"
        if encoding.lowercased() != "identity" { return .failure(.compressed(encoding)) }
        if case .model(_, _, .infer) = asked, head.headers.contains(name: "Inference-Header-Content-Length") {
            return .failure(.binaryTensors)
        }
        return path
    }
}

/// Which request of a connection is to be answered, and how its client wants the connection left.
struct Ticket: Equatable {
    /// Counts up within the connection.
    let number: Int
    let version: HTTPVersion
    let keepsAlive: Bool
}
