import BelayCore
import BelayInference
import BelayStore
import BelayTesting
import Testing

@testable import BelayControl

@Suite("Standbys", .timeLimit(.minutes(10)))
struct StandbyTests {
    private let stage: Stage

    /// v2 serves, and v1 is its standby.
    init() async throws {
        stage = Stage(shelf: try Shelf())
        try await stage.serve("fraud", "one")
        try await stage.serve("fraud", "two")
    }

    /// Lets so much time go by that every golden request is due again, and makes a round.
    private func probeAgain() async throws {
        stage.time.advance(by: .seconds(30))
        try await stage.round()
    }

    @Test func whatAnswersAsItDidIsReady() async throws {
        try await probeAgain()
        let known = try #require(await stage.conductor.picture.standbys[Build.endpoint("fraud")])
        #expect(known.map(\.version) == [Build.id("fraud", 2), Build.id("fraud", 1)])
        #expect(known.allSatisfy { $0.isReady && $0.question == .madeUp && $0.checkedAt == stage.time.now })
        #expect(known.allSatisfy { $0.takeoverMicroseconds != nil })
    }

    /// A load and a rollback that load the same version, or a probe beside them, ask it at the same time.
    @Test func whoAsksWhileAnotherAsksGetsTheSameAnswer() async throws {
        stage.runtime.hang("fraud one")
        stage.runtime.answerDoor.close()
        let (conductor, asked) = (stage.conductor, stage.runtime.questions(of: "fraud one"))
        async let first: Void = conductor.probe(Build.id("fraud", 1))
        await stage.runtime.answerDoor.arrival()
        async let second: Void = conductor.probe(Build.id("fraud", 1))
        await stage.clock.advance(by: .zero, pastSleepers: 2)
        stage.runtime.answerDoor.open()
        _ = await (first, second)
        #expect(await stage.health("fraud", 1).isReady)
        #expect(stage.runtime.questions(of: "fraud one") == asked + 1)
    }

    @Test func theAnswerIsKeptWhenTheVersionBecomesStable() async throws {
        #expect(stage.store.golden(of: Build.id("fraud", 1)) != nil)
        #expect(stage.store.golden(of: Build.id("fraud", 2)) != nil)
    }

    @Test(arguments: [
        (Float(1.0000001), "ready"), (1.00001, "differs"), (.nan, "differs"), (-1, "differs"),
        (.infinity, "differs"),
    ])
    func aStandbyThatAnswersOtherwiseIsNotReady(answer: Float, standing: String) async throws {
        stage.runtime.answer(.success(answer), of: "fraud one")
        try await probeAgain()
        #expect(await stage.health("fraud", 1).standing.name == standing)
        #expect(await stage.health("fraud", 2).isReady)
        stage.runtime.answer(.success(1), of: "fraud one")
        try await probeAgain()
        #expect(await stage.health("fraud", 1).isReady, "it is asked again, and as it was then")
    }

    @Test func theFirstAnswerCountsAfterARestartToo() async throws {
        stage.runtime.answer(.success(7), of: "fraud one")
        stage.restart()
        #expect(await stage.health("fraud", 1).standing == .probing)
        try await stage.round()
        #expect(await stage.health("fraud", 1).standing.name == "differs")
    }

    @Test func aVersionThatAnsweredOnceAndErrsNowIsFailing() async throws {
        stage.runtime.answer(.failure(.runFailed(reason: "no memory")), of: "fraud one")
        try await probeAgain()
        guard case .failing(let reason) = await stage.health("fraud", 1).standing else {
            Issue.record("it is not failing")
            return
        }
        #expect(reason.contains("no memory"))
    }

    @Test func aVersionThatAlwaysRefusedWhatWasMadeUpIsReady() async throws {
        stage.runtime.answer(.failure(.runFailed(reason: "not such numbers")), of: "churn one")
        try await stage.serve("churn", "one")
        try await probeAgain()
        #expect(await stage.health("churn", 1).isReady)
    }

    @Test func nobodyIsAskedTwiceWithinThirtySeconds() async throws {
        let before = stage.runtime.questions(of: "fraud one")
        stage.time.advance(by: .seconds(29))
        for _ in 0..<3 { try await stage.round() }
        #expect(stage.runtime.questions(of: "fraud one") == before)
        stage.time.advance(by: .seconds(-3600))
        try await stage.round()
        #expect(
            stage.runtime.questions(of: "fraud one") == before + 1,
            "a clock that went back does not stop it"
        )
    }

    @Test func aQuestionThatHangsIsCutAndBlocksNothingElse() async throws {
        stage.runtime.hang("fraud one")
        stage.runtime.answerDoor.close()
        stage.time.advance(by: .seconds(30))
        let conductor = stage.conductor
        async let hanging: Void = conductor.load()
        await stage.runtime.answerDoor.arrival()
        try await conductor.tick()
        try await stage.serve("churn", "one")
        #expect(await stage.health("churn", 1).isReady)
        await stage.clock.advance(by: .seconds(10))
        try await hanging
        #expect(await stage.health("fraud", 1).standing == .failing("It did not answer in time."))
        let asked = stage.runtime.questions(of: "fraud one")
        try await probeAgain()
        #expect(stage.runtime.questions(of: "fraud one") == asked, "while it hangs it is not asked again")
        #expect(await stage.health("fraud", 1).standing.name == "failing")
        stage.runtime.answerDoor.open()
    }

    @Test func whatDoesNotLoadIsFailingAndSaysWhy() async throws {
        stage.restart()
        stage.runtime.refuseToLoad("fraud one")
        try await stage.round()
        let health = await stage.health("fraud", 1)
        #expect(health.standing.name == "failing")
        #expect(health.standing.reason?.contains("cut short") == true)
        #expect(await stage.health("fraud", 2).isReady)
    }

    @Test func whatCouldNotTakeOverAtOnceIsNamedWithTheReason() async throws {
        try await probeAgain()
        #expect(await stage.conductor.unready == [:])
        stage.runtime.answer(.success(7), of: "fraud one")
        try await probeAgain()
        #expect(await Array(stage.conductor.unready.keys) == [Build.id("fraud", 1)])
        stage.restart()
        #expect(await stage.conductor.unready[Build.id("fraud", 2)] == "it is not loaded")
    }

    @Test func whatIsNoLongerWatchedIsForgotten() async throws {
        try await stage.rollBack("fraud")
        try await stage.round()
        let standbys = await stage.conductor.picture.standbys[Build.endpoint("fraud")]
        #expect(standbys?.map(\.version) == [Build.id("fraud", 1)])
        #expect(await stage.health("fraud", 2).standing == .probing)
    }
}
