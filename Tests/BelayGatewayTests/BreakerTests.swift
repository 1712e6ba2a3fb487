import BelayCore
import BelayInference
import NIOCore
import NIOPosix
import Testing

@testable import BelayGateway

@Suite struct CircuitBreakerTests {
    private func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds + 1) }

    /// Opens it at the second given, from closed.
    private func opened(at seconds: Int64) -> CircuitBreaker {
        var breaker = CircuitBreaker()
        for _ in 1..<CircuitBreaker.consecutive { #expect(breaker.failed(at: at(seconds)) == .nothing) }
        #expect(breaker.failed(at: at(seconds)) == .opened)
        return breaker
    }

    @Test func aVersionIsBlamedOnlyWhereAnotherAnswersOrThereIsNone() throws {
        let model = try #require(ModelName("fraud"))
        let failed = Exchange.Outcome.failed(.erred("negative"))
        let attempt = Exchange.Attempt(number: 2, version: .first, role: .standby)
        let end = Exchange.Action.reject(.nothingServes(model))
        func fault(_ failures: Int, _ outcome: Exchange.Outcome, _ action: Exchange.Action, others: Bool)
            -> InferenceCall.Fault?
        {
            InferenceCall.Fault(of: failures, after: outcome, action, hasOthers: others)
        }
        #expect(fault(1, failed, .run(attempt), others: true) == nil)
        #expect(fault(1, .answered, .answer(attempt), others: true) == .versions)
        #expect(fault(2, .answered, .answer(attempt), others: true) == .versions)
        #expect(fault(1, failed, end, others: false) == .versions)
        #expect(fault(2, failed, end, others: true) == .requestsOrUnknown)
        #expect(fault(1, failed, end, others: true) == .requestsOrUnknown, "no second try was left")
        #expect(fault(1, .objected(.nothingServes(model)), end, others: false) == .requestsOrUnknown)
    }

    @Test func itOpensAfterFailuresInARowAndLetsOneThroughAfterAWhile() {
        var breaker = opened(at: 0)
        #expect(breaker.admits(at: at(4)) == false)
        #expect(breaker.admits(at: at(5)) == true)
        #expect(breaker.admits(at: at(5)) == false)
        breaker.succeeded(at: at(5))
        for _ in 2...CircuitBreaker.successesToClose {
            #expect(breaker.admits(at: at(6)) == true)
            #expect(breaker.admits(at: at(6)) == false)
            breaker.succeeded(at: at(6))
        }
        #expect(breaker.state == .closed)
    }

    @Test func failingAgainWithinAMinuteIsARelapseAndKeepsItOpenLonger() {
        var breaker = opened(at: 0)
        #expect(breaker.admits(at: at(5)) == true)
        #expect(breaker.failed(at: at(5)) == .openedAgain)
        #expect(breaker.admits(at: at(14)) == false)
        #expect(breaker.admits(at: at(15)) == true)
    }

    @Test func failingAgainMuchLaterIsNone() {
        var breaker = opened(at: 0)
        #expect(breaker.admits(at: at(100)) == true)
        #expect(breaker.failed(at: at(100)) == .opened)
    }

    @Test func aProbeThatSaysNothingLetsAnotherThrough() {
        var breaker = opened(at: 0)
        #expect(breaker.admits(at: at(5)) == true)
        breaker.forget(begun: at(5))
        #expect(breaker.admits(at: at(5)) == true)
    }

    /// One that hangs for longer than the pause ends while a single one finds out.
    @Test func whatWasBegunBeforeItOpenedIsNoRelapseAndNoRecovery() {
        var breaker = opened(at: 0)
        #expect(breaker.admits(at: at(5)) == true)
        #expect(breaker.failed(at: at(6), begun: at(0)) == .nothing)
        for _ in 0..<CircuitBreaker.successesToClose { breaker.succeeded(at: at(6), begun: at(0)) }
        breaker.forget(begun: at(0))
        #expect(breaker.admits(at: at(6)) == false, "the one that was let through is still out")
        #expect(breaker.failed(at: at(7), begun: at(5)) == .openedAgain)
    }

    /// Loops look at the clock at different times.
    @Test func whoIsLetThroughIsHeardThoughBegunBeforeTheLast() {
        var breaker = opened(at: 0)
        #expect(breaker.admits(at: at(7)) == true)
        breaker.succeeded(at: at(7), begun: at(7))
        #expect(breaker.admits(at: at(6)) == true)
        breaker.succeeded(at: at(8), begun: at(6))
        #expect(breaker.admits(at: at(8)) == true)
        breaker.succeeded(at: at(8), begun: at(8))
        #expect(breaker.state == .closed)
    }

    @Test func halfOfManyFailingOpensItToo() {
        var breaker = CircuitBreaker()
        var changes: [CircuitBreaker.Change] = []
        for _ in 0..<CircuitBreaker.fewest {
            breaker.succeeded(at: at(1))
            changes.append(breaker.failed(at: at(1)))
        }
        #expect(changes.contains(.opened))
        var healthy = CircuitBreaker()
        for number in 0..<100 {
            if number.isMultiple(of: 3) {
                #expect(healthy.failed(at: at(1)) == .nothing)
            } else {
                healthy.succeeded(at: at(1))
            }
        }
    }

    @Test func oneFailureInTwentyIsTroubleForAWhileWhateverTheState() {
        var breaker = CircuitBreaker()
        for _ in 0..<19 { breaker.succeeded(at: at(0)) }
        #expect(!breaker.isTroubled(at: at(0)))
        _ = breaker.failed(at: at(0))
        #expect(breaker.isTroubled(at: at(9)))
        #expect(!breaker.isTroubled(at: at(11)))
        // Nobody heeds the breaker of a chain's last version, so it stays open: its runs count all the same.
        for _ in 0..<CircuitBreaker.consecutive { _ = breaker.failed(at: at(30)) }
        for _ in 0..<20 { _ = breaker.failed(at: at(31)) }
        #expect(breaker.isTroubled(at: at(32)))
        for _ in 0..<100 { breaker.succeeded(at: at(50)) }
        #expect(!breaker.isTroubled(at: at(50)))
    }

    @Test func theLastOfAChainIsAskedWhateverItsBreakerSays() {
        for hasMore in [false, true] {
            #expect(Exchange.Role.candidate.heedsBreaker(hasMore: hasMore))
            #expect(Exchange.Role.stable.heedsBreaker(hasMore: hasMore) == hasMore)
        }
    }

    /// Without a standby its breaker keeps nobody out, and must not say for ever that it is open.
    @Test func theLastOfAChainClosesByGoodAnswersOnceItsPauseIsOver() {
        var breaker = CircuitBreaker()
        let start = NIODeadline.uptimeNanoseconds(0) + .seconds(100)
        for _ in 0..<CircuitBreaker.consecutive { _ = breaker.failed(at: start) }
        for _ in 0..<10 { breaker.succeeded(at: start) }
        #expect(breaker.state != .closed)
        let later = start + CircuitBreaker.shortest
        for _ in 1..<CircuitBreaker.successesToClose { breaker.succeeded(at: later) }
        #expect(breaker.failed(at: later) == .nothing)
        for _ in 1..<CircuitBreaker.successesToClose { breaker.succeeded(at: later) }
        #expect(breaker.state != .closed)
        breaker.succeeded(at: later)
        #expect(breaker.state == .closed)
    }

    @Test func oldOutcomesAreForgotten() {
        var breaker = CircuitBreaker()
        for _ in 0..<4 { _ = breaker.failed(at: at(0)) }
        breaker.succeeded(at: at(0))
        for _ in 0..<4 { _ = breaker.failed(at: at(0)) }
        breaker.succeeded(at: at(20))
        for _ in 0..<4 { #expect(breaker.failed(at: at(20)) == .nothing) }
    }
}

/// Outcomes of requests that take no time.
extension CircuitBreaker {
    fileprivate mutating func failed(at now: NIODeadline) -> Change { failed(at: now, begun: now) }

    fileprivate mutating func succeeded(at now: NIODeadline) { succeeded(at: now, begun: now) }
}

extension Lane {
    fileprivate func note(_ outcome: Outcome, at now: NIODeadline) -> CircuitBreaker.Change {
        note(outcome, at: now, begun: now)
    }
}

@Suite struct LaneTests {
    private func job(at moment: NIODeadline) -> Job {
        Job(
            question: Question(
                body: Array(question.utf8),
                form: .inference(headerLength: nil),
                coding: nil,
                bodyLimit: 1 << 20,
                budget: BodyBudget(bytes: 0),
                held: 0
            ),
            purpose: .answer(accepting: nil, keepsOutputs: false),
            cancellation: Cancellation(),
            submitted: moment,
            eventLoop: MultiThreadedEventLoopGroup.singleton.any(),
            observer: nil
        ) { _ in }
    }

    private func lane() throws -> Lane {
        let limits = Lane.Limits(threads: 1, waiting: 10)
        return Lane(version: fraudVersion(1), instance: try constant(1), limits: limits)
    }

    @Test func whoDoesNotHeedTheBreakerTakesNobodysTurn() throws {
        let lane = try lane()
        let now = NIODeadline.now()
        for _ in 0..<CircuitBreaker.consecutive { _ = lane.note(.bad, at: now) }
        let later = now + CircuitBreaker.shortest
        #expect(lane.submit(job(at: now), patience: .seconds(1), heedsBreaker: true) == .tripped)
        #expect(lane.submit(job(at: later), patience: .seconds(1), heedsBreaker: false) == nil)
        #expect(lane.submit(job(at: later), patience: .seconds(1), heedsBreaker: true) == nil)
        #expect(lane.submit(job(at: later), patience: .seconds(1), heedsBreaker: true) == .tripped)
    }

    @Test func anIncidentOfBothVersionsDoesNotKeepRequestsFromTheCandidateAlone() throws {
        let (candidate, stable) = (try lane(), try lane())
        let now = NIODeadline.now()
        for _ in 0..<CircuitBreaker.consecutive { _ = candidate.note(.bad, at: now) }
        func refusal(at time: NIODeadline, besides other: Lane?) -> Exchange.Failure? {
            candidate.submit(job(at: time), patience: .seconds(1), heedsBreaker: true, besides: other)
        }
        #expect(refusal(at: now, besides: stable) == .tripped)
        for _ in 0..<CircuitBreaker.fewest { _ = stable.note(.bad, at: now) }
        #expect(refusal(at: now, besides: stable) == nil)
        #expect(refusal(at: now, besides: nil) == .tripped)
        #expect(refusal(at: now + CircuitBreaker.window, besides: stable) == nil, "its own pause is over")
        #expect(refusal(at: now + CircuitBreaker.window, besides: stable) == .tripped, "so is the incident")
    }
}

@Suite struct QuestionTests {
    @Test func whatComesOutOfACompressedBodyIsTakenFromTheBudgetAndGivenBack() throws {
        let body = [UInt8](repeating: 0x20, count: 100_000)
        let packed = try #require(Compression.deflated(body, to: .gzip))
        let budget = BodyBudget(bytes: 150_000)
        func ask() -> Question {
            Question(
                body: packed,
                form: .inference(headerLength: nil),
                coding: .gzip,
                bodyLimit: 1 << 20,
                budget: budget,
                held: 0
            )
        }
        var first: Question? = ask()
        #expect(first?.readBody.isEmpty == true)
        #expect(try first?.inflatedBody() == body)
        #expect(throws: Rejection.busy) { try ask().inflatedBody() }
        first = nil
        #expect(try ask().inflatedBody() == body)
    }

    @Test func aBodyCountsUntilNobodyAsksTheQuestionAnyMore() {
        let budget = BodyBudget(bytes: 8)
        #expect(budget.take(8))
        var question: Question? = Question(
            body: [UInt8](repeating: 0x20, count: 8),
            form: .inference(headerLength: nil),
            coding: nil,
            bodyLimit: 8,
            budget: budget,
            held: 8
        )
        #expect(question?.length == 8)
        #expect(!budget.take(1))
        question = nil
        #expect(budget.take(8))
    }
}

@Suite struct AdmissionTests {
    @Test func theQueueIsAsLongAsTheVersionIsFast() {
        var admission = Admission()
        for _ in 0..<100 { admission.note(cost: .milliseconds(10)) }
        // 2 threads of 10 ms each carry 20 requests in 100 ms.
        #expect(admission.admits(waiting: 18, threads: 2, patience: .milliseconds(100)))
        #expect(!admission.admits(waiting: 20, threads: 2, patience: .milliseconds(100)))
        #expect(admission.admits(waiting: Admission.always - 1, threads: 1, patience: .zero))
    }

    @Test func nothingIsKnownBeforeTheFirstRun() {
        #expect(Admission().admits(waiting: 1000, threads: 1, patience: .zero))
    }
}

@Suite struct RetryBudgetTests {
    @Test func oneRequestInFiveAndTenASecondMayBeTriedAgain() {
        var budget = RetryBudget()
        let now = NIODeadline.uptimeNanoseconds(1_000_000_000)
        for _ in 0..<10 { #expect(budget.take(at: now) == true) }
        #expect(budget.take(at: now) == false)
        for _ in 0..<5 { budget.noteRequest() }
        #expect(budget.take(at: now) == true)
        #expect(budget.take(at: now) == false)
        for _ in 0..<10_000 { budget.noteRequest() }
        var taken = 0
        while budget.take(at: now + .seconds(1)) { taken += 1 }
        #expect(taken == Int(RetryBudget.most))
    }
}

@Suite struct TraceParentTests {
    @Test(arguments: [
        "", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
    ])
    func whatTheRecommendationCallsInvalidIsNone(text: String) { #expect(TraceParent(text) == nil) }

    @Test func aLaterVersionMayHaveMore() {
        let text = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"
        #expect(TraceParent(text)?.trace == "4bf92f3577b34da6a3ce929d0e0e4736")
    }
}
