import BelayCore
import Foundation
import Testing

@testable import belay

@Suite struct PolicyFileReaderTests {
    /// What is wrong with a text, as the command line prints it, without its first line's "error".
    private func lines(_ yaml: String) -> [String] {
        do {
            let document = try PolicyFileReader.parse(Data(yaml.utf8), file: "belay.yaml")
            switch decodePolicy(document) {
            case .success: return []
            case .failure(let problems): throw CommandFailure.badPolicy(file: "belay.yaml", problems)
            }
        } catch let failure as CommandFailure {
            let look = Look(isColoured: false, symbols: .unicode)
            return failure.text(look).split(separator: "\n").dropLast().map(String.init)
        } catch {
            return ["\(error)"]
        }
    }

    @Test func aFileAsPeopleWriteItIsRead() {
        let yaml = """
            # yaml-language-server: $schema=./belay.schema.json
            belay: 1
            model: fraud
            serving: {unit: header:X-User, timeout: 400ms}
            rollout:
              steps:
                - {canary: 1%,  for: 15m, min_samples: 500}
                - canary: 10%          # a comment
                  for: 1h
                - canary: 100%
            guards:
              - {metric: error_rate, max_rise: 0.5%, max: 0.02, then: rollback}
              - metric: accuracy
                max_drop: 3%
            labels: {output: label}
            rollback: {good_after: 24h, keep_warm: 2}
            """
        #expect(lines(yaml) == [])
    }

    @Test(arguments: ["small", "medium", "full", "regression"])
    func theExamplesAreRight(name: String) throws {
        let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = project.appendingPathComponent("Examples/policies/\(name).yaml")
        #expect(lines(try String(contentsOf: file, encoding: .utf8)) == [])
    }

    @Test func everyMistakeHasItsLineAndColumn() {
        let yaml = """
            belay: 1
            model: fraud
            rollout:
              steps:
                - {canary: 10, for: 5m}
            guards:
              - {metric: error_rate, treshold: 1%}
              - metric: acuracy
                max_drop: 3%
            labels:
              output: 1
            """
        let found = lines(yaml)
        let expected = [
            #"belay.yaml:5:16  rollout.steps[0].canary is "10"; write 10% if that is meant [policy."#,
            #"belay.yaml:7:26  unknown key "treshold" in guards[0]; did you mean "max"? [policy.unk"#,
            #"belay.yaml:8:13  guards[1].metric does not know "acuracy"; did you mean "accuracy"? "#,
            #"belay.yaml:11:11  labels.output needs a text, not a number; put quotes around it: "1" "#,
        ]
        #expect(found.count == expected.count)
        #expect(zip(found, expected).allSatisfy { $0.hasPrefix($1) }, "\(found)")
    }

    @Test(arguments: [
        ("", "1:1  the file is empty; begin with belay: 1 [policy.syntax]"),
        ("# nothing\n", "1:1  the file is empty; begin with belay: 1 [policy.syntax]"),
        ("belay: 1\nmodel: [a\n", "3:1  "),
        ("belay: 1\n  model: a: b\n", "2:8  "),
        (
            "belay: 1\nmodel: a\nmodel: b\n",
            "2:1  the key \"model\" stands twice; keep one of them [policy.duplicate]"
        ),
        (
            "belay: 1\n---\nmodel: a\n",
            "2:1  a second document begins here; keep one policy a file [policy.syntax]"
        ),
        (
            "a: &x 1\nb: *x\n",
            "1:4  a policy takes no anchors; write the value out where it is needed [policy.syntax]"
        ),
        ("a: *x\n", "1:4  found undefined alias; write the value out [policy.syntax]"),
        ("<<: {a: 1}\n", "1:1  a policy takes no merge keys; write the keys out [policy.syntax]"),
        ("[a]: 1\n", "1:1  this key is no text; write a plain word before the colon [policy.syntax]"),
        ("a: \u{1}\n", "1:4  control characters are not allowed; take the character out [policy.syntax]"),
    ])
    func whatIsNoDocumentIsRefusedAtItsPlace(yaml: String, problem: String) {
        let found = lines(yaml)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("belay.yaml:" + problem) == true, "\(found)")
    }

    @Test func bytesThatAreNoTextAreRefused() {
        #expect(throws: CommandFailure.self) {
            try PolicyFileReader.parse(Data([0xff, 0xfe, 0x41]), file: "f")
        }
    }

    @Test(arguments: ["[", "{a: ", "- "])
    func depthIsRefusedWithoutATrap(opening: String) {
        for depth in [20, 900, 1100, 20_000] {
            #expect(lines(String(repeating: opening, count: depth)).count == 1)
        }
    }

    @Test func aFileThatIsTooLargeIsRefused() {
        let yaml = "belay: 1 #" + String(repeating: "x", count: PolicyFileReader.largest)
        #expect(lines(yaml).first?.contains("larger than") == true)
    }

    @Test func laughsDoNotMultiply() {
        var yaml = "a0: &a0 [x, x]\n"
        for level in 1...40 { yaml += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        #expect(lines(yaml).count == 1)
    }

    @Test func aTextCutAnywhereIsRefusedOrRead() {
        let yaml = "belay: 1\nmodel: \"fräud\"\nguards:\n  - {metric: error_rate, max: 1%}\n"
        for end in yaml.utf8.indices {
            let bytes = Data(yaml.utf8[..<end])
            _ = try? PolicyFileReader.parse(bytes, file: "f")
        }
    }

    @Test func yamlWrittenFromAPolicyIsReadBack() throws {
        let yaml = """
            belay: 1
            model: fraud
            serving: {unit: "/a b", timeout: 1s}
            rollout: {steps: [{canary: 2.5%, for: 5m}, {canary: 50%}]}
            guards: [{metric: accuracy, max_drop: 1%, min: 90%, name: "123"}]
            labels: {output: "no"}
            """
        let policy = try decodePolicy(try PolicyFileReader.parse(Data(yaml.utf8), file: "f")).get()
        let text = PolicyNode(describing: policy).yaml
        #expect(
            try decodePolicy(try PolicyFileReader.parse(Data(text.utf8), file: "f")).get() == policy,
            "\(text)"
        )
    }

    @Test func aMissingFileIsAnErrorAndNotABadPolicy() {
        #expect { try PolicyFileReader.read("/nowhere/belay.yaml") } throws: { error in
            (error as? CommandFailure)?.status == .error
        }
    }

    @Test func everyPolicyAmongTheExamplesIsAccepted() throws {
        let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let examples = project.appendingPathComponent("Examples")
        let files = try FileManager.default.subpathsOfDirectory(atPath: examples.path)
        for file in files where file.hasSuffix("belay.yaml") {
            #expect(throws: Never.self) {
                try PolicyFileReader.policy(examples.appendingPathComponent(file).path)
            }
        }
    }
}
