import BelayCore
import BelayServer
import Foundation

/// Labels on their way to the server: one object a line, at most a thousand at a time.
struct LabelBatch {
    static let mostLabels = 1000
    /// In bytes; well below what a server takes in one request.
    static let mostBytes = 1 << 20

    /// Whether a label names its model, whatever the name is.
    private struct Naming: Decodable {
        private enum CodingKeys: CodingKey {
            case model
        }

        let isNamed: Bool

        init(from decoder: any Decoder) throws {
            isNamed = try decoder.container(keyedBy: CodingKeys.self).contains(.model)
        }
    }

    let model: ModelName
    private(set) var lines: [Int] = []
    private(set) var body = Data()

    init(model: ModelName) { self.model = model }

    var isEmpty: Bool { lines.isEmpty }
    var isFull: Bool { lines.count >= Self.mostLabels || body.count >= Self.mostBytes }

    /// Adds a label, naming the model where it does not.
    ///
    /// The bytes stay as they are otherwise: decoding and encoding could round a number.
    mutating func add(_ object: LabelSplitter.Object) {
        lines.append(object.line)
        var bytes = object.bytes.map {
            $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") ? UInt8(ascii: " ") : $0
        }
        if let naming = try? JSONDecoder().decode(Naming.self, from: Data(bytes)), !naming.isNamed {
            let next = bytes.dropFirst().first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
            let comma = next == UInt8(ascii: "}") ? "" : ","
            bytes.replaceSubrange(0..<1, with: Array("{\"model\":\"\(model)\"\(comma)".utf8))
        }
        body.append(contentsOf: bytes)
        body.append(UInt8(ascii: "\n"))
    }

    mutating func removeAll() { self = LabelBatch(model: model) }

    /// What the server rejected, at the lines of the file instead of the places in the batch.
    func inFile(_ view: LabelsView) -> LabelsView {
        LabelsView(
            accepted: view.accepted,
            counted: view.counted,
            repeated: view.repeated,
            rejected: view.rejected.map { rejected in
                let index = rejected.line - 1
                let line = lines.indices.contains(index) ? lines[index] : rejected.line
                return .init(line: line, code: rejected.code, detail: rejected.detail)
            }
        )
    }
}

extension LabelsView {
    static let none = LabelsView(accepted: 0, counted: 0, repeated: 0, rejected: [])

    /// Both together, as of one request.
    func adding(_ other: LabelsView) -> LabelsView {
        LabelsView(
            accepted: accepted + other.accepted,
            counted: counted + other.counted,
            repeated: repeated + other.repeated,
            rejected: rejected + other.rejected
        )
    }
}
