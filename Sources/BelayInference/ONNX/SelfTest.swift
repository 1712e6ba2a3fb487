import BelayCore

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Asks a library something whose answer is known, before any model is trusted to it.
///
/// The calls are made by their place in a table; if a place were wrong, this is where it shows, at start and
/// not in an answer.
struct SelfTest {
    /// `b = a + a` for floats and `d = c` for strings: 109 bytes of ONNX, opset 13.
    private let model: [UInt8] =
        [0x08, 0x08, 0x12, 0x00, 0x3a, 0x61, 0x0a, 0x0e, 0x0a, 0x01] + Array("a".utf8)
        + [0x0a, 0x01] + Array("a".utf8) + [0x12, 0x01] + Array("b".utf8) + [0x22, 0x03] + Array("Add".utf8)
        + [0x0a, 0x10, 0x0a, 0x01] + Array("c".utf8) + [0x12, 0x01] + Array("d".utf8) + [0x22, 0x08]
        + Array("Identity".utf8) + [0x12, 0x01] + Array("t".utf8)
        + port(0x5a, "a", element: 1) + port(0x5a, "c", element: 8)
        + port(0x62, "b", element: 1) + port(0x62, "d", element: 8)
        + [0x42, 0x04, 0x0a, 0x00, 0x10, 0x0d]

    func run(on runtime: ONNXRuntime) throws(InferenceError) {
        guard let entry = RelativePath("self-test.onnx") else { return }
        let folder = try temporaryFolder()
        let file = "\(folder)/\(entry)"
        defer {
            unsafe unlink(file)
            unsafe rmdir(folder)
        }
        try write(to: file)
        let instance = try runtime.load(folder: folder, entry: entry)
        let questions = [
            NamedTensor(name: "a", tensor: try floats([1.5, -2])),
            NamedTensor(name: "c", tensor: try strings(["", "z\u{fc}\0r"])),
        ]
        let answers = try instance.infer(questions, outputs: ["d", "b"], cancellation: Cancellation())
        let expected = [
            NamedTensor(name: "d", tensor: try strings(["", "z\u{fc}\0r"])),
            NamedTensor(name: "b", tensor: try floats([3, -4])),
        ]
        guard answers == expected else { throw .runFailed(reason: "1.5 + 1.5 was not 3") }
    }

    private func floats(_ values: [Float]) throws(InferenceError) -> Tensor {
        var bytes: [UInt8] = []
        for value in values { bytes.appendLittleEndian(value.bitPattern) }
        return try Tensor(type: .fp32, shape: [values.count], storage: .packed(bytes))
    }

    private func strings(_ values: [String]) throws(InferenceError) -> Tensor {
        try Tensor(type: .bytes, shape: [values.count], storage: .strings(values.map { Array($0.utf8) }))
    }

    private func temporaryFolder() throws(InferenceError) -> String {
        let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/belay-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw .runFailed(reason: "no temporary folder in \(parent): \(systemReason())")
        }
        return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private func write(to path: String) throws(InferenceError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .runFailed(reason: "\(path): \(systemReason())") }
        defer { close(descriptor) }
        let written = unsafe model.withUnsafeBytes { unsafe Self.write(descriptor, $0) }
        guard written == model.count else { throw .runFailed(reason: "\(path): \(systemReason())") }
    }

    private static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
        unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #else
        unsafe Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }
}

/// A `ValueInfoProto` of one unnamed dimension.
private func port(_ tag: UInt8, _ name: Character, element: UInt8) -> [UInt8] {
    [tag, 0x0d, 0x0a, 0x01] + Array(String(name).utf8)
        + [0x12, 0x08, 0x0a, 0x06, 0x08, element, 0x12, 0x02, 0x0a, 0x00]
}
