import BelayCore
import BelayInference
import NIOCore

/// A whole HTTP response, as a value; ``Reply/write(into:keepsAlive:version:)`` turns it into bytes.
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
    func write(into buffer: inout ByteBuffer, keepsAlive: Bool, isOld: Bool) {
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.writeString(statusLine(status))
        if !body.isEmpty {
            buffer.writeStaticString("\r\nContent-Type: ")
            buffer.writeString(contentType)
        }
        answer?.write(into: &buffer)
        for (name, value) in headers {
            buffer.writeStaticString("\r\n")
            buffer.writeString(name)
            buffer.writeStaticString(": ")
            buffer.writeString(value)
        }
        buffer.writeStaticString("\r\nContent-Length: ")
        buffer.writeString(String(body.count))
        if !keepsAlive {
            buffer.writeStaticString("\r\nConnection: close")
        } else if isOld {
            buffer.writeStaticString("\r\nConnection: keep-alive")
        }
        buffer.writeStaticString("\r\n\r\n")
        buffer.writeBytes(body)
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

    func write(into buffer: inout ByteBuffer) {
        buffer.writeStaticString("\r\nBelay-Request-Id: ")
        buffer.writeString(requestID)
        buffer.writeStaticString("\r\nBelay-Epoch: ")
        buffer.writeString(epoch.description)
        if let version {
            buffer.writeStaticString("\r\nBelay-Version: ")
            buffer.writeString(version.description)
        }
        if let release {
            buffer.writeStaticString("\r\nBelay-Release: ")
            buffer.writeString(release.description)
        }
        if let arm {
            buffer.writeStaticString("\r\nBelay-Arm: ")
            buffer.writeString(arm.rawValue)
        }
        if let fallback {
            buffer.writeStaticString("\r\nBelay-Fallback: ")
            buffer.writeString(fallback)
        }
        if let traceparent {
            buffer.writeStaticString("\r\ntraceparent: ")
            buffer.writeString(traceparent)
        }
    }
}
