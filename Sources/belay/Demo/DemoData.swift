import Foundation

/// The example that the demo plays: rows with their true labels, six models, two policies.
struct DemoData: Sendable {
    private struct Table: Decodable {
        let features: [String]
        let rows: [[Double]]
        let labels: [Int]
    }

    let folder: String
    /// 569 rows of 30 numbers.
    let rows: [[Double]]
    /// For each row 0 (malignant) or 1 (benign).
    let labels: [Int]

    /// Reads the example from `folder`, or from the first place that has one when none is given.
    init(folder: String?) throws {
        let places = folder.map { [$0] } ?? Self.places
        let found = places.first { FileManager.default.fileExists(atPath: "\($0)/data.json") }
        guard let found else { throw DemoFailure.noExample(searched: places) }
        let table = try JSONDecoder().decode(
            Table.self,
            from: Data(contentsOf: URL(fileURLWithPath: "\(found)/data.json"))
        )
        guard table.rows.count == table.labels.count, !table.rows.isEmpty else {
            throw DemoFailure.notTrue("\(found)/data.json has as many labels as rows")
        }
        self.folder = found
        self.rows = table.rows
        self.labels = table.labels
    }

    /// The working directory, and each folder above the executable.
    private static var places: [String] {
        let executable = Bundle.main.executablePath ?? CommandLine.arguments[0]
        var folders = [FileManager.default.currentDirectoryPath]
        var folder = URL(fileURLWithPath: executable).resolvingSymlinksInPath().deletingLastPathComponent()
        while folder.path != "/" {
            folders.append(folder.path)
            folder = folder.deletingLastPathComponent()
        }
        return folders.map { "\($0)/Examples/breast-cancer" }
    }

    func model(_ version: Int) -> String { "\(folder)/v\(version).onnx" }

    var policy: String { "\(folder)/belay.yaml" }
    /// Without labels: what people flag decides.
    var feedbackPolicy: String { "\(folder)/feedback.yaml" }
}

/// Why the demo did not come to its good end.
enum DemoFailure: Error, CustomStringConvertible {
    case noExample(searched: [String])
    /// What should have been so, and was not.
    case notTrue(String)

    var description: String {
        switch self {
        case .noExample(let places):
            "The example was not found in \(places.joined(separator: ", ")). "
                + "Run the demo in a checkout of Belay, or name the folder with --examples."
        case .notTrue(let claim): "The demo failed: it should have been so that \(claim)."
        }
    }
}
