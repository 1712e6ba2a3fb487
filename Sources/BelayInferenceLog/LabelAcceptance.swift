package import BelayCore

/// What became of a label.
package enum LabelAcceptance: Equatable, Sendable {
    /// New evidence: the first final label of its line for this answer, and for its unit in the release.
    case evidence
    /// Kept and counted as a sample; but the unit was counted in this release before, or this answer by
    /// another source.
    ///
    /// One unit is one toss of the coin, and a request without a unit is its own.
    case unitCounted
    /// Kept; but evidence for nothing: the answer was counted already, or it was pinned, outside a release,
    /// or too old.
    case kept
    /// Kept; no evidence before it is said again as final.
    case draft
    /// Its answer is not known yet; it is joined when it is.
    case waiting
    /// The same was said before; nothing was kept.
    case repeated
    /// Another value was sent before; the new one is kept as the newer word, and not counted again.
    case revised(from: String)
    /// Kept; but its source has said enough about this release.
    case capped
    /// Not kept: too much has been said about this answer.
    case crowded
    /// Not kept: too many labels wait for their answers.
    case full

    /// Whether the label must be added to the evidence.
    package var counts: Bool { self == .evidence }

    /// Whether the label found its answer, and was kept.
    package var isJoined: Bool {
        switch self {
        case .evidence, .unitCounted, .kept, .draft, .revised, .capped: true
        case .waiting, .repeated, .crowded, .full: false
        }
    }

    /// How it is written in the table.
    var name: String {
        switch self {
        case .evidence: "evidence"
        case .unitCounted: "unit_counted"
        case .kept: "kept"
        case .draft: "draft"
        case .waiting: Self.waitingName
        case .repeated: "repeated"
        case .revised: "revised"
        case .capped: "capped"
        case .crowded: "crowded"
        case .full: "full"
        }
    }

    static let waitingName = "waiting"
}

/// What became of a label, and what it adds to the counts.
package struct LabelReceipt: Equatable, Sendable {
    package let acceptance: LabelAcceptance
    package let evidence: [EvidenceKey]
}

/// The part of a model's answers that one row of its coverage is about.
package struct CoverageKey: Hashable, Sendable {
    package let version: VersionNumber
    package let arm: Arm
    /// Of the answers, in UTC: days since 1970.
    package let day: Int

    package init(version: VersionNumber, arm: Arm, day: Int) {
        self.version = version
        self.arm = arm
        self.day = day
    }

    package init(version: VersionNumber, arm: Arm, at time: Timestamp) {
        self.init(version: version, arm: arm, day: Self.day(of: time))
    }

    package static func day(of time: Timestamp) -> Int {
        let (quotient, remainder) = time.milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
        return Int(clamping: remainder < 0 ? quotient - 1 : quotient)
    }
}

/// How much of some answers is labelled.
package struct LabelCoverage: Equatable, Sendable {
    /// Answers with at least one final label.
    package var labelled = 0
    /// Of these, answers that were compared with a truth.
    package var judged = 0
    /// Of these, answers whose newest truth they disagreed with; a correction outranks the others.
    package var wrong = 0
    /// Labels that changed the value of an earlier one.
    package var revised = 0

    package init(labelled: Int = 0, judged: Int = 0, wrong: Int = 0, revised: Int = 0) {
        self.labelled = labelled
        self.judged = judged
        self.wrong = wrong
        self.revised = revised
    }

    package static func + (one: LabelCoverage, other: LabelCoverage) -> LabelCoverage {
        LabelCoverage(
            labelled: one.labelled + other.labelled,
            judged: one.judged + other.judged,
            wrong: one.wrong + other.wrong,
            revised: one.revised + other.revised
        )
    }
}
