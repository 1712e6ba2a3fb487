/// What went wrong, told to the person who must act on it.
///
/// Every error that can reach a user conforms to ``Explainable``. The command line and the HTTP layer each
/// render an explanation in one place; nothing else writes error prose.
package struct Explanation: Equatable, Sendable {
    /// Stable, greppable, listed in `docs/errors.md`: `release.in-progress`.
    package let code: String
    /// One sentence, past tense, naming the thing: what happened and why.
    package let summary: String
    /// One imperative sentence: what to do next.
    package let remedy: String

    package init(code: String, summary: String, remedy: String) {
        self.code = code
        self.summary = summary
        self.remedy = remedy
    }
}

/// An error that can say what a person should do about it.
package protocol Explainable: Error {
    var explanation: Explanation { get }
    /// Which kind of failure this is; decides the HTTP status and the exit code.
    var category: FailureCategory { get }
}

/// The kinds of failure that surfaces tell apart (exit codes and HTTP statuses are tables over this).
package enum FailureCategory: String, Sendable, CaseIterable {
    /// The request itself is wrong.
    case invalid
    /// The thing named does not exist.
    case notFound
    /// Another release, a quarantine or a moved head is in the way.
    case conflict
    /// What the request was decided on is not so any more.
    case changed
    /// A check refused it before any live request was at risk.
    case refused
    /// The policy file is wrong.
    case badPolicy
    /// More than a limit allows.
    case tooLarge
    /// Not now; the same request may succeed later.
    case unavailable
    /// Nothing good to go back to, or what serves is unknown.
    case unsafe
    /// Everything else.
    case failed
}
