package import BelayCore

/// Whether a version that serves, or could serve again, answers its golden request as it once did.
package struct StandbyHealth: Equatable, Sendable {
    package enum Standing: Equatable, Sendable {
        /// Nothing is known yet: it is being loaded or asked.
        case probing
        /// It answers, and as it did when it became stable.
        case ready
        /// It answers otherwise than it did; how, as a sentence.
        case differs(String)
        /// It does not load, does not answer, or not in time; why, as a sentence.
        case failing(String)

        /// `probing`, `ready`, `differs` or `failing`.
        package var name: String {
            switch self {
            case .probing: "probing"
            case .ready: "ready"
            case .differs: "differs"
            case .failing: "failing"
            }
        }

        /// What is wrong; nil while nothing is known to be.
        package var reason: String? {
            switch self {
            case .probing, .ready: nil
            case .differs(let reason), .failing(let reason): reason
            }
        }
    }

    /// What it was asked.
    package enum Question: String, Codable, Sendable {
        /// The request in the version's own `golden.json`.
        case example
        /// Made up in the shape of the signature; a version that always refused it is ready all the same.
        case madeUp = "made_up"
    }

    package let version: VersionID
    package let standing: Standing
    /// How long the newest answer took: what a caller would wait for it; nil before the first.
    package let takeoverMicroseconds: Int64?
    package let checkedAt: Timestamp?
    package let question: Question?

    package init(
        version: VersionID,
        standing: Standing,
        takeoverMicroseconds: Int64?,
        checkedAt: Timestamp?,
        question: Question?
    ) {
        self.version = version
        self.standing = standing
        self.takeoverMicroseconds = takeoverMicroseconds
        self.checkedAt = checkedAt
        self.question = question
    }

    package var isReady: Bool { standing == .ready }
}
