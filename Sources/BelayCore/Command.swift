/// What someone wants to happen.
///
/// Whether it may is decided by ``decide(_:by:in:)``.
package enum Command: Equatable, Sendable {
    case register(VersionDraft)
    case release(ReleaseRequest)
    case hold(ReleaseID)
    case resume(ReleaseID)
    case promote(ReleaseID)
    case rollback(RollbackRequest)
    /// The gates of a release have been run.
    case concludeGates(GateResult)
    /// The judge has spoken on a release.
    case rule(ReleaseID, Ruling)
    /// A person overrides guards that are blind or undecided, or that would hold; by their names.
    case waive(ReleaseID, guards: [String])
    /// An epoch of evidence is over.
    case beginEpoch(ReleaseID)
    /// Late labels have changed what the judge says of a release that is over.
    case rejudge(ReleaseID, breached: String, guards: [GuardReport])
    /// The watch over what serves has found something.
    case ruleStable(EndpointID, StableFinding)
    case closeIncident(IncidentID)
    /// Every gateway has left the table that a rollback replaced.
    case recordFence(PendingFence, Receipt)
    case clearQuarantine(VersionID)
    /// Nil removes the alias.
    case moveAlias(AliasName, of: ModelName, to: VersionReference?)
    case allowAutomatic(EndpointID)
    case changePolicy(EndpointID, Policy)
    /// Nil ends the standing shadow.
    case changeShadow(EndpointID, ShadowRequest?)
    case recordStart(ServerStart)
    /// What the inference log kept about somebody is blanked.
    case recordErasure(Erasure)
}

/// Everything needed to start a release; the randomness comes in here and is recorded.
package struct ReleaseRequest: Equatable, Sendable {
    /// Who starts releases: after a rollback only a person may.
    package enum Origin: String, Codable, Sendable {
        case person
        case automatic
    }

    package let endpoint: EndpointID
    package let candidate: VersionReference
    /// Nil takes the stored policy of the model, else the standard one.
    package let policy: Policy?
    package let origin: Origin
    package let salt: Salt
    /// What was measured of stable just before; nil when there was nothing to measure.
    package let profile: StableProfile?
    /// Whether a plan that cannot be decided within its deadline, at the measured traffic, may begin.
    package let allowsUndecidable: Bool

    package init(
        endpoint: EndpointID,
        candidate: VersionReference,
        policy: Policy?,
        origin: Origin,
        salt: Salt,
        profile: StableProfile? = nil,
        allowsUndecidable: Bool = false
    ) {
        self.endpoint = endpoint
        self.candidate = candidate
        self.policy = policy
        self.origin = origin
        self.salt = salt
        self.profile = profile
        self.allowsUndecidable = allowsUndecidable
    }
}

/// Which version shall get copies of an endpoint's requests.
package struct ShadowRequest: Equatable, Sendable {
    package let version: VersionReference
    package let share: Share

    package init(version: VersionReference, share: Share) {
        self.version = version
        self.share = share
    }
}

/// What to go back to, and what has been learnt of the possible targets.
package struct RollbackRequest: Equatable, Sendable {
    package let endpoint: EndpointID
    /// Nil takes the last good version.
    package let to: VersionReference?
    /// Former stables that were tried and did not load, with the reason.
    package let unloadable: [VersionNumber: String]

    package init(endpoint: EndpointID, to: VersionReference?, unloadable: [VersionNumber: String]) {
        self.endpoint = endpoint
        self.to = to
        self.unloadable = unloadable
    }
}

/// Why a command was not carried out: an expected answer, not a failure.
package enum Refusal: Error, Equatable, Sendable {
    case unknownModel(ModelName, near: ModelName?)
    case unknownVersion(ModelName, String)
    case unknownRelease(ReleaseID)
    case labelTaken(VersionLabel, by: VersionID)
    case aliasIsLabel(AliasName, of: VersionID)
    case tooManyAliases(ModelName)
    case quarantined(VersionID)
    case releaseInProgress(ReleaseID, EndpointID)
    case alreadyServing(VersionID)
    case automaticSuspended(EndpointID)
    case policyForAnotherModel(ModelName, expected: ModelName)
    case releaseEnded(ReleaseID)
    case gatesRunning(ReleaseID)
    case standbyNotReady(ReleaseID, VersionID, reason: String)
    case alreadyHeld(ReleaseID)
    case unknownGuard(ReleaseID, String)
    case unknownIncident(IncidentID)
    case unknownName(String, at: String, of: VersionID, known: [String])
    case impossibleFallback(VersionID, StaticAnswer.Fault)
    /// A guard on missing values of an input that no accepted request is without.
    case neverMissing(guardName: String, TensorType, of: VersionID)
    case undecidable(EndpointID, Undecidable)
    case notHeld(ReleaseID)
    case nothingServes(EndpointID)
    case neverServed(VersionID)
    case doesNotLoad(VersionID, reason: String)
    case nothingToGoBackTo(EndpointID, considered: [Considered])
    case notQuarantined(VersionID)
    /// Somebody acts on what they have seen, and an entry came between.
    case changedMeanwhile(EndpointID, by: Int)
}
