import BelayInference
import NIOCore
import NIOHTTP1

/// A request while it arrives: what its head said, and the body so far.
///
/// Bookkeeping of the limits; a body nobody will read is counted but not kept. An object, so that a
/// connection's state is handed around without a copy of every field; confined to the connection's loop.
final class Reception {
    let ticket: Ticket
    let headers: HTTPHeaders
    let fields: RequestFields
    /// What is asked for, or why it is refused once the request is whole.
    let path: Result<InferencePath, Rejection>
    let coding: ContentCoding?
    /// The length of the JSON before binary tensors; nil when all of the body is JSON.
    let headerLength: Int?
    private(set) var body: [UInt8] = []
    /// Bytes of the body that came, kept or not.
    private(set) var received = 0
    private let limit: Int

    init(
        _ head: HTTPRequestHead,
        path: Result<InferencePath, Rejection>,
        number: Int,
        limit: Int
    ) {
        fields = RequestFields(head.headers)
        ticket = Ticket(
            number: number,
            version: head.version,
            keepsAlive: head.isKeepAlive && !fields.wantsUpgrade && head.method != .CONNECT,
            isHead: head.method == .HEAD
        )
        headers = head.headers
        self.limit = limit
        var path = path
        var coding: ContentCoding?
        if let text = fields.contentEncoding {
            do throws(CompressionFault) {
                coding = try ContentCoding.applied([text])
            } catch {
                path = path.flatMap { _ in .failure(Rejection(compression: error)) }
            }
        }
        self.coding = coding
        if let transfer = fields.transferCoding {
            path = path.flatMap { _ in .failure(.transferCoding(transfer)) }
        }
        do throws(InferenceError) {
            headerLength = try OIPRequest.headerLength(fields.headerLengths)
        } catch {
            headerLength = nil
            path = path.flatMap { _ in .failure(Rejection(objection: error)) }
        }
        self.path = path
        // Not all at once: a length is a claim, and ten thousand connections can make it.
        if case .success = path { body.reserveCapacity(min(max(0, fields.contentLength), limit, 1 << 20)) }
    }

    /// The rejection that cannot wait for the body: it is too long, or the client asks before it sends it.
    var urgentRejection: Rejection? {
        if fields.contentLength > limit { return .bodyTooLarge(limit: limit) }
        guard fields.awaitsContinue, case .failure(let rejection) = path else { return nil }
        return rejection
    }

    /// Takes the next part of the body; false when it is too long altogether.
    func append(_ bytes: ByteBuffer) -> Bool {
        received += bytes.readableBytes
        guard received <= limit else { return false }
        if case .success = path { body.append(contentsOf: bytes.readableBytesView) }
        return true
    }
}

/// Which request of a connection is to be answered, and how its client wants the connection left.
struct Ticket: Equatable {
    /// Counts up within the connection.
    let number: Int
    let version: HTTPVersion
    let keepsAlive: Bool
    /// It wants the head of an answer, and no body.
    let isHead: Bool
}
