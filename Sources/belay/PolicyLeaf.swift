import BelayCore

/// One value of a policy, by the path that people call it by.
struct PolicyLeaf: Equatable, Encodable {
    /// Who said it.
    enum Origin: Equatable {
        /// The file says it.
        case file
        /// A named plan in the file means it.
        case plan(String)
        /// Nothing says it, and this is what then holds.
        case standard
        /// Every policy has it.
        case always

        var text: String {
            switch self {
            case .file: "file"
            case .plan(let name): "plan \(name)"
            case .standard: "default"
            case .always: "always"
            }
        }
    }

    /// `rollout.steps[0].canary`, `guards.error_rate.max_rise`.
    let path: String
    /// The guard, the step or the target that it belongs to: `guards.error_rate`.
    let part: String?
    let value: String
    let origin: Origin

    enum CodingKeys: String, CodingKey {
        case path, value, origin
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(path, forKey: .path)
        try container.encode(value, forKey: .value)
        try container.encode(origin.text, forKey: .origin)
    }
}

/// A policy taken apart, value by value, with what its document said of each.
struct PolicyLeaves {
    /// What a policy means without a document to compare it with.
    private static let quietly = ["then": "rollback", "no_data": "wait", "for": "0s"]

    private(set) var leaves: [PolicyLeaf] = []
    /// Nil where only the policy is known, such as from a server.
    private let document: PolicyNode?
    private let standard: [String: String]

    /// The document is what the policy was decoded from, where that is known.
    init(of policy: Policy, document: PolicyNode?) {
        self.document = document
        standard = document == nil ? PolicyLeaves(valuesOf: .standard(for: policy.model)).values : [:]
        for member in PolicyNode(describing: policy).members {
            switch member.key {
            case "guards": for node in member.value.elements { add(guarded: node) }
            default: add(member.value, member.key, of: nil, in: document?[member.key])
            }
        }
    }

    private init(valuesOf policy: Policy) {
        document = PolicyNode(describing: policy)
        standard = [:]
        for member in document?.members ?? [] where member.key != "guards" {
            add(member.value, member.key, of: nil, in: member.value)
        }
    }

    /// The values by their paths.
    var values: [String: String] {
        Dictionary(leaves.map { ($0.path, $0.value) }) { first, _ in first }
    }

    func has(_ part: String) -> Bool { leaves.contains { $0.part == part } }

    /// All values of a part on one line: `{metric: error_rate, max: 1%}`.
    func summary(of part: String) -> String {
        let values = leaves.filter { $0.part == part }.map { leaf in
            "\(leaf.path.dropFirst(part.count + 1)): \(leaf.value)"
        }
        return "{\(values.joined(separator: ", "))}"
    }

    private mutating func add(_ node: PolicyNode, _ path: String, of part: String?, in said: PolicyNode?) {
        switch node.value {
        case .mapping(let members):
            for member in members {
                add(member.value, "\(path).\(member.key)", of: part, in: said?[member.key])
            }
        case .sequence(let nodes) where nodes.contains { !$0.isScalar }:
            let words = said?.elements ?? []
            for (index, node) in nodes.enumerated() {
                let entry = "\(path)[\(index)]"
                add(node, entry, of: entry, in: words.indices.contains(index) ? words[index] : nil)
            }
        case .sequence, .scalar: add(path, of: part, node.inline, isSaid: said != nil)
        }
    }

    private mutating func add(_ path: String, of part: String?, _ value: String, isSaid: Bool) {
        let origin = origin(of: path, value, isSaid: isSaid)
        leaves.append(PolicyLeaf(path: path, part: part, value: value, origin: origin))
    }

    private func origin(of path: String, _ value: String, isSaid: Bool) -> PolicyLeaf.Origin {
        if isSaid { return .file }
        guard let document else {
            let key = path.split(separator: ".").last.map(String.init) ?? path
            return standard[path] == value || Self.quietly[key] == value ? .standard : .file
        }
        if path.hasPrefix("rollout."), let plan = document["rollout"]?["use"]?.inline { return .plan(plan) }
        return .standard
    }

    private mutating func add(guarded node: PolicyNode) {
        let name = node["name"]?.scalarText ?? ""
        let said = entry(of: name)
        let isAlways = document != nil && said == nil && ["invalid_output", "circuit_breaker"].contains(name)
        let part = "guards.\(name)"
        for member in node.members where member.key != "name" {
            let (path, value) = ("\(part).\(member.key)", member.value.inline)
            if isAlways {
                leaves.append(PolicyLeaf(path: path, part: part, value: value, origin: .always))
            } else {
                add(path, of: part, value, isSaid: said?[member.key] != nil)
            }
        }
    }

    /// The entry of the document that a guard came from: one entry with two bounds makes two guards.
    private func entry(of name: String) -> PolicyNode? {
        let entries = document?["guards"]?.elements ?? []
        let called = { (text: String) in
            entries.first { ($0["name"] ?? $0["metric"])?.scalarText == text }
        }
        if let entry = called(name) { return entry }
        guard let dot = name.lastIndex(of: ".") else { return nil }
        return called(String(name[..<dot]))
    }
}

/// What differs between two policies, value by value.
struct PolicyDifference: Encodable {
    struct Change: Equatable, Encodable {
        let path: String
        /// Nil where only the second has it.
        let from: String?
        /// Nil where only the first has it.
        let to: String?
    }

    let changes: [Change]

    init(from first: Policy, to second: Policy) {
        let (before, after) = (
            PolicyLeaves(of: first, document: nil), PolicyLeaves(of: second, document: nil)
        )
        let (known, wanted) = (before.values, after.values)
        var changes: [Change] = []
        var told: Set<String> = []
        for leaf in before.leaves + after.leaves.filter({ known[$0.path] == nil }) {
            let isGone = leaf.part.map { !after.has($0) } ?? false
            let isNew = leaf.part.map { !before.has($0) } ?? false
            // A guard, a step or a target that only one side has is one change.
            if let part = leaf.part, isGone || isNew {
                guard told.insert(part).inserted else { continue }
                changes.append(
                    Change(
                        path: part,
                        from: isGone ? before.summary(of: part) : nil,
                        to: isNew ? after.summary(of: part) : nil
                    )
                )
            } else if known[leaf.path] != wanted[leaf.path] {
                changes.append(Change(path: leaf.path, from: known[leaf.path], to: wanted[leaf.path]))
            }
        }
        self.changes = changes
    }

    func text(_ look: Look) -> String {
        guard !changes.isEmpty else { return "no difference\n" }
        let width = changes.map(\.path.count).max() ?? 0
        return changes.map { change in
            let path = printable(change.path) + String(repeating: " ", count: width - change.path.count)
            switch (change.from, change.to) {
            case (let from?, let to?):
                return "~ \(path)  \(printable(from)) \(look.symbols.arrow) \(printable(to))\n"
            case (nil, let to?): return look.good("+ \(path)  \(printable(to))") + "\n"
            case (let from?, nil): return look.bad("- \(path)  \(printable(from))") + "\n"
            case (nil, nil): return ""
            }
        }.joined()
    }
}

extension PolicyNode {
    var members: [Member] {
        if case .mapping(let members) = value { members } else { [] }
    }

    var elements: [PolicyNode] {
        if case .sequence(let nodes) = value { nodes } else { [] }
    }

    subscript(key: String) -> PolicyNode? { members.first { $0.key == key }?.value }

    var scalarText: String? {
        if case .scalar(let scalar) = value { scalar.text } else { nil }
    }
}
