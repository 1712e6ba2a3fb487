import BelayCore
import Foundation
import Testing

@testable import belay

/// What the reference says is what the decoder takes.
@Suite("Documentation: belay.yaml")
struct PolicyDocumentationTests {
    private let text: String

    init() throws {
        let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        text = try String(contentsOf: project.appendingPathComponent("docs/policy.md"), encoding: .utf8)
    }

    private var examples: [String] {
        text.components(separatedBy: "```yaml\n").dropFirst().compactMap { part in
            part.components(separatedBy: "```").first
        }
    }

    @Test func everyExampleIsRight() throws {
        #expect(examples.count >= 10)
        for example in examples {
            let whole = example.hasPrefix("belay:") ? example : "belay: 1\nmodel: fraud\n" + example
            let document = try PolicyFileReader.parse(Data(whole.utf8), file: "policy.md")
            if case .failure(let problems) = decodePolicy(document) {
                Issue.record("\(problems.all.map(\.sentence)) in\n\(example)")
            }
        }
    }

    @Test(arguments: PolicyKeys.all.map(\.name))
    func everyKeyIsExplained(table: String) throws {
        let keys = try #require(PolicyKeys.all.first { $0.name == table }).known
        for key in keys where key != "sample" {
            #expect(text.contains("`\(key)`"), "\(table).\(key)")
        }
    }

    @Test func everyMetricHasAnExample() {
        for metric in PolicyWords.metrics {
            #expect(examples.contains { $0.contains("metric: \(metric)") }, "\(metric)")
        }
    }
}
