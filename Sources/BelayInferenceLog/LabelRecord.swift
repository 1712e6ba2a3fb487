package import BelayCore

/// What a label says about its answer.
package enum LabelKind: String, Codable, CaseIterable, Sendable {
    /// What truly happened: the customer did default.
    case outcome
    /// What a person thought of the answer.
    case feedback
    /// What the answer should have been, known in advance.
    case expected
    /// What a person put in the answer's place.
    case corrected
}

/// The truth about one answer, joined with what the inference log knows of that answer.
package struct LabelRecord: Equatable, Sendable {
    /// The id of the answer's request.
    package let id: String
    package let model: ModelName
    package let kind: LabelKind
    /// Canonical JSON, so that equal values are equal texts.
    package let value: String
    /// When the truth was known, if the sender said so.
    package let at: Timestamp?
    package let receivedAt: Timestamp
    /// What answered; nil, like all below, while the answer is unknown.
    package let version: VersionNumber?
    package let release: ReleaseID?
    package let arm: Arm?
    /// The candidate's probability when the request was routed.
    package let share: Share?
    package let unit: UnitHash?
    /// Whether the answer disagreed with the label; nil when the two cannot be compared.
    package let wrong: Bool?

    package init(
        id: String,
        model: ModelName,
        kind: LabelKind,
        value: String,
        at: Timestamp?,
        receivedAt: Timestamp,
        version: VersionNumber?,
        release: ReleaseID?,
        arm: Arm?,
        share: Share?,
        unit: UnitHash?,
        wrong: Bool?
    ) {
        self.id = id
        self.model = model
        self.kind = kind
        self.value = value
        self.at = at
        self.receivedAt = receivedAt
        self.version = version
        self.release = release
        self.arm = arm
        self.share = share
        self.unit = unit
        self.wrong = wrong
    }
}

extension LabelRecord {
    /// What the label adds to the evidence, were it to count; nil when it can be evidence for nothing.
    ///
    /// A pinned request tossed no coin, and an answer that cannot be compared is neither right nor wrong.
    package var evidence: EvidenceKey? {
        guard let release, let arm, arm != .pinned, let share, let wrong else { return nil }
        return EvidenceKey(release: release, metric: .accuracy, arm: arm, share: share, bad: wrong)
    }
}
