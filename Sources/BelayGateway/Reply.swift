import BelayCore

/// A whole HTTP response, as a value; ``RequestHandler`` writes it.
struct Reply: Equatable {
    let status: Int
    var headers: [(name: String, value: String)]
    let body: [UInt8]

    /// JSON, the only content that leaves here; an empty body has no content type.
    init(status: Int, headers: [(name: String, value: String)], json body: [UInt8]) {
        self.status = status
        self.headers = body.isEmpty ? headers : headers + [("Content-Type", "application/json")]
        self.body = body
    }

    /// An error in the protocol's own shape, `{"error": "…"}`.
    init(_ rejection: Rejection, headers: [(name: String, value: String)]) {
        let json = Array("{\"error\":\(quoted(rejection.sentence))}".utf8)
        self.init(status: rejection.status, headers: headers + rejection.headers, json: json)
    }

    static func == (lhs: Reply, rhs: Reply) -> Bool {
        lhs.status == rhs.status && lhs.body == rhs.body && lhs.headers.elementsEqual(rhs.headers, by: ==)
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
struct AnswerHeaders {
    let requestID: String
    let epoch: Epoch
    let version: VersionNumber?
    let release: ReleaseID?
    let arm: Arm?
    let fallback: Exchange.Fallback?

    var list: [(name: String, value: String)] {
        var list = [(name: "Belay-Request-Id", value: requestID), ("Belay-Epoch", epoch.description)]
        if let version { list.append(("Belay-Version", version.description)) }
        if let release { list.append(("Belay-Release", release.description)) }
        if let arm { list.append(("Belay-Arm", arm.rawValue)) }
        if let fallback { list.append(("Belay-Fallback", fallback.description)) }
        return list
    }
}

/// The caller's request id when it is fit to be echoed in a header and kept in a log: 1 to 128 visible ASCII.
func admissibleRequestID(_ text: String?) -> String? {
    guard let text, (1...128).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
    else {
        return nil
    }
    return text
}
