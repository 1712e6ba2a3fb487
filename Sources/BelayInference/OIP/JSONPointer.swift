/// Where in a JSON document one value stands, as RFC 6901 writes it: `/parameters/account_id`.
///
/// Parsed once from the policy, then followed through each body's bytes; nothing is built on the way.
package struct JSONPointer: Hashable, Sendable, CustomStringConvertible {
    package static let mostTokens = 8

    package let description: String
    /// What stands between the slashes, escapes resolved.
    let tokens: [String]

    /// Returns nil unless `text` is empty or starts with `/`, each `~` is followed by 0 or 1, and there are
    /// at most ``mostTokens``.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.first == "", parts.count - 1 <= Self.mostTokens else { return nil }
        var tokens: [String] = []
        for part in parts.dropFirst() {
            guard let token = unescaped(part) else { return nil }
            tokens.append(token)
        }
        self.description = text
        self.tokens = tokens
    }

    /// The text of the string, number or boolean that stands there; nil when there is none, or the document
    /// is not JSON up to there.
    ///
    /// Numbers are made alike (`42`, `42.0` and `4.2e1` all give `42`), so that one account sticks to one
    /// version however its client writes it. Digits alone are the text that they are, however many: rounded,
    /// two accounts would become one, which nobody could name.
    ///
    /// Only the first `headerLength` bytes are looked at, when binary tensors follow the JSON.
    package func scalar(in document: [UInt8], headerLength: Int? = nil) -> String? {
        let end = headerLength ?? document.count
        guard 0...document.count ~= end else { return nil }
        let json = end == document.count ? document : Array(document[..<end])
        if let found = scalar(in: json, at: tokens) { return found }
        // What the Open Inference Protocol calls parameters, MLflow calls params.
        return tokens.first == "parameters" ? scalar(in: json, at: ["params"] + tokens.dropFirst()) : nil
    }

    private func scalar(in json: [UInt8], at tokens: [String]) -> String? {
        var scanner = JSONScanner(json, mostDepth: 64)
        do throws(InferenceError) {
            for token in tokens {
                guard try scanner.enter(token) else { return nil }
            }
            return try scanner.scalar()
        } catch {
            return nil
        }
    }
}

private func unescaped(_ part: Substring) -> String? {
    var token = ""
    var characters = part.unicodeScalars.makeIterator()
    while let character = characters.next() {
        guard character == "~" else {
            token.unicodeScalars.append(character)
            continue
        }
        switch characters.next() {
        case "0": token.append("~")
        case "1": token.append("/")
        default: return nil
        }
    }
    return token
}

extension JSONScanner {
    /// Goes to the member or element called `token` of the value ahead; false when there is none.
    fileprivate mutating func enter(_ token: String) throws(InferenceError) -> Bool {
        switch peek() {
        case UInt8(ascii: "{"): try enterMember(token)
        case UInt8(ascii: "["): try enterElement(token)
        default: false
        }
    }

    private mutating func enterMember(_ name: String) throws(InferenceError) -> Bool {
        try open("{", expecting: "an object")
        var isFirst = true
        while let key = try nextKey(isFirst: isFirst) {
            if key == name { return true }
            isFirst = false
            try skipValue()
        }
        return false
    }

    private mutating func enterElement(_ name: String) throws(InferenceError) -> Bool {
        guard let wanted = Int(name), wanted >= 0, String(wanted) == name else { return false }
        try open("[", expecting: "an array")
        var index = 0
        while try nextElement(isFirst: index == 0) {
            if index == wanted { return true }
            index += 1
            try skipValue()
        }
        return false
    }

    fileprivate mutating func scalar() throws(InferenceError) -> String? {
        switch peek() {
        case UInt8(ascii: "\""): return try string()
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return try boolean() ? "true" : "false"
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "n"): return nil
        default:
            let number = try number()
            return digits(of: number) ?? number.double(in: bytes).description
        }
    }

    /// All digits of a whole number; nil for one with a fraction, or with an exponent and too long for 64
    /// bits.
    func digits(of number: JSONNumber) -> String? {
        if let whole = number.integer(UInt64.self) { return String(whole) }
        if let whole = number.integer(Int64.self) { return String(whole) }
        let text = bytes[number.range]
        let isWhole = text.allSatisfy { 0x30...0x39 ~= $0 || $0 == UInt8(ascii: "-") }
        return isWhole ? String(decoding: text, as: UTF8.self) : nil
    }
}
