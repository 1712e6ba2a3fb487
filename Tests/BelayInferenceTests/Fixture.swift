import BelayCore
import BelayInference
import Foundation
import Synchronization

/// One model of `Tests/Fixtures`, alone in a fresh folder, with what Python's ONNX Runtime said of it.
///
/// The folder has a parent of its own, where models that try to read outside find a `secret.bin`.
final class Fixture {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    static let files = root.appendingPathComponent("Tests/Fixtures")

    let folder: String
    let entry: RelativePath
    private let parent: URL

    init(_ name: String) throws {
        parent = FileManager.default.temporaryDirectory.appendingPathComponent("belay-\(UUID())")
        let version = parent.appendingPathComponent("version")
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        try Data(repeating: 0x3f, count: 64).write(to: parent.appendingPathComponent("secret.bin"))
        let source = Self.files.appendingPathComponent(name)
        if FileManager.default.fileExists(atPath: source.appendingPathComponent("model.onnx").path) {
            try FileManager.default.copyItem(at: source, to: version)
        } else {
            try FileManager.default.createDirectory(at: version, withIntermediateDirectories: true)
            let file = Self.files.appendingPathComponent("\(name).onnx")
            try FileManager.default.copyItem(at: file, to: version.appendingPathComponent("model.onnx"))
        }
        folder = version.path
        entry = try Self.path("model.onnx")
    }

    deinit { try? FileManager.default.removeItem(at: parent) }

    /// What stands in the folder now.
    var manifest: Manifest {
        get throws {
            let digest = try known(Digest(bytes: [UInt8](repeating: 0, count: 32)))
            let files = try FileManager.default.contentsOfDirectory(atPath: folder).map { name in
                Manifest.File(path: try Self.path(name), size: 1, digest: digest)
            }
            return try known(Manifest(files: files))
        }
    }

    func url(_ name: String) -> URL { URL(fileURLWithPath: folder).appendingPathComponent(name) }

    func inspect(with runtime: ONNXRuntime) throws -> Signature {
        try runtime.inspect(folder: folder, entry: entry, manifest: manifest)
    }

    static func path(_ text: String) throws -> RelativePath { try known(RelativePath(text)) }

    static func library() throws -> String {
        try ONNXLibrary.find(
            environment: ProcessInfo.processInfo.environment,
            executable: CommandLine.arguments[0],
            workingDirectory: root.path
        )
    }

    /// A runtime of its own for each test, so that its count of sessions is of that test alone.
    static func runtime() throws -> ONNXRuntime { try ONNXRuntime(libraryPath: library()) }
}

struct Absent: Error {}

/// Unwraps, or fails the test.
func known<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw Absent() }
    return value
}

/// `expected.json`, read by Foundation and not by the code under test.
struct Expectations: Decodable {
    struct Model: Decodable {
        let loads: Bool
        let inputs: [Spec]?
        let outputs: [Spec]?
        let cases: [Case]?
    }

    struct Spec: Decodable {
        let name: String
        let datatype: String?
        let shape: [Int]?
    }

    struct Case: Decodable {
        let inputs: [Value]
        let outputs: [Value]?
        let error: String?
    }

    struct Value: Decodable {
        let name: String
        let datatype: String
        let shape: [Int]
        let data: [Element]
    }

    enum Element: Decodable {
        case bool(Bool), signed(Int64), unsigned(UInt64), double(Double), text(String), nan

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .nan
            } else if let value = try? container.decode(Bool.self) {
                self = .bool(value)
            } else if let value = try? container.decode(Int64.self) {
                self = .signed(value)
            } else if let value = try? container.decode(UInt64.self) {
                self = .unsigned(value)
            } else if let value = try? container.decode(Double.self) {
                self = .double(value)
            } else {
                self = .text(try container.decode(String.self))
            }
        }

        var double: Double? {
            switch self {
            case .signed(let value): Double(value)
            case .unsigned(let value): Double(value)
            case .double(let value): value
            case .nan: .nan
            case .bool, .text: nil
            }
        }
    }

    let models: [String: Model]

    static func load() throws -> Expectations {
        let data = try Data(contentsOf: Fixture.files.appendingPathComponent("expected.json"))
        return try JSONDecoder().decode(Expectations.self, from: data)
    }
}

extension Expectations.Value {
    func named() throws -> NamedTensor { NamedTensor(name: name, tensor: try tensor()) }

    func tensor() throws -> Tensor {
        let type = try known(TensorType(rawValue: datatype))
        if type == .bytes {
            let strings = try data.map { element in
                guard case .text(let text) = element else { throw Absent() }
                return Array(text.utf8)
            }
            return try Tensor(type: type, shape: shape, storage: .strings(strings))
        }
        let bytes = try data.flatMap { try packed($0, type: type) }
        return try Tensor(type: type, shape: shape, storage: .packed(bytes))
    }

    private func packed(_ element: Expectations.Element, type: TensorType) throws -> [UInt8] {
        switch (element, type) {
        case (.bool(let value), .bool): [value ? 1 : 0]
        case (.signed(let value), .int8): littleEndian(Int8(value))
        case (.signed(let value), .int16): littleEndian(Int16(value))
        case (.signed(let value), .int32): littleEndian(Int32(value))
        case (.signed(let value), .int64): littleEndian(value)
        case (.signed(let value), .uint8): littleEndian(UInt8(value))
        case (.signed(let value), .uint16): littleEndian(UInt16(value))
        case (.signed(let value), .uint32): littleEndian(UInt32(value))
        case (.signed(let value), .uint64): littleEndian(UInt64(value))
        case (.unsigned(let value), .uint64): littleEndian(value)
        case (_, .fp16): littleEndian(Float16(try known(element.double)).bitPattern)
        case (_, .fp32): littleEndian(Float(try known(element.double)).bitPattern)
        case (_, .fp64): littleEndian(try known(element.double).bitPattern)
        default: throw Absent()
        }
    }
}

func littleEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    (0..<Value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> Value(truncatingIfNeeded: $0 * 8)) }
}

func floats(_ values: [Float]) throws -> Tensor {
    let bytes = values.flatMap { littleEndian($0.bitPattern) }
    return try Tensor(type: .fp32, shape: [values.count], storage: .packed(bytes))
}

func integers(_ values: [Int64]) throws -> Tensor {
    try Tensor(type: .int64, shape: [values.count], storage: .packed(values.flatMap { littleEndian($0) }))
}

func strings(_ values: [String]) throws -> Tensor {
    try Tensor(type: .bytes, shape: [values.count], storage: .strings(values.map { Array($0.utf8) }))
}

extension Tensor {
    /// The elements of a float tensor.
    var doubles: [Double] {
        guard case .packed(let bytes) = storage, let width = type.width else { return [] }
        return (0..<count).map { index in
            let bits = (0..<width).reduce(UInt64(0)) {
                $0 | UInt64(bytes[index * width + $1]) << UInt64(8 * $1)
            }
            switch type {
            case .fp16: return Double(Float16(bitPattern: UInt16(truncatingIfNeeded: bits)))
            case .fp32: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
            default: return Double(bitPattern: bits)
            }
        }
    }

    /// Equal, or for floats within a millionth; NaN is NaN.
    func agrees(with other: Tensor) -> Bool {
        guard [.fp16, .fp32, .fp64].contains(type) else { return self == other }
        return type == other.type && shape == other.shape
            && zip(doubles, other.doubles).allSatisfy { left, right in
                left == right || (left.isNaN && right.isNaN) || abs(left - right) <= 1e-6 * max(1, abs(right))
            }
    }
}

/// Counts calls from any thread.
final class Counter: Sendable {
    private let value = Mutex(0)

    var count: Int { value.withLock { $0 } }

    func add() { value.withLock { $0 += 1 } }
}
