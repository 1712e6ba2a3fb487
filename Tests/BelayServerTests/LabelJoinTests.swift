import BelayCore
import BelayInference
import BelayInferenceLog
import BelayTesting
import Testing

@testable import BelayServer

/// What a label of a recorded answer is evidence for.
@Suite("Labels joined with their answers")
struct LabelJoinTests {
    private let fraud = Build.model("fraud")
    private let tenth: Share

    init() throws { tenth = try #require(Share(partsPerMillion: 100_000)) }

    private func answer(
        _ version: Int,
        release: Int?,
        arm: Arm,
        at milliseconds: Int64 = 10_000,
        status: Int = 200,
        fallback: String? = nil
    ) -> AnswerRecord {
        let response =
            #"{"model_name":"fraud","outputs":[{"name":"label","shape":[1],"datatype":"FP32","data":[1]}]}"#
        return AnswerRecord(
            id: "a",
            at: Timestamp(milliseconds: milliseconds),
            model: fraud,
            version: Build.number(version),
            release: release.map { ReleaseID($0) },
            arm: arm,
            share: release == nil ? .none : tenth,
            unit: UnitHash(7),
            latencyMicroseconds: 1,
            status: status,
            fallback: fallback,
            request: [],
            response: Array(response.utf8)
        )
    }

    private func joined(
        _ answer: AnswerRecord,
        in state: State,
        kind: LabelKind = .outcome,
        receivedAt: Int64 = 11_000
    ) throws -> LabelRecord {
        let statement = LabelStatement(
            id: "a",
            model: fraud,
            kind: kind,
            value: "1",
            at: nil,
            receivedAt: Timestamp(milliseconds: receivedAt)
        )
        var join = LabelJoin(state: state)
        return try join.record(statement, value: .number(1), answer: answer)
    }

    private func policy(joinWithin: Int64? = nil, watch: Int64 = 0) throws -> Policy {
        let plain = Build.policy("fraud", watch: watch)
        let labels = Policy.Labels(output: nil, joinWithinMilliseconds: joinWithin)
        return try #require(
            Policy(
                model: plain.model,
                serving: plain.serving,
                plan: plain.plan,
                guards: plain.guards,
                labels: labels,
                rollback: plain.rollback
            )
        )
    }

    /// Version 1 serves by r1, and version 2 is on trial in r2.
    private func trial(_ policy: Policy) throws -> World {
        var world = World()
        try world.serve("fraud", bytes: "one", at: 1000)
        try world.perform(.register(Build.version("fraud", bytes: "two")), at: 2000)
        try world.release("fraud", 2, policy: policy, at: 3000)
        return world
    }

    @Test func anAnswerOfATrialCountsForItsArm() throws {
        let world = try trial(policy())
        let stable = try joined(answer(1, release: 2, arm: .stable), in: world.state)
        #expect(stable.answer?.release == ReleaseID(2) && stable.answer?.side == .stable)
        #expect(stable.answer?.share == tenth && stable.outcomes.first?.code == 0)
    }

    @Test func whatStableAnswersBetweenReleasesCountsForTheReleaseThatItCameWith() throws {
        let world = try trial(policy())
        let record = try joined(answer(1, release: nil, arm: .stable), in: world.state)
        #expect(record.answer?.release == ReleaseID(1) && record.answer?.side == .candidate)
        #expect(record.answer?.share == .all && record.answer?.arm == .stable)
    }

    @Test func answersThatNoCoinChoseAreEvidenceForNobody() throws {
        let world = try trial(policy())
        let fallback = try joined(
            answer(1, release: 2, arm: .stable, fallback: "candidate=timeout"),
            in: world.state
        )
        #expect(fallback.answer?.release == nil && fallback.outcomes.isEmpty && fallback.wrong == false)
        let pinned = try joined(answer(1, release: nil, arm: .pinned), in: world.state)
        #expect(pinned.answer?.release == nil)
        #expect(throws: LabelFault.answerWasAnError("a", 500)) {
            try joined(answer(1, release: 2, arm: .stable, status: 500), in: world.state)
        }
    }

    @Test func aLabelThatComesTooLateIsKeptAndNoEvidence() throws {
        let world = try trial(policy(joinWithin: 5000))
        let record = answer(2, release: 2, arm: .candidate)
        #expect(try joined(record, in: world.state, receivedAt: 15_000).answer?.release == ReleaseID(2))
        let late = try joined(record, in: world.state, receivedAt: 15_001)
        #expect(late.answer?.release == nil && late.outcomes.isEmpty)
    }

    @Test func aReleaseThatIsOverTakesLabelsUntilItsAnswersAreTooOld() throws {
        var world = try trial(policy(joinWithin: 5000))
        try world.rollBack("fraud", at: 20_000)
        let ended = try #require(world.state.releases[ReleaseID(2)])
        #expect(ended.hasEnded)
        let record = try joined(answer(2, release: 2, arm: .candidate), in: world.state)
        #expect(record.answer?.release == ReleaseID(2), "it may show that the rollback was right, or not")
        #expect(world.state.takesLabels(ended, at: Timestamp(milliseconds: 25_000)))
        #expect(!world.state.takesLabels(ended, at: Timestamp(milliseconds: 25_001)))
        let serving = try #require(world.state.releases[ReleaseID(1)])
        #expect(world.state.takesLabels(serving, at: Timestamp(milliseconds: 1 << 50)))
    }

    @Test func nothingIsSaidOfWhatWasErased() throws {
        let world = try trial(policy())
        let plain = answer(1, release: 2, arm: .stable)
        let erased = AnswerRecord(
            id: plain.id,
            at: plain.at,
            model: plain.model,
            version: plain.version,
            release: plain.release,
            arm: plain.arm,
            share: plain.share,
            unit: nil,
            latencyMicroseconds: 1,
            status: 200,
            fallback: nil,
            request: [],
            response: [],
            isErased: true
        )
        for kind in [LabelKind.outcome, .feedback] {
            #expect(throws: LabelFault.answerWasErased("a")) {
                try joined(erased, in: world.state, kind: kind)
            }
        }
    }
}
