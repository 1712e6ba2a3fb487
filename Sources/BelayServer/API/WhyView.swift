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

/// One thing in which the candidate differs from the version that served.
package struct ChangeView: Codable, Equatable, Sendable {
    /// `input`, `output`, `file`, `metric`, `param` or `label`.
    package let what: String
    package let name: String
    /// Null where only the candidate has it.
    @ExplicitNull package private(set) var from: String?
    /// Null where only the other has it.
    @ExplicitNull package private(set) var to: String?

    package init(what: String, name: String, from: String?, to: String?) {
        self.what = what
        self.name = name
        self.from = from
        self.to = to
    }
}

/// When the evidence crossed the line, found by judging the recorded ticks again.
package struct CrossingView: Codable, Equatable, Sendable {
    package let guardName: String
    /// 1 for the first recorded tick.
    package let tick: Int
    package let at: String
    /// Outcomes of the candidate by then.
    package let n: Int
    package let nStable: Int

    enum CodingKeys: String, CodingKey {
        case guardName = "guard"
        case tick, at, n
        case nStable = "n_stable"
    }

    package init(guardName: String, tick: Int, at: String, n: Int, nStable: Int) {
        self.guardName = guardName
        self.tick = tick
        self.at = at
        self.n = n
        self.nStable = nStable
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
    /// When the guard that decided first crossed its line; null where none did, or the ticks are gone.
    @ExplicitNull package private(set) var crossed: CrossingView?
    /// In what the candidate differs from the version that served.
    package let changed: [ChangeView]
    /// Sentences: what would have decided otherwise.
    package let otherwise: [String]
    package let selection: [String]
    /// Sentences: what is waited for, and what to do about it.
    package let remarks: [String]
    package let fence: RollbackView?
    package let story: [StoryLine]

    enum CodingKeys: String, CodingKey {
        case verdict, release, decisive, crossed, changed, otherwise, selection, remarks, fence, story
        case notTheCause = "not_the_cause"
    }

    package init(
        verdict: String,
        release: ReleaseView,
        decisive: GuardView?,
        notTheCause: [GuardView],
        crossed: CrossingView?,
        changed: [ChangeView],
        otherwise: [String],
        selection: [String],
        remarks: [String],
        fence: RollbackView?,
        story: [StoryLine]
    ) {
        self.verdict = verdict
        self.release = release
        self.decisive = decisive
        self.notTheCause = notTheCause
        self.crossed = crossed
        self.changed = changed
        self.otherwise = otherwise
        self.selection = selection
        self.remarks = remarks
        self.fence = fence
        self.story = story
    }
}
