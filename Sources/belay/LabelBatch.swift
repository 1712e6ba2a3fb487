import BelayCore
import BelayServer
import Foundation

/// Labels on their way to the server, as they stand in the file: at most a thousand at a time.
struct LabelBatch {
    static let mostLabels = 1000
    /// In bytes; well below what a server takes in one request.
    static let mostBytes = 1 << 20

    private(set) var lines: [Int] = []
    private(set) var body = Data()
    /// What stands before the labels of each request: the names of a table's columns.
    var header = Data()

    var isEmpty: Bool { lines.isEmpty }
    var isFull: Bool { lines.count >= Self.mostLabels || body.count >= Self.mostBytes }
    var request: Data { header + body }

    /// Adds a label that begins at this line of the file.
    ///
    /// The bytes stay as they are, save line ends inside an object: decoding and encoding could round a
    /// number.
    mutating func add(_ label: [UInt8], line: Int, isObject: Bool) {
        lines.append(line)
        let newline = UInt8(ascii: "\n")
        body.append(
            contentsOf: isObject
                ? label.map { $0 == newline || $0 == UInt8(ascii: "\r") ? UInt8(ascii: " ") : $0 } : label
        )
        body.append(newline)
    }

    mutating func removeAll() {
        lines = []
        body = Data()
    }

    /// What the server rejected, at the lines of the file instead of the places in the batch.
    func inFile(_ view: LabelsView) -> LabelsView {
        var view = view
        view.rejected = view.rejected.map { rejected in
            let index = rejected.line - 1
            let line = lines.indices.contains(index) ? lines[index] : rejected.line
            return .init(line: line, code: rejected.code, detail: rejected.detail)
        }
        return view
    }
}

extension LabelsView {
    static let none = LabelsView(batch: "")

    /// Both together, as of one request, by the name of the last.
    func adding(_ other: LabelsView) -> LabelsView {
        var sum = self
        sum.accepted += other.accepted
        sum.joined += other.joined
        sum.counted += other.counted
        sum.waiting += other.waiting
        sum.repeated += other.repeated
        sum.rejected += other.rejected
        sum.batch = other.batch
        return sum
    }
}
