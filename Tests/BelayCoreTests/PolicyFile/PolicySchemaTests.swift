import BelayCore
import Foundation
import Testing

/// The published schema and the decoder say the same of every key.
@Suite struct PolicySchemaTests {
    private let definitions: [String: PolicyNode]

    init() throws {
        let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let data = try Data(contentsOf: project.appendingPathComponent("docs/belay.schema.json"))
        let schema = try JSONDecoder().decode(PolicyNode.self, from: data)
        definitions = schema["definitions"]?.members ?? [:]
    }

    @Test(arguments: PolicyKeys.all.map(\.name))
    func theKeysAreTheDecoders(name: String) throws {
        let table = try #require(PolicyKeys.all.first { $0.name == name })
        let definition = try #require(definitions[name])
        #expect(Set(definition["properties"]?.members.keys.map { $0 } ?? []) == Set(table.known))
        #expect(Set(definition["required"]?.texts ?? []) == Set(table.required))
        #expect(definition["additionalProperties"]?.json == "false")
    }

    @Test func theSchemaKnowsNoOtherMapping() {
        let mappings = definitions.filter { $0.value["properties"] != nil }.keys
        #expect(Set(mappings) == Set(PolicyKeys.all.map(\.name)))
    }

    @Test func theWordsAreTheDecoders() {
        #expect(definitions["rollout"]?["properties"]?["use"]?["enum"]?.texts.sorted() == PolicyWords.plans)
        #expect(definitions["rollout"]?["properties"]?["end"]?["enum"]?.texts == PolicyWords.endings)
        let words = { (table: String, key: String) in
            definitions[table]?["properties"]?[key]?["enum"]?.texts
        }
        #expect(words("serving", "durability") == RecordSettings.Durability.allCases.map(\.rawValue))
        #expect(words("serving", "on_full") == RecordSettings.Overflow.allCases.map(\.rawValue))
        #expect(words("rollback", "inflight") == FailureSettings.Inflight.allCases.map(\.rawValue))
        #expect(words("rollback", "standby") == Policy.StandbyRule.allCases.map(\.rawValue))
        #expect(words("step", "advance") == Plan.Advance.allCases.map(\.rawValue))
        #expect(words("guard", "metric") == PolicyWords.metrics)
        #expect(words("guard", "then") == PolicyWords.reactions)
        #expect(words("guard", "vs") == PolicyWords.comparisons)
        #expect(words("guard", "no_data") == Guard.NoData.allCases.map(\.rawValue))
        #expect(words("labels", "type") == Policy.Labels.Kind.allCases.map(\.rawValue))
        #expect(words("notify", "via") == NotifyTarget.Way.allCases.map(\.rawValue))
        #expect(words("notify", "format") == NotifyTarget.Format.allCases.map(\.rawValue))
        #expect(words("notify", "severity") == PolicyWords.severities)
    }

    @Test func theDefaultsAreTheDecoders() throws {
        let policy = try decoded(#""rollout": {"steps": [{"canary": "1%"}], "watch": {"for": "1h"}}"#)
        let step = try #require(policy.plan.steps.first)
        let defaults = { (table: String, key: String) in
            definitions[table]?["properties"]?[key]?["default"]?.json
        }
        #expect(defaults("serving", "unit") == "\"\(policy.serving.unit)\"")
        let record = policy.serving.record
        #expect(defaults("serving", "record") == "\"\(record.extent)\"")
        #expect(defaults("serving", "durability") == "\"\(record.durability.rawValue)\"")
        #expect(defaults("serving", "on_full") == "\"\(record.onFull.rawValue)\"")
        #expect(defaults("rollback", "inflight") == "\"\(policy.rollback.failing.inflight.rawValue)\"")
        #expect(defaults("rollback", "standby") == "\"\(policy.rollback.standby.rawValue)\"")
        #expect(defaults("step", "min_samples") == "\(step.minSamples)")
        #expect(defaults("step", "advance") == "\"\(step.advance.rawValue)\"")
        #expect(defaults("watch", "holdback") == "\"\(policy.plan.holdback)\"")
        #expect(defaults("rollback", "keep_warm") == "\(policy.rollback.keepWarm)")
        #expect(time(defaults("serving", "timeout")) == Int64(policy.serving.timeoutMilliseconds))
        #expect(time(defaults("step", "for")) == step.dwellMilliseconds)
        #expect(time(defaults("rollback", "good_after")) == policy.rollback.goodAfterMilliseconds)
    }

    private func time(_ json: String?) -> Int64? {
        json.flatMap { milliseconds(ofTime: $0.trimmingCharacters(in: ["\""])) }
    }
}

extension PolicyNode {
    fileprivate subscript(key: String) -> PolicyNode? { members[key] }

    fileprivate var members: [String: PolicyNode] {
        guard case .mapping(let members) = value else { return [:] }
        return Dictionary(members.map { ($0.key, $0.value) }) { first, _ in first }
    }

    fileprivate var texts: [String] {
        guard case .sequence(let nodes) = value else { return [] }
        return nodes.compactMap { node in
            if case .scalar(let scalar) = node.value { scalar.text } else { nil }
        }
    }
}
