import BelayCore
import BelayInference
import Foundation

/// The question by which a version proves that it can still answer as it did when it became stable.
struct GoldenRequest: Equatable, Sendable {
    /// The file of a version's folder that holds it, as a request of the Open Inference Protocol.
    static let file = "golden.json"
    /// A longer file is not read, in bytes.
    static let longest = 1 << 20

    let source: StandbyHealth.Question
    let inputs: [NamedTensor]

    /// Takes the version's own example when it has one that suits its signature, else makes a question up.
    ///
    /// - Throws: ``InferenceError`` when no tensor can satisfy the signature.
    init(folder: String, manifest: Manifest, signature: Signature) throws(InferenceError) {
        if let inputs = Self.example(in: folder, manifest, signature) {
            (source, self.inputs) = (.example, inputs)
        } else {
            (source, inputs) = (.madeUp, try signature.inputs.map(Self.made))
        }
    }

    /// Nil for a file that is no request for this model: it may well be there for another purpose.
    private static func example(
        in folder: String,
        _ manifest: Manifest,
        _ signature: Signature
    ) -> [NamedTensor]? {
        guard let size = manifest.files.first(where: { $0.path.text == file })?.size, size <= longest,
            let bytes = FileManager.default.contents(atPath: "\(folder)/\(file)"), bytes.count <= longest,
            let request = try? OIPRequest(decoding: Array(bytes), limits: .standard),
            (try? signature.check(request.inputs, outputs: [])) != nil
        else { return nil }
        return request.inputs
    }

    /// Small numbers that differ from place to place, and empty strings.
    ///
    /// Whole numbers are 0 and 1: they may be places in a table of which nothing else is known.
    private static func made(for input: TensorSpec) throws(InferenceError) -> NamedTensor {
        let shape = input.shape.map { $0 ?? 1 }
        let count = try Tensor.elementCount(shape: shape)
        let storage: Tensor.Storage =
            if input.type == .bytes {
                .strings([[UInt8]](repeating: [], count: count))
            } else {
                .packed((0..<count).flatMap { element(at: $0, of: input.type) })
            }
        return NamedTensor(
            name: input.name,
            tensor: try Tensor(type: input.type, shape: shape, storage: storage)
        )
    }

    private static func element(at index: Int, of type: TensorType) -> [UInt8] {
        let small = Float(index % 7) / 4
        switch type {
        case .fp16: return bytes(of: Float16(small).bitPattern)
        case .fp32: return bytes(of: small.bitPattern)
        case .fp64: return bytes(of: Double(small).bitPattern)
        default:
            let width = type.width ?? 1
            return [UInt8(index % 2)] + [UInt8](repeating: 0, count: width - 1)
        }
    }

    private static func bytes(of pattern: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: pattern.littleEndian) { Array($0) }
    }
}
