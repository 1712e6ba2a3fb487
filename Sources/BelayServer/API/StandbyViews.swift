import BelayControl
import BelayCore

/// Whether a version that serves, or could serve again, answers its golden request as it once did.
package struct StandbyView: Codable, Equatable, Sendable {
    package let version: Int
    /// `probing`, `ready`, `differs` or `failing`.
    package let standing: String
    /// What is wrong, as a sentence.
    @ExplicitNull package private(set) var reason: String?
    /// How long the newest answer took: what a caller would wait for it.
    @ExplicitNull package private(set) var takeoverInMilliseconds: Double?
    @ExplicitNull package private(set) var checkedAt: String?
    /// `example`, from the version's own `golden.json`, or `made_up`.
    @ExplicitNull package private(set) var question: String?

    enum CodingKeys: String, CodingKey {
        case version, standing, reason, question
        case takeoverInMilliseconds = "takeover_in_ms"
        case checkedAt = "checked_at"
    }

    package init(
        version: Int,
        standing: String,
        reason: String?,
        takeoverInMilliseconds: Double?,
        checkedAt: String?,
        question: String?
    ) {
        self.version = version
        self.standing = standing
        self.reason = reason
        self.takeoverInMilliseconds = takeoverInMilliseconds
        self.checkedAt = checkedAt
        self.question = question
    }
}

extension StandbyView {
    init(_ health: StandbyHealth) {
        self.init(
            version: health.version.number.value,
            standing: health.standing.name,
            reason: health.standing.reason,
            takeoverInMilliseconds: health.takeoverMicroseconds.map { Double($0) / 1000 },
            checkedAt: health.checkedAt?.description,
            question: health.question?.rawValue
        )
    }
}
