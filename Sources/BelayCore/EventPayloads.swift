/// An alias is given, moved or removed.
package struct AliasMove: Hashable, Codable, Sendable {
    package let model: ModelName
    package let alias: AliasName
    /// Nil when there was no such alias.
    package let from: VersionNumber?
    /// Nil removes it.
    package let to: VersionNumber?

    package init(model: ModelName, alias: AliasName, from: VersionNumber?, to: VersionNumber?) {
        self.model = model
        self.alias = alias
        self.from = from
        self.to = to
    }
}

/// The outcomes of all gates of a release.
package struct GateResult: Hashable, Codable, Sendable {
    package let release: ReleaseID
    package let gates: [GateReport]

    package init(release: ReleaseID, gates: [GateReport]) {
        self.release = release
        self.gates = gates
    }
}

/// A release's share rises, on the verdicts that allowed it (none at the first step).
package struct StepEntry: Hashable, Codable, Sendable {
    package let release: ReleaseID
    package let step: Int
    /// Nil in entries of 0.1, which knew only canary steps.
    package let kind: Plan.Step.Kind?
    package let share: Share
    package let guards: [GuardReport]

    package init(
        release: ReleaseID,
        step: Int,
        kind: Plan.Step.Kind = .canary,
        share: Share,
        guards: [GuardReport]
    ) {
        self.release = release
        self.step = step
        self.kind = kind
        self.share = share
        self.guards = guards
    }
}

/// A release has done its last step, on these verdicts, and waits for a person.
package struct StepsDone: Hashable, Codable, Sendable {
    package let release: ReleaseID
    package let guards: [GuardReport]

    package init(release: ReleaseID, guards: [GuardReport]) {
        self.release = release
        self.guards = guards
    }
}

/// An endpoint's standing shadow begins, becomes another, or ends.
package struct ShadowChange: Hashable, Codable, Sendable {
    package let endpoint: EndpointID
    /// Nil ends it.
    package let shadow: StandingShadow?

    package init(endpoint: EndpointID, shadow: StandingShadow?) {
        self.endpoint = endpoint
        self.shadow = shadow
    }
}

/// The candidate becomes stable; a person may have left out some of its steps.
package struct Promotion: Hashable, Codable, Sendable {
    package let release: ReleaseID
    package let guards: [GuardReport]
    package let skippedSteps: Int

    enum CodingKeys: String, CodingKey {
        case release, guards
        case skippedSteps = "skipped_steps"
    }

    package init(release: ReleaseID, guards: [GuardReport], skippedSteps: Int) {
        self.release = release
        self.guards = guards
        self.skippedSteps = skippedSteps
    }
}

/// A version is taken out and another put back.
package struct Rollback: Hashable, Codable, Sendable {
    package let endpoint: EndpointID
    /// The release that ends by this; nil when its version had settled.
    package let release: ReleaseID?
    package let from: VersionNumber
    /// Nil when a first release is taken back before anything served.
    package let to: VersionNumber?
    package let cause: RollbackCause
    /// Every version considered, in order, and why it was or was not taken.
    package let selection: [Considered]

    package init(
        endpoint: EndpointID,
        release: ReleaseID?,
        from: VersionNumber,
        to: VersionNumber?,
        cause: RollbackCause,
        selection: [Considered]
    ) {
        self.endpoint = endpoint
        self.release = release
        self.from = from
        self.to = to
        self.cause = cause
        self.selection = selection
    }
}

/// A version that a rollback could have gone back to.
package struct Considered: Hashable, Codable, Sendable {
    package let version: VersionNumber
    package let taken: Bool
    package let why: String

    package init(version: VersionNumber, taken: Bool, why: String) {
        self.version = version
        self.taken = taken
        self.why = why
    }
}

/// The proof that a rollback is over.
package struct FenceRecord: Hashable, Codable, Sendable {
    package let endpoint: EndpointID
    package let release: ReleaseID?
    package let receipt: Receipt

    package init(endpoint: EndpointID, release: ReleaseID?, receipt: Receipt) {
        self.endpoint = endpoint
        self.release = release
        self.receipt = receipt
    }
}

/// Bytes that may not serve again until a person clears them.
package struct Quarantine: Hashable, Codable, Sendable {
    package let version: VersionID
    package let digest: Digest

    package init(version: VersionID, digest: Digest) {
        self.version = version
        self.digest = digest
    }
}

/// Which program opened the ledger.
package struct ServerStart: Hashable, Codable, Sendable {
    package let belay: String
    package let process: Int

    package init(belay: String, process: Int) {
        self.belay = belay
        self.process = process
    }
}

/// What was logged about somebody was blanked; who asked for it stands in the entry, and whom it was about
/// stands nowhere.
package struct Erasure: Hashable, Codable, Sendable {
    package let model: ModelName
    package let answers: Int
    package let labels: Int
    /// SHA-256 over a random salt and the subject.
    ///
    /// The salt is told once, to whoever asked, so that they can prove what this entry was about; without it
    /// nothing can be learnt by trying out names.
    package let commitment: Digest

    package init(model: ModelName, answers: Int, labels: Int, commitment: Digest) {
        self.model = model
        self.answers = answers
        self.labels = labels
        self.commitment = commitment
    }
}
