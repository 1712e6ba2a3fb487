package import BelayCore

/// What a label says about its answer.
package enum LabelKind: String, Codable, CaseIterable, Sendable {
    /// What truly happened: the customer did default.
    case outcome
    /// What a person thought of the answer.
    case feedback
    /// What the answer should have been, known in advance.
    case expected
    /// What a person put in the answer's place; it outranks the other truths.
    case corrected

    /// Whether it can be compared with the prediction, which an opinion cannot.
    package var isTruth: Bool { self != .feedback }
}

/// The answer that a label speaks of, as the inference log knows it.
package struct LabelledAnswer: Equatable, Sendable {
    package let version: VersionNumber
    package let at: Timestamp
    package let arm: Arm
    /// What the label is evidence for; nil when it is evidence for nothing.
    package let release: ReleaseID?
    /// The arm of that release that it counts for: not the one that answered when stable answered long after
    /// the release that it came with.
    package let side: Arm
    /// The candidate's probability when the request was routed; none or all when no coin was tossed.
    package let share: Share
    package let unit: UnitHash?
    /// The evidence epochs of the release that it may have been given in: in each, units are tossed anew.
    package let epochs: ClosedRange<Int>

    package init(
        version: VersionNumber,
        at: Timestamp,
        arm: Arm,
        release: ReleaseID?,
        side: Arm? = nil,
        share: Share,
        unit: UnitHash?,
        epochs: ClosedRange<Int> = 0...0
    ) {
        self.version = version
        self.at = at
        self.arm = arm
        self.release = release
        self.side = side ?? arm
        self.share = share
        self.unit = unit
        self.epochs = epochs
    }
}

/// What a label shows in one series.
package struct LabelOutcome: Equatable, Sendable {
    package let series: Series
    package let code: Int
    /// The slices of the request that guards on this series look at.
    package let slices: [RequestSlice]

    package init(series: Series, code: Int, slices: [RequestSlice] = []) {
        self.series = series
        self.code = code
        self.slices = slices
    }
}

/// What somebody said about one answer, before that is joined with the answer.
package struct LabelStatement: Equatable, Sendable {
    /// The id of the answer's request.
    package let id: String
    package let model: ModelName
    package let kind: LabelKind
    /// Canonical JSON, so that equal values are equal texts.
    package let value: String
    /// When the truth was known, if the sender said so.
    package let at: Timestamp?
    package let receivedAt: Timestamp
    /// Who says so: a system, a person, a team.
    package var source: String?
    /// What is assessed, where several things are (`assessment_name` in MLflow).
    package var name: String?
    /// Free text; kept for people, and erased with the answer.
    package var note: String?
    /// A draft is kept, and is no evidence until it is said again as final.
    package var isFinal: Bool
    /// Kept as it was sent; nothing is computed from it.
    package var weight: Double?
    /// Whether the value came from a table, where `1` may be a number or a text: the prediction decides.
    package var isTabular: Bool
    /// Whether feedback is a score whatever its value; else 0, 1 and their like are thumbs.
    package var isScore: Bool

    package init(
        id: String,
        model: ModelName,
        kind: LabelKind,
        value: String,
        at: Timestamp?,
        receivedAt: Timestamp,
        source: String? = nil,
        name: String? = nil,
        note: String? = nil,
        isFinal: Bool = true,
        weight: Double? = nil,
        isTabular: Bool = false,
        isScore: Bool = false
    ) {
        self.id = id
        self.model = model
        self.kind = kind
        self.value = value
        self.at = at
        self.receivedAt = receivedAt
        self.source = source
        self.name = name
        self.note = note
        self.isFinal = isFinal
        self.weight = weight
        self.isTabular = isTabular
        self.isScore = isScore
    }
}

/// A statement, joined with what the inference log knows of its answer.
package struct LabelRecord: Equatable, Sendable {
    package let statement: LabelStatement
    /// Nil while the answer is unknown.
    package let answer: LabelledAnswer?
    /// What it shows, were it to count; empty when it can be evidence for nothing.
    package let outcomes: [LabelOutcome]
    /// Whether the answer disagreed with the label; nil when the two cannot be compared.
    package let wrong: Bool?

    package init(
        _ statement: LabelStatement,
        answer: LabelledAnswer?,
        outcomes: [LabelOutcome] = [],
        wrong: Bool? = nil
    ) {
        self.statement = statement
        self.answer = answer
        self.outcomes = outcomes
        self.wrong = wrong
    }

    /// What of an answer can be counted once.
    var line: LabelLine {
        guard statement.kind == .feedback else { return .truth }
        return outcomes.contains { $0.series == .score } ? .score : .flags
    }
}

/// Kinds of evidence that one answer, and one unit, give independently of each other.
struct LabelLine: OptionSet, Hashable {
    let rawValue: Int
    static let truth = LabelLine(rawValue: 1)
    static let flags = LabelLine(rawValue: 2)
    static let score = LabelLine(rawValue: 4)
    /// That there is a label at all.
    static let labelled = LabelLine(rawValue: 8)
}
