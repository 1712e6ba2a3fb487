import Foundation
import Testing

/// What `make fuzz` has found worth keeping is tried by every test run.
///
/// So its targets keep compiling, and what one of them once caught stays caught.
@Suite struct CorpusTests {
    private static let targets: [(name: String, act: @Sendable ([UInt8]) -> Void)] = [
        ("oip", { tryRequest($0) }), ("answers", { tryAnswer($0) }), ("policy", { tryPolicy($0) }),
        ("http", { tryHTTP($0) }), ("coding", { tryCoding($0) }),
        ("labels", { tryLabels($0) }), ("log", { tryBlock($0) }), ("ledger", { tryLedger($0) }),
        ("model", { tryModelFile($0) }),
    ]

    /// A broken promise traps, which ends the run and names the line.
    @Test(arguments: targets.map(\.name))
    func everyKeptInputKeepsItsPromise(target: String) throws {
        let act = try #require(Self.targets.first { $0.name == target }?.act)
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Fuzz/Corpus/\(target)")
        let inputs = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(!inputs.isEmpty)
        for input in inputs { act([UInt8](try Data(contentsOf: input))) }
    }
}
