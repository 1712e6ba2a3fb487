extension JSONScanner {
    /// Passes over a null, which clients write for what they leave out; false when there is none.
    mutating func passNull() throws(InferenceError) -> Bool {
        guard peek() == UInt8(ascii: "n") else { return false }
        try null()
        return true
    }

    /// Reads an object of parameters, whose values are strings, numbers or booleans and nothing else.
    ///
    /// A null is no parameters.
    ///
    /// Names that begin with `triton_` are that server's own and shared memory is not spoken here: a caller
    /// who sends either would be answered otherwise than it believes, so both are refused.
    /// `member` is called with each name and must consume the value.
    mutating func parameters(
        _ member: (inout JSONScanner, String) throws(InferenceError) -> Void
    ) throws(InferenceError) {
        guard try !passNull() else { return }
        try object(expecting: "an object, the parameters") { (scanner, key) throws(InferenceError) in
            guard !key.hasPrefix("triton_") else {
                throw .requestMismatch(
                    "The parameter '\(key.prefix(40))' is reserved: names that begin with 'triton_' are."
                )
            }
            guard !key.hasPrefix("shared_memory_") else {
                throw .requestMismatch(
                    "The parameter '\(key.prefix(40))' asks for shared memory, which is not spoken here; "
                        + "send the tensor in the body."
                )
            }
            switch scanner.peek() {
            case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "n"):
                throw scanner.failure(expected: "a string, a number or a boolean as parameter")
            default: try member(&scanner, key)
            }
        }
    }

    /// A whole number, 0 or more; the error says `what` it is.
    mutating func count(_ what: String) throws(InferenceError) -> Int {
        let next = peek()
        let start = position
        guard next != UInt8(ascii: "\""), next != UInt8(ascii: "t"), next != UInt8(ascii: "f"),
            let value = try number().integer(Int.self), value >= 0
        else { throw failure(expected: "\(what), 0 or more", at: start) }
        return value
    }
}

/// The value of a parameter that Belay writes.
enum ParameterValue {
    case flag(Bool)
    case number(Int64)
}

extension JSONWriter {
    /// Writes `,"parameters":{…}`; nothing when there are none.
    mutating func parameters(_ members: [(name: StaticString, value: ParameterValue)]) {
        guard !members.isEmpty else { return }
        raw(",\"parameters\":{")
        for (index, member) in members.enumerated() {
            if index > 0 { raw(",") }
            string(member.name.description)
            raw(":")
            switch member.value {
            case .flag(let isSet): isSet ? raw("true") : raw("false")
            case .number(let number): integer(number)
            }
        }
        raw("}")
    }
}
