import BelayInference
import NIOHTTP1

/// The header fields that mean something here, found in one pass over all of them.
///
/// Other `Belay-*` fields of a client are not read, so they cannot pretend anything.
struct RequestFields {
    private(set) var contentLength = 0
    private(set) var contentType: String?
    private(set) var contentEncoding: String?
    private(set) var acceptEncoding: String?
    private(set) var awaitsContinue = false
    /// `Transfer-Encoding`, when it is more than chunks: what comes out of those is not the body then.
    private(set) var transferCoding: String?
    /// `Inference-Header-Content-Length`, which makes a body one with binary tensors.
    private(set) var headerLengths: [String] = []
    private(set) var requestID: String?
    private(set) var deadline: String?
    private(set) var model: String?
    private(set) var traceparent: String?
    /// `Upgrade`, which is not heeded; the parser reads nothing behind such a request.
    private(set) var wantsUpgrade = false

    init(_ headers: HTTPHeaders) {
        for (name, value) in headers { note(name, value) }
    }

    /// Names are told apart by their length first, so most fields cost one comparison.
    private mutating func note(_ name: String, _ field: String) {
        let value = withoutBlanks(field)
        switch name.utf8.count {
        case 6 where isSame(name, "expect"): awaitsContinue = isSame(value, "100-continue")
        case 7 where isSame(name, "upgrade"): wantsUpgrade = true
        case 11 where isSame(name, "traceparent"): traceparent = traceparent ?? value
        case 11 where isSame(name, "belay-model"): model = model ?? value
        case 12 where isSame(name, "content-type"): contentType = contentType ?? value
        case 14 where isSame(name, "content-length"): contentLength = Int(value) ?? 0
        case 14 where isSame(name, "belay-deadline"): deadline = deadline ?? value
        case 15 where isSame(name, "accept-encoding"):
            acceptEncoding = acceptEncoding.map { "\($0),\(value)" } ?? value
        case 16 where isSame(name, "content-encoding"):
            contentEncoding = contentEncoding.map { "\($0),\(value)" } ?? value
        case 16 where isSame(name, "belay-request-id"): requestID = requestID ?? admissibleRequestID(value)
        case 17 where isSame(name, "transfer-encoding") && !isSame(value, "chunked"): transferCoding = value
        case 31 where isSame(name, "inference-header-content-length"): headerLengths.append(value)
        default: break
        }
    }

    private func isSame(_ text: String, _ lowercased: StaticString) -> Bool {
        text.utf8.count == lowercased.utf8CodeUnitCount
            && lowercased.withUTF8Buffer { expected in
                text.utf8.elementsEqual(expected) { $0 | ($0 >= 0x41 && $0 <= 0x5a ? 0x20 : 0) == $1 }
            }
    }
}

extension HTTPHeaders {
    /// The first value of a field, without the blanks around it.
    func value(of name: String) -> String? { first(name: name).map(withoutBlanks) }
}

/// A field's value without the blanks around it, which are not part of it (RFC 9110, 5.5).
private func withoutBlanks(_ text: String) -> String {
    func isBlank(_ byte: UInt8?) -> Bool { byte == 0x20 || byte == 0x09 }
    guard isBlank(text.utf8.last) || isBlank(text.utf8.first) else { return text }
    var bytes = text.utf8[...]
    while isBlank(bytes.last) { bytes.removeLast() }
    while isBlank(bytes.first) { bytes.removeFirst() }
    return String(Substring(bytes))
}

/// The caller's request id when it is fit to be echoed in a header and kept in a log: 1 to 128 visible ASCII.
func admissibleRequestID(_ text: String?) -> String? {
    guard let text, (1...128).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
    else {
        return nil
    }
    return text
}

/// The trace a request belongs to, by W3C Trace Context's `traceparent`.
struct TraceParent: Equatable {
    /// 32 hexadecimal digits, not all zero.
    let trace: String

    /// Returns nil for what the recommendation calls invalid; such a header is as good as none.
    init?(_ text: String?) {
        guard let text else { return nil }
        let parts = text.split(separator: "-", maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].utf8.count == 2, parts[0] != "ff",
            parts[0] != "00" || parts.count == 4,
            parts[1].utf8.count == 32, parts[2].utf8.count == 16, parts[3].utf8.count == 2,
            parts[0...3].allSatisfy({ $0.utf8.allSatisfy(isLowerHexadecimal) }),
            parts[1].contains(where: { $0 != "0" }), parts[2].contains(where: { $0 != "0" })
        else { return nil }
        trace = String(parts[1])
    }
}

private func isLowerHexadecimal(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
}
