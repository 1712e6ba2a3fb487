import BelayCore
import Foundation
import Testing

@Suite("The list of notices")
struct NoticeDocumentationTests {
    @Test func everyKindIsInTheDocument() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("docs/notices.md"), encoding: .utf8)
        for kind in Notice.Kind.allCases {
            #expect(text.contains("`\(kind.rawValue)`"), "docs/notices.md does not tell of \(kind.rawValue)")
        }
    }
}
