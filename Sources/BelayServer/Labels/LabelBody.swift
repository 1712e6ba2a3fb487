import BelayCore
import BelayInference
import BelayInferenceLog

/// One label as it comes over the wire, checked as far as that goes without knowing its answer.
///
/// Keys that are not known are passed over, as MLflow's assessments have more of them.
struct LabelBody: Equatable, Sendable {
    /// In characters, as the gateway admits them.
    private static let longestID = 128
    private static let longestName = 200
    private static let longestNote = 4096
    /// In bytes of JSON.
    static let longestValue = 65_536
    /// A whole label, in bytes of JSON.
    static let longest = 262_144
    static let mostDepth = 8

    /// How the answer is named.
    enum Subject: Equatable, Sendable {
        case id(String)
        case match(LabelMatch)
    }

    let subject: Subject
    let model: ModelName
    let kind: LabelKind
    let value: LabelValue
    let at: Timestamp?
    let source: String?
    let name: String?
    let note: String?
    let isFinal: Bool
    let weight: Double?
    let isTabular: Bool
    let isScore: Bool

    /// Reads one JSON object: a label, or an assessment in MLflow's words.
    init(_ json: [UInt8], defaults: LabelDelivery.Defaults) throws(LabelFault) {
        guard json.count <= Self.longest else {
            throw .unreadable("the label is longer than \(Self.longest) bytes")
        }
        let tree: JSONTree
        do throws(InferenceError) {
            tree = try JSONTree(json, mostDepth: Self.mostDepth)
        } catch .tooLarge {
            throw .unreadable("the label is nested too deeply")
        } catch {
            throw .unreadable("the line is not JSON")
        }
        guard case .object(let members) = tree else {
            throw .unreadable("a label is {\"id\", \"model\", \"value\", \"at\"?, \"kind\"?}")
        }
        try self.init(members, isTabular: false, defaults: defaults)
    }

    /// Reads a row of a table; empty cells are missing ones.
    init(row: [String: String], defaults: LabelDelivery.Defaults) throws(LabelFault) {
        var members: [String: JSONTree] = [:]
        for (key, text) in row where !text.isEmpty {
            switch key {
            case "weight", "score":
                guard let number = Double(text), number.isFinite else {
                    throw .unreadable("'\(key)' is not a number")
                }
                members[key] = .number(number)
            case "final":
                guard let flag = ["true": true, "1": true, "false": false, "0": false][text.lowercased()]
                else { throw .unreadable("'final' is not true or false") }
                members[key] = .bool(flag)
            default: members[key] = .text(text)
            }
        }
        try self.init(members, isTabular: true, defaults: defaults)
    }

    private init(
        _ members: [String: JSONTree],
        isTabular: Bool,
        defaults: LabelDelivery.Defaults
    ) throws(LabelFault) {
        let fields = Fields(members: members)
        let (value, implied) = try fields.value()
        guard let text = try fields.text("model", atMost: Self.longestName) ?? defaults.model else {
            throw .unreadable("the key 'model' is missing")
        }
        guard let model = ModelName(text) else { throw .unknownModel(text) }
        let named = try fields.text("kind", atMost: Self.longestName)
        guard let kind = named.map({ LabelKind(rawValue: $0) }) ?? implied ?? defaults.kind else {
            throw .unknownKind(named ?? "")
        }
        self.subject = try fields.subject(longest: Self.longestID)
        self.model = model
        self.kind = kind
        self.value = value
        at = try fields.time("at")
        source = try fields.source(atMost: Self.longestName) ?? defaults.source
        name = try fields.text("name", "assessment_name", atMost: Self.longestName)
        note = try fields.text("note", "rationale", atMost: Self.longestNote)
        isFinal = try fields.flag("final") ?? true
        weight = try fields.number("weight")
        self.isTabular = isTabular
        isScore = members["score"] != nil
        guard !isScore || kind == .feedback else { throw .unreadable("only feedback has a 'score'") }
        guard canonical(value).utf8.count <= Self.longestValue else {
            throw .unreadable("the value is longer than \(Self.longestValue) bytes")
        }
    }
}

/// The members of a label's object, read by name.
private struct Fields {
    let members: [String: JSONTree]

    /// What is said, and the kind that the key it stands under implies.
    func value() throws(LabelFault) -> (LabelValue, LabelKind?) {
        if let feedback = try inner("feedback") { return (feedback, .feedback) }
        if let expected = try inner("expectation") { return (expected, .expected) }
        if let score = try number("score") { return (.number(score), .feedback) }
        guard let tree = members["value"] else { throw .unreadable("the key 'value' is missing") }
        guard let value = LabelValue(tree) else { throw .unreadable("the value is null, or has one inside") }
        return (value, nil)
    }

    /// MLflow's `{"feedback": {"value": …}}`.
    private func inner(_ key: String) throws(LabelFault) -> LabelValue? {
        guard let tree = members[key] else { return nil }
        guard case .object(let inside) = tree, let value = inside["value"].flatMap({ LabelValue($0) }) else {
            throw .unreadable("'\(key)' is not {\"value\": …}")
        }
        return value
    }

    func subject(longest: Int) throws(LabelFault) -> LabelBody.Subject {
        if let match = members["match"] {
            guard members["id"] == nil else { throw .unreadable("'id' and 'match' exclude each other") }
            return .match(try LabelMatch(match))
        }
        guard let id = try text("id", "trace_id", atMost: 4 * longest) else {
            throw .unreadable("the key 'id' is missing")
        }
        guard !id.isEmpty, id.count <= longest else {
            throw .unreadable("an id has 1 to \(longest) characters")
        }
        return .id(id)
    }

    /// A text, or in MLflow's words `{"source_type": "HUMAN", "source_id": "ann"}`.
    func source(atMost most: Int) throws(LabelFault) -> String? {
        guard case .object(let inside) = members["source"] else { return try text("source", atMost: most) }
        let fields = Fields(members: inside)
        let type = try fields.text("source_type", atMost: most)
        return try fields.text("source_id", atMost: most) ?? type
    }

    func text(_ keys: String..., atMost most: Int) throws(LabelFault) -> String? {
        guard let key = keys.first(where: { members[$0] != nil }), let tree = members[key], tree != .null
        else { return nil }
        guard case .text(let text) = tree else { throw .unreadable("'\(key)' is not a text") }
        guard text.utf8.count <= most else { throw .unreadable("'\(key)' is longer than \(most) bytes") }
        return text
    }

    func number(_ key: String) throws(LabelFault) -> Double? {
        guard let tree = members[key], tree != .null else { return nil }
        guard let number = tree.number, number >= 0 else {
            throw .unreadable("'\(key)' is not a number from 0 up")
        }
        return number
    }

    func flag(_ key: String) throws(LabelFault) -> Bool? {
        guard let tree = members[key], tree != .null else { return nil }
        guard case .bool(let flag) = tree else { throw .unreadable("'\(key)' is not true or false") }
        return flag
    }

    func time(_ key: String) throws(LabelFault) -> Timestamp? {
        guard let text = try text(key, atMost: 64) else { return nil }
        guard let time = Timestamp(text) else { throw .badTime(text) }
        return time
    }
}
