/// A piece of source, and the findings that it must lead to: a line and a part of the message each.
struct Sample {
    var path = "Sources/BelayControl/Conductor.swift"
    let text: String
    var expected: [(line: Int, part: String)] = []
}

/// A check that cannot fail is worthless: each rule has a sample it must catch and one it must pass.
let samples = importSamples + textSamples + nameSamples + lengthSamples + lexerSamples

private let importSamples = [
    Sample(text: "import BelayCore\npackage import BelayStore\nimport Logging"),
    Sample(text: "import BelayGateway", expected: [(1, "may not import BelayGateway")]),
    Sample(text: "package import struct NIOCore.ByteBuffer", expected: [(1, "may not import NIOCore")]),
    Sample(text: "// import BelayGateway\nlet text = \"import BelayGateway\""),
    Sample(
        path: "Sources/BelayCore/Release.swift",
        text: "import BelayStats\nimport Foundation",
        expected: [(2, "may not import Foundation")]
    ),
    Sample(
        path: "Sources/BelayCore/Release.swift",
        text: "import FoundationEssentials // tidy: no excuse here",
        expected: [(1, "may not import FoundationEssentials")]
    ),
    Sample(path: "Sources/BelayStats/Bet.swift", text: "#if canImport(Musl)\nimport Musl\n#endif"),
    Sample(
        path: "Sources/BelayCommon/Any.swift",
        text: "let one = 1",
        expected: [(1, "no row in the table")]
    ),
    Sample(path: "Tests/BelayCoreTests/AnyTests.swift", text: "@testable import BelayCore\nimport Logging"),
]

private let textSamples = [
    Sample(text: "final class Box: @unchecked Sendable {}", expected: [(1, "`@unchecked`")]),
    Sample(text: "nonisolated(unsafe) var count = 0", expected: [(1, "`nonisolated(unsafe)`")]),
    Sample(text: "@preconcurrency import Logging", expected: [(1, "`@preconcurrency import`")]),
    Sample(text: "let value = try! read()", expected: [(1, "`try!`")]),
    Sample(text: "let value = try read()\nlet other = try? read()"),
    Sample(text: "let name = value as! String", expected: [(1, "`as!`")]),
    Sample(text: "let name = value as? String\nlet has! = 1"),
    Sample(text: "default: fatalError(\"no\")", expected: [(1, "`fatalError(`")]),
    Sample(text: "Task.detached { }", expected: [(1, "`Task.detached`")]),
    Sample(text: "DispatchQueue.main.async { }", expected: [(1, "`DispatchQueue`")]),
    Sample(text: "static let shared = Conductor()", expected: [(1, "`static let shared`")]),
    Sample(text: "static var shared: Conductor?", expected: [(1, "`static var shared`")]),
    Sample(text: "print(value)", expected: [(1, "`print(`")]),
    Sample(text: "blueprint(value)\noutput.print(value)"),
    Sample(path: "Sources/belay/Status.swift", text: "print(value)"),
    Sample(text: "let now = Date() // tidy: wall clock", expected: [(1, "`Date()`")]),
    Sample(path: "Sources/BelayServer/Clock.swift", text: "Date()", expected: [(1, "`Date()`")]),
    Sample(path: "Sources/BelayServer/Clock.swift", text: "let now = Date() // tidy: wall clock"),
    Sample(text: "let now = Date.now", expected: [(1, "`Date.now`")]),
    Sample(text: "let update = lastUpDate()"),
    Sample(text: "// tidy: the library's own type demands it\nlet name = value as! String"),
    Sample(text: "let name = value as! String // tidy:", expected: [(1, "`as!`")]),
    Sample(
        text: "let one = 1 // tidy: only for this line\nlet name = value as! String",
        expected: [(2, "`as!`")]
    ),
    Sample(text: "// TODO: later", expected: [(1, "TODO in a comment")]),
    Sample(text: "/* and\n FIXME */", expected: [(2, "FIXME in a comment")]),
    Sample(text: "let text = \"TODO\" // mastodon"),
    Sample(
        path: "Sources/BelayCore/Decide.swift",
        text: "ContinuousClock().now",
        expected: [(1, "`ContinuousClock`")]
    ),
    Sample(text: "ContinuousClock().now"),
]

private let nameSamples = [
    Sample(text: "struct ReleaseManager {}", expected: [(1, "“manager”")]),
    Sample(text: "enum StringUtils {}\nfunc helper() {}", expected: [(1, "“utils”"), (2, "“helper”")]),
    Sample(path: "Sources/BelayControl/LoadUtil.swift", text: "let one = 1", expected: [(1, "“util”")]),
    Sample(text: "let files = FileManager.default\nstruct Utilisation {}"),
    Sample(text: "struct RolloutPlan {}", expected: [(1, "“release”")]),
    Sample(text: "func tracesOfDay() {}", expected: [(1, "“inference log”")]),
    Sample(text: "func listBlobs() {}", expected: [(1, "“artifact”")]),
    Sample(text: "enum GroundTruth {}\nactor AuditLog {}", expected: [(1, "“label”"), (2, "“ledger”")]),
    Sample(text: "// a rollout of a blob\nlet text = \"rollout\"\nlet rollout = policy.rollout"),
    Sample(text: "// tidy: the key in belay.yaml\nstruct RolloutSection {}"),
]

private let lengthSamples = [
    Sample(text: String(repeating: "a", count: 110)),
    Sample(text: "// " + String(repeating: "é", count: 108), expected: [(1, "111 columns")]),
    Sample(path: "Scripts/setup", text: String(repeating: "a", count: 111), expected: [(1, "111 columns")]),
    Sample(text: String(repeating: "\n", count: 400)),
    Sample(text: String(repeating: "\n", count: 401), expected: [(1, "401 lines")]),
    Sample(path: "Tests/BelayCoreTests/AnyTests.swift", text: String(repeating: "\n", count: 600)),
    Sample(
        path: "Tests/BelayCoreTests/AnyTests.swift",
        text: String(repeating: "\n", count: 601),
        expected: [(1, "601 lines")]
    ),
    Sample(text: function(lines: 60) + function(lines: 60)),
    Sample(text: "let one = 1\n" + function(lines: 61), expected: [(2, "`long` has 61 lines")]),
    Sample(
        text: "struct Long {\n    init?(_ text: String = { \"}\" }()) {\n" + body(lines: 60) + "    }\n}\n",
        expected: [(2, "`init` has 62 lines")]
    ),
    Sample(
        text: "protocol Wide {\n    func short() throws(Oops)\n" + body(lines: 60)
            + "    var one: Int { get }\n}\n"
    ),
    Sample(text: "let long = Long.init(1)\nstruct Wide {\n" + body(lines: 70) + "}\n"),
]

private let lexerSamples = [
    Sample(text: "/* outer /* inner */ try! */ let one = try! read()", expected: [(1, "`try!`")]),
    Sample(text: "let text = #\"a \"quoted\" try! \\(try! b)\"#"),
    Sample(text: "let text = \"\\(b(c) + try! d)\"", expected: [(1, "`try!`")]),
    Sample(text: "let text = \"a \\(try! b(\"c\")) try\"", expected: [(1, "`try!`")]),
    Sample(text: "let text = \"\"\"\n  try! \" as!\n  \\\"\"\" try!\n  \"\"\"\nlet one = try? two()"),
    Sample(text: "let text = \"\"\"\n  one\n  \"\"\"\nlet one = try! two()", expected: [(4, "`try!`")]),
    Sample(text: "let url = \"https://x\"; let one = try! two()", expected: [(1, "`try!`")]),
    Sample(text: "let quote = #/\"/#\nlet one = try! two()", expected: [(2, "`try!`")]),
]

private func function(lines: Int) -> String { "func long() {\n" + body(lines: lines - 2) + "}\n" }

private func body(lines: Int) -> String { String(repeating: "    // }\n", count: lines) }

/// Returns what the rules got wrong about the samples.
func selfTest() -> [String] {
    let wrong = samples.compactMap { sample -> String? in
        let found = findings(in: Source(path: sample.path, text: sample.text))
        let isRight =
            found.map(\.line) == sample.expected.map(\.line)
            && zip(found, sample.expected).allSatisfy { $0.text.contains($1.part) }
        guard !isRight else { return nil }
        let texts = found.map(\.text)
        return "self-test: expected \(sample.expected), found \(texts) in:\n\(sample.text.prefix(300))"
    }
    return wrong + projectSelfTest()
}

private func projectSelfTest() -> [String] {
    let once = Source(path: "Sources/A/One.swift", text: "(code: \"a.one\", summary: \"One.\")")
    let again = Source(path: "Sources/B/One.swift", text: "(code: \"a.one\",\n    summary: \"One.\")")
    let other = Source(path: "Sources/B/Two.swift", text: "(code: \"a.one\", summary: \"Two.\")")
    let quoted = Source(path: "Sources/B/Three.swift", text: "// code: \"a.two\"\nlet qrcode: \"a.three\"")
    let checks: [(name: String, found: [Finding], count: Int)] = [
        ("a documented code", errorCodeFindings(in: [once, again], documentation: "| `a.one` |"), 0),
        ("a code of two meanings", errorCodeFindings(in: [once, other], documentation: "| `a.one` |"), 1),
        ("an undocumented code", errorCodeFindings(in: [once], documentation: "| `a.ones` |"), 1),
        ("no documentation", errorCodeFindings(in: [once], documentation: nil), 1),
        ("no codes", errorCodeFindings(in: [quoted], documentation: nil), 0),
        ("sources without changelog", changelogFindings(changed: ["Sources/A/One.swift", "README.md"]), 1),
        ("sources with changelog", changelogFindings(changed: ["Sources/A/One.swift", "CHANGELOG.md"]), 0),
        ("no sources", changelogFindings(changed: ["Tests/A.swift"]), 0),
    ]
    return checks.filter { $0.found.count != $0.count }.map {
        "self-test: \($0.name): expected \($0.count), found \($0.found.map(\.text))"
    }
}
