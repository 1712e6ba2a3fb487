import BelayCore
import Foundation
import Testing

/// The decoder on the cases that `Scripts/reference/policy_schema.py` holds the JSON Schema against.
@Suite("Policy: cases shared with the schema")
struct PolicyCasesTests {
    private struct Cases: Decodable {
        let right: [PolicyNode]
        let wrong: [PolicyNode]
        let senseless: [PolicyNode]
    }

    private let cases: Cases

    init() throws {
        let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = project.appendingPathComponent("Tests/Fixtures/policies/cases.json")
        cases = try JSONDecoder().decode(Cases.self, from: Data(contentsOf: file))
        try #require(!cases.right.isEmpty && !cases.wrong.isEmpty && !cases.senseless.isEmpty)
    }

    private func found(in part: PolicyNode) throws -> [String] {
        let members = part.json.dropFirst().dropLast()
        return try problems(policyJSON(String(members)))
    }

    @Test func whatIsRightIsTaken() throws {
        for part in cases.right {
            let found = try found(in: part)
            #expect(found.isEmpty, "\(part.json): \(found)")
        }
    }

    @Test func whatIsRightComesBackAsItWas() throws {
        for part in cases.right {
            let policy = try decoded(String(part.json.dropFirst().dropLast()))
            let document = PolicyNode(describing: policy)
            #expect(try decodePolicy(document).get() == policy, "\(part.json) became \(document.json)")
            let bytes = try JSONEncoder().encode(policy)
            #expect(try JSONDecoder().decode(Policy.self, from: bytes) == policy, "\(part.json)")
        }
    }

    @Test func whatIsWrongIsRefused() throws {
        for part in cases.wrong + cases.senseless {
            #expect(try !found(in: part).isEmpty, "\(part.json)")
        }
    }
}
