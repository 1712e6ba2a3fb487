/// Cuts a stream of labels into its JSON objects, whether they come one a line or as one array.
///
/// Looks only at braces and strings, so that a number keeps every digit; what is inside an object is for the
/// server to judge.
struct LabelSplitter {
    struct Object: Equatable {
        /// Where it begins, from 1.
        let line: Int
        let bytes: [UInt8]
    }

    /// Text outside any object that is neither space nor part of an array.
    struct Stray: Error, Equatable {
        let line: Int
    }

    /// In bytes; a label is an id and a value.
    static let largestObject = 1 << 16

    private var line = 1
    private var start = 1
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    private var bytes: [UInt8] = []
    /// `[` and `]` outside objects: none, open, or closed.
    private var brackets = 0

    init() {}

    /// - Returns: The objects that `chunk` completes.
    /// - Throws: ``Stray`` at the first byte that belongs to no object.
    mutating func take(_ chunk: some Sequence<UInt8>) throws(Stray) -> [Object] {
        var complete: [Object] = []
        for byte in chunk {
            if depth > 0 {
                if let object = try inside(byte) { complete.append(object) }
            } else {
                try outside(byte)
            }
            if byte == UInt8(ascii: "\n") { line += 1 }
        }
        return complete
    }

    /// - Throws: ``Stray`` when the stream ends within an object or an array.
    func finish() throws(Stray) {
        guard depth == 0, brackets != 1 else { throw Stray(line: depth > 0 ? start : line) }
    }

    private mutating func inside(_ byte: UInt8) throws(Stray) -> Object? {
        guard bytes.count < Self.largestObject else { throw Stray(line: start) }
        bytes.append(byte)
        if isInString {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
            return nil
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: "}"): depth -= 1
        default: break
        }
        guard depth == 0 else { return nil }
        defer { bytes = [] }
        return Object(line: start, bytes: bytes)
    }

    private mutating func outside(_ byte: UInt8) throws(Stray) {
        switch byte {
        case UInt8(ascii: "{"):
            guard brackets < 2 else { throw Stray(line: line) }
            depth = 1
            start = line
            bytes = [byte]
        case UInt8(ascii: "["), UInt8(ascii: "]"):
            guard brackets == (byte == UInt8(ascii: "[") ? 0 : 1) else { throw Stray(line: line) }
            brackets += 1
        case UInt8(ascii: ",") where brackets == 1: break
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): break
        default: throw Stray(line: line)
        }
    }
}
