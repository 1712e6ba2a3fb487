/// Reads a policy document strictly: every mistake is found at once, and nothing is guessed.
///
/// - Returns: The policy, or up to ``PolicyProblems/most`` problems.
package func decodePolicy(_ node: PolicyNode) -> Result<Policy, PolicyProblems> {
    var decoder = PolicyDecoder()
    let policy = decoder.policy(node)
    let inOrder = decoder.problems.sorted { $0.place < $1.place }
    if let problems = PolicyProblems(inOrder) { return .failure(problems) }
    if let policy { return .success(policy) }
    let problem = PolicyProblem(at: node.place, .badValue, "this is no policy", suggestion: "write it anew")
    return .failure(PolicyProblems(problem))
}

/// Collects problems while it reads; a part that could not be read is nil and has been reported.
struct PolicyDecoder {
    private(set) var problems: [PolicyProblem] = []

    /// Whether there is one more than is shown, so that the reader learns that there are more.
    var isFull: Bool { problems.count > PolicyProblems.most }

    /// A mapping whose keys have been checked.
    struct Fields {
        let path: String
        let place: PolicyNode.Place
        /// The first value of each key that the table knows.
        let values: [String: PolicyNode]
        /// Whether some key was not taken and may have stood for one that is missing.
        var isExcused = false

        subscript(key: String) -> PolicyNode? { values[key] }
    }

    mutating func report(
        _ place: PolicyNode.Place,
        _ code: PolicyProblem.Code,
        _ message: String,
        _ suggestion: String
    ) {
        guard !isFull else { return }
        problems.append(PolicyProblem(at: place, code, message, suggestion: suggestion))
    }

    mutating func policy(_ node: PolicyNode) -> Policy? {
        guard let fields = fields(of: node, PolicyKeys.root, "") else { return nil }
        if let format = fields["belay"] { checkFormat(format) }
        let model = fields["model"].flatMap { modelName($0) }
        if let description = fields["description"] { _ = text(description, "description") }
        let serving = fields["serving"].map { self.servingSettings($0) } ?? ServingSettings.standard
        let plan = fields["rollout"].map { self.plan($0) } ?? Plan.canary
        let labels = fields["labels"].map { self.labels($0) } ?? Policy.Labels(output: nil)
        let guards = fields["guards"].map { self.guards($0, labels: labels) } ?? [Guard.errorRate]
        let rollback = fields["rollback"].map { self.rollback($0) } ?? Policy.Rollback.standard
        let notify = fields["notify"].map { targets($0) } ?? []
        guard let model, let serving, let plan, let guards, let labels, let rollback, let notify else {
            return nil
        }
        guard checkSlices(guards, serving.record.redact, fields["guards"]) else { return nil }
        return Policy(
            model: model,
            serving: serving,
            plan: plan,
            guards: guards,
            labels: labels,
            rollback: rollback,
            notify: notify
        )
    }

    /// Slices are told by their values, in evidence that is kept: not of what may not reach the disk.
    ///
    /// A pointer to an input by its place may be to any of them.
    private mutating func checkSlices(_ guards: [Guard], _ redact: [String], _ node: PolicyNode?) -> Bool {
        for guarded in guards {
            let hidden = guarded.focus.sliceBy.first { feature in
                let input = feature.prefix { $0 != "[" }
                return redact.contains { pointer in
                    let tokens = pointer.split(separator: "/")
                    guard tokens.first == "inputs" else { return false }
                    return tokens.count == 1 || tokens[1] == input || tokens[1].allSatisfy(\.isNumber)
                }
            }
            guard let hidden, let node else { continue }
            report(
                node.place,
                .contradiction,
                "the guard \(guarded.name) is sliced by \"\(shown(hidden))\", which serving.record redacts",
                "slice by another feature, or take it out of redact"
            )
            return false
        }
        return true
    }

    private mutating func checkFormat(_ node: PolicyNode) {
        guard case .scalar(let scalar) = node.value, scalar.kind == .number, scalar.text == "1" else {
            report(
                node.place,
                .badValue,
                "\"belay\" is the version of the format, and this Belay reads 1",
                "write belay: 1"
            )
            return
        }
    }

    private mutating func modelName(_ node: PolicyNode) -> ModelName? {
        guard let text = text(node, "model") else { return nil }
        guard let name = ModelName(text) else {
            report(
                node.place,
                .badValue,
                "\"\(shown(text))\" cannot name a model",
                "use 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first"
            )
            return nil
        }
        return name
    }
}
