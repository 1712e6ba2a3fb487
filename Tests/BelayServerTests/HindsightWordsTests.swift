import BelayCore
import BelayTesting
import Testing

@testable import BelayServer

/// What judging a release again is said to have shown.
@Suite("Words of hindsight")
struct HindsightWordsTests {
    private static let noon = Timestamp(milliseconds: 1_763_899_200_000)

    private func accuracy(_ reaction: Guard.Reaction) throws -> Guard {
        try #require(
            Guard(
                name: "accuracy",
                metric: .accuracy,
                limit: .againstStable(margin: 0),
                minSamples: nil,
                reaction: reaction
            )
        )
    }

    /// A hundred good answers of each version, and never-events of the candidate.
    private func hindsight(guards: [Guard], invalid: Int = 0) throws -> Hindsight {
        let proposal = Proposal(
            release: ReleaseID(1),
            endpoint: Build.endpoint("fraud"),
            candidate: Build.number(2),
            stable: Build.number(1),
            policy: Build.policy("fraud", steps: [50], minSamples: 50, guards: guards),
            salt: Salt(1)
        )
        var release = Release(proposal: proposal, by: .belay, at: Self.noon, reason: nil)
        try release.apply(.entered(step: 0), at: Self.noon)
        var counts = EvidenceCounts()
        let count = { (metric: Metric, arm: Arm, share: Share, bad: Bool, number: Int) in
            counts.add(
                EvidenceKey(release: release.id, metric: metric, arm: arm, share: share, bad: bad),
                number
            )
        }
        count(.errorRate, .stable, release.share, false, 100)
        count(.errorRate, .candidate, release.share, false, 100)
        if invalid > 0 { count(.invalidOutput, .candidate, .all, true, invalid) }
        let tick = EvidenceTick(
            release: release.id,
            at: Self.noon.advanced(by: .seconds(1)),
            step: 0,
            counts: counts
        )
        return Hindsight(release: release, ticks: [tick])
    }

    @Test func whatEveryPolicyHasIsNotLeftOut() throws {
        let findings = try hindsight(guards: [.errorRate], invalid: 1).findings(decisive: "invalid_output")
        #expect(findings.crossing?.guardName == "invalid_output")
        #expect(
            findings.otherwise == [
                "one invalid_output is too many, whatever else is seen",
                "invalid_output cannot be left out: every policy has it",
            ]
        )
    }

    @Test(arguments: [
        (Guard.Reaction.rollback, ["accuracy"]), (.hold, ["accuracy"]), (.notify, [String]()),
    ])
    func aReplayNamesTheBlindGuardsThatItWaitsFor(reaction: Guard.Reaction, names: [String]) throws {
        let hindsight = try hindsight(guards: [.errorRate, try accuracy(reaction)])
        let policy = hindsight.release.proposal.policy
        let view = CourseView(hindsight.course(under: policy), under: policy)
        #expect(view.rollback == nil && view.hold == nil)
        #expect(view.waitsFor == names)
    }
}
