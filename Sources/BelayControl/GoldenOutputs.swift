import BelayCore
import BelayInference
import Foundation

/// What a version answered to its golden request, as it is kept and as it is compared.
struct GoldenOutputs: Equatable, Sendable {
    /// Longer ones are not kept, in bytes of JSON.
    static let longest = 1 << 20

    let question: StandbyHealth.Question
    let outputs: [NamedTensor]

    /// The first difference that matters, as a sentence; nil when there is none.
    ///
    /// Whatever is not a float must be equal. Floats may differ by a millionth (halves by a hundredth) of the
    /// largest value of their output: threads do not add in the same order every time.
    func difference(from other: GoldenOutputs) -> String? {
        guard outputs.map(\.name) == other.outputs.map(\.name) else { return "It has other outputs." }
        for (mine, theirs) in zip(outputs, other.outputs) {
            guard mine.tensor.type == theirs.tensor.type, mine.tensor.shape == theirs.tensor.shape else {
                return "Output '\(mine.name)' has another type or shape."
            }
            if let index = mine.tensor.firstDifference(from: theirs.tensor) {
                return "Output '\(mine.name)' differs at element \(index)."
            }
        }
        return nil
    }
}

extension Tensor {
    fileprivate func firstDifference(from other: Tensor) -> Int? {
        guard let mine = floats, let theirs = other.floats else {
            guard storage != other.storage else { return nil }
            switch (storage, other.storage) {
            case (.strings(let mine), .strings(let theirs)):
                return zip(mine, theirs).enumerated().first { $1.0 != $1.1 }?.offset
            case (.packed(let mine), .packed(let theirs)):
                return zip(mine, theirs).enumerated().first { $1.0 != $1.1 }
                    .map { $0.offset / (type.width ?? 1) }
            default: return 0
            }
        }
        let largest = (mine + theirs).lazy.filter(\.isFinite).map(abs).max() ?? 0
        let tolerance = largest * (type == .fp16 ? 1e-2 : 1e-6)
        return zip(mine, theirs).enumerated().first { _, pair in
            let (one, two) = pair
            if one == two || one.isNaN && two.isNaN { return false }
            return !(abs(one - two) <= tolerance)
        }?.offset
    }

    /// The elements of a tensor of floats; nil for every other type.
    private var floats: [Double]? {
        guard case .packed(let bytes) = storage, let width = type.width else { return nil }
        func pattern(at start: Int) -> UInt64 {
            (0..<width).reduce(0) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
        }
        let starts = stride(from: 0, to: bytes.count, by: width)
        switch type {
        case .fp16: return starts.map { Double(Float16(bitPattern: UInt16(pattern(at: $0)))) }
        case .fp32: return starts.map { Double(Float(bitPattern: UInt32(pattern(at: $0)))) }
        case .fp64: return starts.map { Double(bitPattern: pattern(at: $0)) }
        default: return nil
        }
    }
}

// MARK: - As text

extension GoldenOutputs {
    private struct Body: Codable {
        struct Output: Codable {
            let name: String
            let datatype: TensorType
            let shape: [Int]
            /// The packed bytes; or one for each string.
            let data: [Data]
        }

        let question: StandbyHealth.Question
        let outputs: [Output]
    }

    /// Nil when it would be too long.
    var text: String? {
        let outputs = outputs.map { output in
            let data: [Data] =
                switch output.tensor.storage {
                case .packed(let bytes): [Data(bytes)]
                case .strings(let strings): strings.map { Data($0) }
                }
            return Body.Output(
                name: output.name,
                datatype: output.tensor.type,
                shape: output.tensor.shape,
                data: data
            )
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let encoded = try? encoder.encode(Body(question: question, outputs: outputs)),
            encoded.count <= Self.longest
        else { return nil }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// Nil for what ``text`` never writes.
    init?(_ text: String) {
        guard let body = try? JSONDecoder().decode(Body.self, from: Data(text.utf8)) else { return nil }
        var outputs: [NamedTensor] = []
        for output in body.outputs {
            let storage: Tensor.Storage =
                output.datatype == .bytes
                ? .strings(output.data.map(Array.init)) : .packed(output.data.first.map(Array.init) ?? [])
            guard let tensor = try? Tensor(type: output.datatype, shape: output.shape, storage: storage)
            else { return nil }
            outputs.append(NamedTensor(name: output.name, tensor: tensor))
        }
        self.init(question: body.question, outputs: outputs)
    }
}
