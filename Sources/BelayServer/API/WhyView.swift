/// One step of a release's story, as the ledger tells it.
package struct StoryLine: Codable, Equatable, Sendable {
    package let seq: Int
    package let at: String
    package let actor: String
    package let kind: String
    package let text: String
    package let reason: String?

    package init(seq: Int, at: String, actor: String, kind: String, text: String, reason: String?) {
        self.seq = seq
        self.at = at
        self.actor = actor
        self.kind = kind
        self.text = text
        self.reason = reason
    }
}

/// Why a release is where it is: the deciding numbers first, then what was not the cause, then the story.
package struct WhyView: Codable, Equatable, Sendable {
    /// One sentence: `breast-cancer@3 was rolled back to 2 at … by guard accuracy`.
    package let verdict: String
    package let release: ReleaseView
    /// The guard that decided; null when a person did, or nothing has been decided.
    package let decisive: GuardView?
    package let notTheCause: [GuardView]
    package let selection: [String]
    /// Sentences: what is waited for, or what would have decided otherwise.
    package let remarks: [String]
    package let fence: RollbackView?
    package let story: [StoryLine]

    enum CodingKeys: String, CodingKey {
        case verdict, release, decisive, selection, remarks, fence, story
        case notTheCause = "not_the_cause"
    }

    package init(
        verdict: String,
        release: ReleaseView,
        decisive: GuardView?,
        notTheCause: [GuardView],
        selection: [String],
        remarks: [String],
        fence: RollbackView?,
        story: [StoryLine]
    ) {
        self.verdict = verdict
        self.release = release
        self.decisive = decisive
        self.notTheCause = notTheCause
        self.selection = selection
        self.remarks = remarks
        self.fence = fence
        self.story = story
    }
}
