/// One mistake in a policy document: where it is, what it is, and what to write instead.
package struct PolicyProblem: Hashable, Sendable {
    /// The kinds of mistakes, by the codes that `docs/errors.md` explains.
    package enum Code: String, CaseIterable, Sendable {
        /// Not YAML, or YAML that a policy may not use.
        case syntax = "policy.syntax"
        case unknownKey = "policy.unknown-key"
        /// A key or a word that a later version of Belay will know.
        case unsupported = "policy.unsupported"
        /// A key, or the name of a guard, that stands twice.
        case duplicate = "policy.duplicate"
        case missingKey = "policy.missing-key"
        /// A text where a list belongs, and the like.
        case wrongType = "policy.wrong-type"
        /// The right kind of value, and yet not one that this key takes.
        case badValue = "policy.bad-value"
        /// Two parts that are each right and cannot both be.
        case contradiction = "policy.contradiction"
    }

    package let place: PolicyNode.Place
    package let code: Code
    /// What is wrong, without an end stop: `unknown key "treshold" in guards[2]`.
    package let message: String
    /// What to do, as a clause that may follow a semicolon: `did you mean "max"?`.
    package let suggestion: String

    package init(at place: PolicyNode.Place, _ code: Code, _ message: String, suggestion: String) {
        self.place = place
        self.code = code
        self.message = message
        self.suggestion = suggestion
    }

    /// Message and suggestion, without the place.
    package var sentence: String { "\(message); \(suggestion)" }
}

/// Everything that is wrong with a policy document, in the order of the document; never empty.
package struct PolicyProblems: Error, Equatable, Sendable {
    /// Nobody mends more at one sitting, and a hostile file must not cost more than that.
    package static let most = 50

    package let first: PolicyProblem
    package let others: [PolicyProblem]
    /// Whether there are more than ``most``.
    package let areCut: Bool

    package var all: [PolicyProblem] { [first] + others }

    /// Returns nil when nothing is wrong.
    package init?(_ problems: [PolicyProblem]) {
        guard let first = problems.first else { return nil }
        self.init(first, problems.dropFirst())
    }

    package init(_ first: PolicyProblem, _ others: some Collection<PolicyProblem> = []) {
        self.first = first
        self.others = Array(others.prefix(Self.most - 1))
        areCut = others.count >= Self.most
    }
}

extension PolicyProblems: Explainable {
    package var category: FailureCategory { .badPolicy }

    /// Speaks of the first problem; surfaces that have the room list ``all``.
    package var explanation: Explanation {
        let number = all.count
        let count = number == 1 ? "a problem" : "\(areCut ? "more than " : "")\(number) problems"
        let place = first.place.description
        return Explanation(
            code: first.code.rawValue,
            summary: "The policy has \(count): \(place.isEmpty ? "" : "at \(place) ")\(first.message).",
            remedy: first.suggestion.prefix(1).uppercased() + first.suggestion.dropFirst()
                + (first.suggestion.hasSuffix("?") ? "" : ".")
        )
    }
}
