/// What of a request or an answer never reaches the disk.
///
/// A pointer names a value of the JSON (`/parameters/user`), or a tensor by its name or place
/// (`/inputs/driver_name`): its data is taken out, binary bytes become zeros. A scoring body
/// (`/invocations`) does not say which tensor a column becomes, so one pointer into `/inputs` takes all its
/// data out, one into `/outputs` all predictions. What a request says besides its data is called `parameters`
/// there and `params` here, and a pointer to either takes out both. What cannot be read is taken out whole:
/// nothing slips through because it was written in an unexpected way.
package struct Redaction: Sendable {
    /// What stands where something stood.
    package static let mark = "[redacted]"

    /// Nil when one pointer could not be understood; then everything is taken out.
    private let paths: [[String]]?

    /// Compiled once for an endpoint.
    package init(pointers: [String]) {
        let parsed = pointers.map { JSONPointer($0)?.tokens }
        let known = parsed.compactMap(\.self)
        self.paths = known.count == parsed.count ? known : nil
    }

    /// The body, of a request or of an answer, as it may be kept.
    ///
    /// - Parameters:
    ///   - body: As it was received or sent, decompressed.
    ///   - headerLength: How many of its bytes are JSON; nil when all are.
    /// - Returns: The JSON is still JSON, and tensors that were taken out say so; an answer can be read on,
    ///   without the outputs that are gone.
    package func redacted(_ body: [UInt8], headerLength: Int?) -> OIPBody {
        guard let paths else { return Self.nothing }
        guard !paths.isEmpty else { return OIPBody(bytes: body, headerLength: headerLength) }
        if headerLength == 0 {
            let isNamed = paths.contains { $0.isEmpty || $0.first == "inputs" }
            return OIPBody(
                bytes: isNamed ? [UInt8](repeating: 0, count: body.count) : body,
                headerLength: 0
            )
        }
        do throws(InferenceError) {
            let binary = try BinarySection(of: body, headerLength: headerLength)
            let tail = body.count - (headerLength ?? body.count)
            var pass = RedactionPass(header: binary.header, tail: tail)
            try pass.document(paths.map { $0[...] })
            return pass.applied(to: body, headerLength: headerLength)
        } catch {
            return Self.nothing
        }
    }

    private static let nothing = OIPBody(bytes: Array("\"\(mark)\"".utf8), headerLength: nil)
}

/// One walk through one body, which notes what has to go.
private struct RedactionPass {
    typealias Path = ArraySlice<String>

    private var scanner: JSONScanner
    /// Bytes of the JSON that are replaced by the mark.
    private var marked: [Range<Int>] = []
    /// Where, behind its `{`, a tensor says that its binary bytes are gone.
    private var announced: [Int] = []
    /// Bytes of the binary section that become zeros, counted from its start.
    private var zeroed: [Range<Int>] = []
    /// Where the next binary tensor begins.
    private var offset = 0
    private let tail: Int

    /// Deeper than any request may be, so that what is refused can still be redacted.
    private static let mostDepth = 64

    init(header: [UInt8], tail: Int) {
        self.scanner = JSONScanner(header, mostDepth: Self.mostDepth)
        self.tail = tail
    }

    mutating func document(_ paths: [Path]) throws(InferenceError) {
        if paths.contains(where: \.isEmpty) {
            try mark()
            zeroed = [0..<tail]
        } else {
            try root(paths)
            guard offset == tail else { throw scanner.failure(expected: "as many bytes as announced") }
        }
        try scanner.expectEnd()
    }

    private mutating func root(_ paths: [Path]) throws(InferenceError) {
        let namesInput = paths.contains { $0.first == "inputs" }
        let namesOutput = paths.contains { $0.first == "outputs" }
        try object { (pass, key) throws(InferenceError) in
            let rest = paths.advanced(by: key)
            switch key {
            case "parameters", "params":
                try pass.value(paths.advanced(by: "parameters") + paths.advanced(by: "params"))
            case "inputs" where pass.scanner.peek() == UInt8(ascii: "["),
                "outputs" where pass.scanner.peek() == UInt8(ascii: "["):
                try pass.tensors(of: key, rest)
            case "inputs", "dataframe_split", "dataframe_records", "instances":
                try namesInput ? pass.mark() : pass.value(rest)
            case "outputs", "predictions": try namesOutput ? pass.mark() : pass.value(rest)
            default: try pass.value(rest)
            }
        }
    }

    private mutating func tensors(of role: String, _ paths: [Path]) throws(InferenceError) {
        _ = scanner.peek()
        let start = scanner.position
        let before = (marked: marked.count, announced: announced.count)
        var index = 0
        try array { (pass) throws(InferenceError) in
            if pass.scanner.peek() == UInt8(ascii: "{") {
                try pass.tensor(at: index, of: role, paths)
            } else {
                // Not this protocol's: `/invocations` may have a bare list here.
                try paths.isEmpty ? pass.scanner.skipValue() : pass.mark()
            }
            index += 1
        }
        guard paths.contains(where: \.isEmpty) else { return }
        marked.removeSubrange(before.marked...)
        announced.removeSubrange(before.announced...)
        marked.append(start..<scanner.position)
    }

    /// Reads one tensor to know its name and its bytes, and walks it again if pointers go on inside.
    private mutating func tensor(
        at index: Int,
        of role: String,
        _ paths: [Path]
    ) throws(InferenceError) {
        let start = scanner.position
        let sketch = try TensorSketch(&scanner)
        let end = scanner.position
        guard sketch.size <= tail - offset else { throw scanner.failure(expected: "fewer binary bytes") }
        let bytes = offset..<offset + sketch.size
        offset = bytes.upperBound
        guard sketch.isTensor || role == "outputs" && sketch.isMention else {
            // A record of `/invocations`, say; its members may be what a pointer meant.
            if !paths.isEmpty { marked.append(start..<end) }
            zeroed.append(bytes)
            return
        }
        let inside = paths.compactMap { path -> Path? in
            guard let first = path.first else { return path }
            return first == sketch.name || first == String(index) ? path.dropFirst() : nil
        }
        let others = inside.filter { !$0.isEmpty && $0.first != "data" }
        if others.count < inside.count {
            if let data = sketch.data {
                marked.append(data)
            } else if sketch.size > 0 {
                // Zeros alone would be read as an answer of zeros.
                announced.append(start + 1)
            }
            zeroed.append(bytes)
        }
        guard !others.isEmpty else { return }
        scanner.position = start
        try value(others)
    }

    /// Any value of the JSON; the paths begin in it.
    private mutating func value(_ paths: [Path]) throws(InferenceError) {
        guard !paths.isEmpty else { return try scanner.skipValue() }
        guard !paths.contains(where: \.isEmpty) else { return try mark() }
        switch scanner.peek() {
        case UInt8(ascii: "{"):
            try object { (pass, key) throws(InferenceError) in try pass.value(paths.advanced(by: key)) }
        case UInt8(ascii: "["):
            var index = 0
            try array { (pass) throws(InferenceError) in
                try pass.value(paths.advanced(by: String(index)))
                index += 1
            }
        default: try scanner.skipValue()
        }
    }

    private mutating func mark() throws(InferenceError) {
        _ = scanner.peek()
        let start = scanner.position
        try scanner.skipValue()
        marked.append(start..<scanner.position)
    }
}

extension RedactionPass {
    private mutating func object(
        _ member: (inout RedactionPass, String) throws(InferenceError) -> Void
    ) throws(InferenceError) {
        try scanner.open("{", expecting: "an object")
        var keys: Set<String> = []
        while let key = try scanner.nextKey(isFirst: keys.isEmpty) {
            guard keys.insert(key).inserted else { throw scanner.failure(expected: "each key once") }
            try member(&self, key)
        }
    }

    private mutating func array(
        _ element: (inout RedactionPass) throws(InferenceError) -> Void
    ) throws(InferenceError) {
        try scanner.open("[", expecting: "an array")
        var isFirst = true
        while try scanner.nextElement(isFirst: isFirst) {
            isFirst = false
            try element(&self)
        }
    }

    /// The body without what was noted.
    func applied(to body: [UInt8], headerLength: Int?) -> OIPBody {
        let end = headerLength ?? body.count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(body.count)
        var copied = 0
        let mark = "\"\(Redaction.mark)\""
        let edits = marked.map { ($0, mark) } + announced.map { ($0..<$0, "\"data\":\(mark),") }
        for (range, text) in edits.sorted(by: { $0.0.lowerBound < $1.0.lowerBound }) {
            bytes += body[copied..<range.lowerBound]
            bytes += text.utf8
            copied = range.upperBound
        }
        bytes += body[copied..<end]
        let length = bytes.count
        bytes += body[end...]
        for range in zeroed {
            for index in range { bytes[length + index] = 0 }
        }
        return OIPBody(bytes: bytes, headerLength: headerLength == nil ? nil : length)
    }
}

/// What has to be known of a tensor to find its elements.
private struct TensorSketch {
    private(set) var name: String?
    private(set) var data: Range<Int>?
    /// Bytes in the binary section.
    private(set) var size = 0
    private var hasType = false
    private var hasShape = false

    init(_ scanner: inout JSONScanner) throws(InferenceError) {
        try scanner.object(expecting: "a tensor") { (scanner, key) throws(InferenceError) in
            let next = scanner.peek()
            let start = scanner.position
            switch key {
            case "name" where next == UInt8(ascii: "\""): name = try scanner.string()
            case "parameters" where next == UInt8(ascii: "{"):
                try scanner.parameters { (scanner, key) throws(InferenceError) in
                    guard key == "binary_data_size" else { return try scanner.skipValue() }
                    size = try scanner.count("a number of bytes")
                }
            default: try scanner.skipValue()
            }
            if key == "data" { data = start..<scanner.position }
            if key == "datatype" { hasType = true }
            if key == "shape" { hasShape = true }
        }
    }

    var isTensor: Bool { name != nil && hasType && hasShape }
    /// An output that a request asks for: only a name.
    var isMention: Bool { name != nil && data == nil && size == 0 }
}

extension [ArraySlice<String>] {
    /// What is left of the paths that go through `token`.
    fileprivate func advanced(by token: String) -> [ArraySlice<String>] {
        compactMap { $0.first == token ? $0.dropFirst() : nil }
    }
}
