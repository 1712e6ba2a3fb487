import BelayCore
import BelayInference
import NIOCore

/// A whole HTTP response, as a value; ``Reply/write(into:keepsAlive:isOld:isBodiless:)`` turns it into bytes.
struct Reply: Equatable {
    let status: Int
    /// Who answered, when somebody did.
    var answer: AnswerHeaders?
    /// Names and values that need no escaping: they are Belay's own, or were checked when they came.
    var headers: [(name: String, value: String)]
    let contentType: String
    let body: [UInt8]

    /// JSON, which is what leaves here unless tensors are binary.
    init(status: Int, headers: [(name: String, value: String)], json body: [UInt8]) {
        self.init(status: status, headers: headers, contentType: "application/json", body: body)
    }

    /// An empty body has no content type.
    init(status: Int, headers: [(name: String, value: String)], contentType: String, body: [UInt8]) {
        self.status = status
        self.answer = nil
        self.headers = headers
        self.contentType = contentType
        self.body = body
    }

    /// An error in the shape of the caller's protocol.
    init(_ rejection: Rejection, headers: [(name: String, value: String)], isScoring: Bool = false) {
        let sentence = quoted(rejection.sentence)
        let json =
            isScoring
            ? "{\"error_code\":\"\(rejection.scoringCode)\",\"message\":\(sentence)}"
            : "{\"error\":\(sentence)}"
        self.init(status: rejection.status, headers: headers + rejection.headers, json: Array(json.utf8))
    }

    static func == (lhs: Reply, rhs: Reply) -> Bool {
        lhs.status == rhs.status && lhs.body == rhs.body && lhs.contentType == rhs.contentType
            && lhs.answer == rhs.answer && lhs.headers.elementsEqual(rhs.headers, by: ==)
    }
}

extension Reply {
    /// The bytes of the response, head and body together, so that they leave in one piece.
    ///
    /// The answer to HEAD has no body and says how long it would be; whatever followed would be taken for
    /// the next answer.
    func write(into buffer: inout ByteBuffer, keepsAlive: Bool, isOld: Bool, isBodiless: Bool) {
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: mostBytesOfHead) { memory in
            var head = HeadWriter(memory)
            if status == 200, contentType == "application/json", !body.isEmpty {
                head.append("HTTP/1.1 200 OK\r\nContent-Type: application/json" as StaticString)
            } else {
                head.append("HTTP/1.1 " as StaticString)
                head.append(statusLine(status))
                if !body.isEmpty { head.append("Content-Type", contentType) }
            }
            answer?.write(into: &head)
            for (name, value) in headers { head.append(name, value) }
            head.append("\r\nContent-Length: " as StaticString)
            head.append(number: body.count)
            if !keepsAlive {
                head.append("\r\nConnection: close" as StaticString)
            } else if isOld {
                head.append("\r\nConnection: keep-alive" as StaticString)
            }
            head.append("\r\n\r\n" as StaticString)
            return head.count
        }
        if !isBodiless { buffer.writeBytes(body) }
    }

    /// More than the head can take: each field with what stands around it, and numbers of 20 digits.
    private var mostBytesOfHead: Int {
        let fields = headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
        return 256 + contentType.utf8.count + fields + (answer?.mostBytes ?? 0)
    }
}

/// Writes the head of a response into memory that is long enough.
struct HeadWriter {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

    mutating func append(_ text: StaticString) { text.withUTF8Buffer { copy(UnsafeRawBufferPointer($0)) } }

    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { copy(UnsafeRawBufferPointer($0)) }
    }

    /// A field on a line of its own.
    mutating func append(_ name: String, _ value: String) {
        append("\r\n" as StaticString)
        append(name)
        append(": " as StaticString)
        append(value)
    }

    mutating func append(number: some BinaryInteger) {
        if number < 0 { append("-" as StaticString) }
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { digits in
            var (rest, start) = (UInt64(number.magnitude), digits.count)
            repeat {
                start -= 1
                digits[start] = 0x30 + UInt8(rest % 10)
                rest /= 10
            } while rest > 0
            copy(UnsafeRawBufferPointer(rebasing: digits[start...]))
        }
    }

    private mutating func copy(_ bytes: UnsafeRawBufferPointer) {
        precondition(count + bytes.count <= memory.count, "the head was measured before")
        UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: bytes)
        count += bytes.count
    }
}

/// `200 OK`, for the statuses that leave here.
private func statusLine(_ status: Int) -> String {
    switch status {
    case 200: "200 OK"
    case 202: "202 Accepted"
    case 400: "400 Bad Request"
    case 404: "404 Not Found"
    case 405: "405 Method Not Allowed"
    case 408: "408 Request Timeout"
    case 410: "410 Gone"
    case 413: "413 Content Too Large"
    case 415: "415 Unsupported Media Type"
    case 422: "422 Unprocessable Content"
    case 431: "431 Request Header Fields Too Large"
    case 500: "500 Internal Server Error"
    case 501: "501 Not Implemented"
    case 503: "503 Service Unavailable"
    case 504: "504 Gateway Timeout"
    default: "\(status) \(status < 400 ? "OK" : "Error")"
    }
}

/// `text` as a JSON string.
func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": result += "\\\(scalar)"
        case "\n": result += "\\n"
        case "\u{0}"..<"\u{20}", "\u{7f}":
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}

/// The `Belay-*` headers that tell a caller who answered.
struct AnswerHeaders: Equatable {
    let requestID: String
    let epoch: Epoch
    let version: VersionNumber?
    let release: ReleaseID?
    let arm: Arm?
    let fallback: String?
    let traceparent: String?

    /// More than they take.
    var mostBytes: Int {
        256 + requestID.utf8.count + (fallback?.utf8.count ?? 0) + (traceparent?.utf8.count ?? 0)
    }

    func write(into head: inout HeadWriter) {
        head.append("\r\nBelay-Request-Id: " as StaticString)
        head.append(requestID)
        head.append("\r\nBelay-Epoch: " as StaticString)
        head.append(number: epoch.value)
        if let version {
            head.append("\r\nBelay-Version: " as StaticString)
            head.append(number: version.value)
        }
        if let release {
            head.append("\r\nBelay-Release: " as StaticString)
            head.append(release.description)
        }
        if let arm {
            head.append("\r\nBelay-Arm: " as StaticString)
            head.append(arm.rawValue)
        }
        if let fallback { head.append("Belay-Fallback", fallback) }
        if let traceparent { head.append("traceparent", traceparent) }
    }
}
