/// What became of a label.
package enum LabelAcceptance: Equatable, Sendable {
    /// New evidence: the first label that can be compared for this answer, and for its unit in the release.
    case evidence
    /// Kept; but the unit was counted in this release before, or this answer by a label of another kind.
    ///
    /// One unit is one toss of the coin, and a request without a unit is its own.
    case unitCounted
    /// Kept; but evidence for nothing: the answer is unknown, pinned, outside a release or not comparable.
    /// The same label sent again counts once its answer is known.
    case unjoined
    /// The same value was sent before; nothing was kept.
    case repeated
    /// Another value was sent before; the new one is kept as the newer word, and not counted again.
    case revised(from: String)

    /// Whether the label must be added to the evidence.
    package var counts: Bool { self == .evidence }

    /// How it is written in the table.
    var name: String {
        switch self {
        case .evidence: "evidence"
        case .unitCounted: "unit_counted"
        case .unjoined: "unjoined"
        case .repeated: "repeated"
        case .revised: "revised"
        }
    }

    /// Decides what a label is, given what came before it.
    ///
    /// - Parameters:
    ///   - record: The label.
    ///   - newest: The value sent last for the same answer and kind.
    ///   - wasJoined: Whether an earlier label for the same answer and kind found its answer.
    ///   - unitCounted: Whether the unit, or the answer, was counted already.
    init(_ record: LabelRecord, newest: String?, wasJoined: Bool, unitCounted: Bool) {
        let counts = record.evidence != nil && !wasJoined
        switch newest {
        case _ where counts: self = unitCounted ? .unitCounted : .evidence
        case nil: self = .unjoined
        case record.value: self = .repeated
        case .some(let older): self = .revised(from: older)
        }
    }
}

/// How much of a version's answers is labelled.
package struct LabelCoverage: Equatable, Sendable {
    /// Answers with at least one label that found them.
    package internal(set) var labelled = 0
    /// Answers whose newest comparable label they disagreed with.
    package internal(set) var wrong = 0
    /// Labels that changed the value of an earlier one.
    package internal(set) var revised = 0

    package init() {}
}
