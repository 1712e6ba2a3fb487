import BelayCore
import BelayTesting
import Testing

@Suite("Hindsight: a release judged again")
struct HindsightTests {
    /// Of 25 requests a tick each, stable fails one in every fourth tick, and the candidate eight in each.
    private func hindsight() throws -> Hindsight {
        var trial = try Trial(policy(guards: [.errorRate]))
        var recorded: [EvidenceTick] = []
        for number in 0..<40 {
            trial.wait(.seconds(1))
            let bad = number % 4 == 0 ? 1 : 0
            recorded.append(
                trial.tick([
                    .init(.errorRate, .stable, bad: false, 25 - bad),
                    .init(.errorRate, .stable, bad: true, bad),
                    .init(.errorRate, .candidate, bad: false, 17),
                    .init(.errorRate, .candidate, bad: true, 8),
                ])
            )
        }
        return Hindsight(release: trial.release, ticks: recorded)
    }

    private func policy(guards: [Guard]) -> Policy {
        Build.policy("fraud", steps: [50], minSamples: 1_000_000, guards: guards)
    }

    private func rise(_ margin: Double, reaction: Guard.Reaction = .rollback) throws -> Guard {
        try #require(
            Guard(
                name: "error_rate",
                metric: .errorRate,
                limit: .againstStable(margin: margin),
                minSamples: nil,
                reaction: reaction
            )
        )
    }

    @Test func itsOwnPolicyComesToTheSameTickEachTime() throws {
        let hindsight = try hindsight()
        let policy = hindsight.release.proposal.policy
        let rollback = try #require(hindsight.course(under: policy).rollback)
        #expect(rollback.by == "error_rate")
        #expect(rollback.at == hindsight.ticks[rollback.tick - 1].at)
        #expect(rollback.report?.verdict == .breach)
        #expect(hindsight.course(under: policy).rollback == rollback)
        // One tick fewer is too little.
        let earlier = Hindsight(
            release: hindsight.release,
            ticks: Array(hindsight.ticks.prefix(rollback.tick - 1))
        )
        #expect(earlier.course(under: policy).rollback == nil)
    }

    @Test func aMoreGenerousLimitDecidesLaterOrNotAtAll() throws {
        let hindsight = try hindsight()
        let strict = try #require(hindsight.course(under: policy(guards: [try rise(0)])).rollback)
        let generous = try #require(hindsight.course(under: policy(guards: [try rise(0.1)])).rollback)
        #expect(generous.tick > strict.tick)
        #expect(hindsight.course(under: policy(guards: [try rise(0.9)])).end == nil)
    }

    @Test func aGuardThatHoldsHoldsWhereItWouldHaveRolledBack() throws {
        let course = try hindsight().course(under: policy(guards: [try rise(0, reaction: .hold)]))
        #expect(course.rollback == nil)
        #expect(course.hold?.by == "error_rate")
        #expect(course.last.contains { $0.name == "error_rate" && $0.verdict == .breach })
    }

    @Test func theLimitThatWouldNotHaveBeenCrossedIsTheLeast() throws {
        let hindsight = try hindsight()
        let limit = try #require(hindsight.leastLimit(of: try rise(0)))
        guard case .againstStable(let margin) = limit else {
            Issue.record("\(limit)")
            return
        }
        #expect(hindsight.course(under: policy(guards: [try rise(margin)])).rollback == nil)
        #expect(hindsight.course(under: policy(guards: [try rise(margin * 0.97)])).rollback != nil)
    }

    /// Codes of labels are what the release's own policy made of them.
    @Test func guardsThatNeedOtherLabelsAreNotAsked() throws {
        let hindsight = try hindsight()
        let own = hindsight.release.proposal.policy
        let asking = try #require(
            Policy(
                model: own.model,
                serving: own.serving,
                plan: own.plan,
                guards: [bound("recall", .recall, .againstStable(margin: 0.02))],
                labels: Policy.Labels(output: nil, kind: .binary, positive: "1"),
                rollback: own.rollback,
                notify: own.notify
            )
        )
        #expect(!hindsight.canJudge(by: asking))
        #expect(hindsight.canJudge(by: hindsight.release.proposal.policy))
    }

    @Test func whatEveryGuardSaidLastIsOfTheLastTick() throws {
        let hindsight = try hindsight()
        let generous = policy(guards: [try rise(0.9)])
        let course = hindsight.course(under: generous)
        let all = hindsight.ticks.flatMap { $0.counts.counts }.filter { $0.key.arm == .candidate }
        #expect(course.last.first?.candidateSamples == all.reduce(0) { $0 + $1.value })
    }

    @Test func evidenceThatCameAfterTheEndDecidesNothing() throws {
        let hindsight = try hindsight()
        let late = hindsight.ticks.map {
            EvidenceTick(
                release: $0.release,
                at: $0.at,
                step: hindsight.release.plan.settledStep,
                counts: $0.counts
            )
        }
        let course = Hindsight(release: hindsight.release, ticks: late)
            .course(under: hindsight.release.proposal.policy)
        #expect(course.end == nil)
    }
}
