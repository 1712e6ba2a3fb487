import BelayCore
import Testing

@testable import BelayGateway

@Suite struct ExchangeTests {
    private static let onTrial = route(stable: 1, candidate: 2)

    private func exchange(_ arm: Arm) -> Exchange {
        let trial = Assignment.Trial(release: release, share: half, isCounted: true)
        let assignment = Assignment(
            arm: arm,
            version: version(arm == .stable ? 1 : 2),
            trial: arm == .pinned ? nil : trial,
            stickyUnit: nil
        )
        return Exchange(model: fraud, assignment: assignment)
    }

    private func attempt(_ number: Int, _ value: Int, _ arm: Arm) -> Exchange.Attempt {
        let role = Exchange.Role(rawValue: arm.rawValue) ?? .pinned
        return Exchange.Attempt(number: number, version: version(value), role: role)
    }

    static let failures: [Exchange.Failure] = [
        .notLoaded, .overloaded, .tripped, .timedOut(milliseconds: 5), .erred("why"), .invalidOutput("NaN"),
    ]

    @Test(arguments: Arm.allCases)
    func anAnswerLeavesAndIsGoodForTheArmThatWasTossed(arm: Arm) {
        var exchange = exchange(arm)
        let asked = attempt(1, arm == .stable ? 1 : 2, arm)
        #expect(exchange.attempt == asked)
        let step = exchange.apply(.ended(attempt: 1, .answered), route: Self.onTrial)
        #expect(step.action == .answer(asked))
        #expect(step.charge == (arm == .pinned ? nil : Charge(arm: arm, verdict: .good)))
        #expect(exchange.attempt == nil)
    }

    @Test(arguments: failures)
    func aFailingCandidateIsChargedOnceAndStableIsAsked(failure: Exchange.Failure) {
        var exchange = exchange(.candidate)
        let step = exchange.apply(.ended(attempt: 1, .failed(failure)), route: Self.onTrial)
        #expect(step.action == .run(attempt(2, 1, .stable)))
        #expect(step.charge == Charge(arm: .candidate, verdict: .bad(failure)))
        #expect(exchange.fallback == "candidate=\(failure.reason)")
        var failing = exchange
        #expect(
            exchange.apply(.ended(attempt: 2, .answered), route: Self.onTrial)
                == Exchange.Step(.answer(attempt(2, 1, .stable)), nil)
        )
        #expect(
            failing.apply(.ended(attempt: 2, .failed(failure)), route: Self.onTrial)
                == Exchange.Step(.reject(failure.rejection(of: fraudVersion(1))), nil)
        )
    }

    @Test(arguments: failures)
    func aFailingStableOrPinnedVersionHasNobodyBehindIt(failure: Exchange.Failure) {
        var stable = exchange(.stable)
        #expect(
            stable.apply(.ended(attempt: 1, .failed(failure)), route: Self.onTrial)
                == Exchange.Step(
                    .reject(failure.rejection(of: fraudVersion(1))),
                    Charge(arm: .stable, verdict: .bad(failure))
                )
        )
        var pinned = exchange(.pinned)
        #expect(
            pinned.apply(.ended(attempt: 1, .failed(failure)), route: Self.onTrial)
                == Exchange.Step(.reject(failure.rejection(of: fraudVersion(2))), nil)
        )
    }

    /// It leaves them the time for it; whoever comes last has none to leave.
    @Test func aStableThatHangsIsFollowedByOneStandby() {
        let route = route(stable: 1, standbys: [3, 4])
        var exchange = exchange(.stable)
        let late = Exchange.Failure.timedOut(milliseconds: 5)
        let second = Exchange.Attempt(number: 2, version: version(3), role: .standby)
        let first = exchange.apply(.ended(attempt: 1, .failed(late)), route: route) { true }
        #expect(first.action == .run(second))
        #expect(
            exchange.apply(.ended(attempt: 2, .failed(late)), route: route) { true }.action
                == .reject(late.rejection(of: fraudVersion(1)))
        )
    }

    /// A second try costs from the budget, a first one does not.
    @Test(arguments: failures)
    func aStandbyIsAskedWithoutABudgetWhereStableWasNotRun(failure: Exchange.Failure) {
        var exchange = exchange(.stable)
        let second = Exchange.Attempt(number: 2, version: version(3), role: .standby)
        let step = exchange.apply(
            .ended(attempt: 1, .failed(failure)),
            route: route(stable: 1, standbys: [3])
        ) {
            false
        }
        #expect((step.action == .run(second)) == [.tripped, .notLoaded].contains(failure))
    }

    /// Without the holdback they were there anyway.
    @Test(arguments: failures)
    func whatAHoldbackKeptFromWhatServesComesToItWithoutABudget(failure: Exchange.Failure) {
        let route = route(stable: 1, candidate: 2, standbys: [2, 3])
        var exchange = exchange(.stable)
        let second = Exchange.Attempt(number: 2, version: version(2), role: .standby)
        let step = exchange.apply(.ended(attempt: 1, .failed(failure)), route: route) { false }
        #expect(step == Exchange.Step(.run(second), Charge(arm: .stable, verdict: .bad(failure))))
        let end = exchange.apply(.ended(attempt: 2, .failed(failure)), route: route) { false }
        #expect(end.charge == nil)
        #expect((end.action == .reject(failure.rejection(of: fraudVersion(1)))) == !failure.isUntried)
        var candidate = self.exchange(.candidate)
        _ = candidate.apply(.ended(attempt: 1, .failed(failure)), route: route) { true }
        let third = candidate.apply(.ended(attempt: 2, .failed(.erred("why"))), route: route) { true }
        #expect(third.action == .run(Exchange.Attempt(number: 3, version: version(3), role: .standby)))
    }

    @Test func aCallersOwnHurryIsChargedToNobody() {
        let failure = Exchange.Failure.outOfPatience(milliseconds: 3)
        var candidate = exchange(.candidate)
        let step = candidate.apply(.ended(attempt: 1, .failed(failure)), route: Self.onTrial)
        #expect(step == Exchange.Step(.run(attempt(2, 1, .stable)), nil))
        var stable = exchange(.stable)
        #expect(
            stable.apply(.ended(attempt: 1, .failed(failure)), route: Self.onTrial)
                == Exchange.Step(.reject(.tooLate(fraud, milliseconds: 3)), nil)
        )
    }

    @Test(arguments: Arm.allCases)
    func theCallersOwnFaultIsChargedToNobody(arm: Arm) {
        var exchange = exchange(arm)
        #expect(
            exchange.apply(.ended(attempt: 1, .objected(.mismatch("no"))), route: Self.onTrial)
                == Exchange.Step(.reject(.mismatch("no")), nil)
        )
    }

    @Test func everyOutcomeOfAWithdrawnVersionIsThrownAwayUncharged() {
        let after = route(stable: 1, withdrawn: [2])
        let outcomes = Self.failures.map(Exchange.Outcome.failed) + [.answered, .objected(.mismatch("no"))]
        for event in outcomes.map({ Exchange.Event.ended(attempt: 1, $0) }) + [.rerouted] {
            var candidate = exchange(.candidate)
            #expect(
                candidate.apply(event, route: after) == Exchange.Step(.run(attempt(2, 1, .stable)), nil)
            )
            #expect(candidate.fallback == "candidate=withdrawn")
            #expect(
                candidate.apply(.ended(attempt: 2, .answered), route: after)
                    == Exchange.Step(.answer(attempt(2, 1, .stable)), nil)
            )
            var pinned = exchange(.pinned)
            #expect(
                pinned.apply(event, route: after) == Exchange.Step(.reject(.withdrawn(fraudVersion(2))), nil)
            )
        }
    }

    @Test func whatAFormerAttemptStillSaysIsNotHeard() {
        let after = route(stable: 1, withdrawn: [2])
        var exchange = exchange(.candidate)
        _ = exchange.apply(.rerouted, route: after)
        #expect(exchange.apply(.ended(attempt: 1, .answered), route: after) == .wait)
        #expect(exchange.attempt == attempt(2, 1, .stable))
    }

    @Test func aTableThatStillAllowsTheVersionDisturbsNothing() {
        var candidate = exchange(.candidate)
        #expect(candidate.apply(.rerouted, route: route(stable: 2, standbys: [1])) == .wait)
        #expect(candidate.replays == 0)
    }

    @Test func repeatedWithdrawalsEndAfterThreeReplays() {
        var exchange = exchange(.stable)
        for round in 1...3 {
            let step = exchange.apply(.rerouted, route: route(stable: round + 1, withdrawn: [round]))
            #expect(step.action == .run(attempt(round + 1, round + 1, .stable)))
        }
        #expect(
            exchange.apply(.rerouted, route: route(stable: 5, withdrawn: [4]))
                == Exchange.Step(.reject(.rerouted(fraud, times: 3)), nil)
        )
    }

    @Test func withoutAnybodyLeftTheCallerIsAskedToComeBack() {
        for route in [nil, route(stable: nil, withdrawn: [2]), route(stable: 1, withdrawn: [1, 2])] {
            var exchange = exchange(.candidate)
            #expect(
                exchange.apply(.rerouted, route: route) == Exchange.Step(.reject(.nothingServes(fraud)), nil)
            )
        }
    }

    @Test func afterTheEndNothingHappensAnyMore() {
        var exchange = exchange(.stable)
        _ = exchange.apply(.ended(attempt: 1, .answered), route: Self.onTrial)
        for event in [
            Exchange.Event.rerouted, .ended(attempt: 1, .answered), .ended(attempt: 2, .failed(.overloaded)),
        ] {
            #expect(exchange.apply(event, route: nil) == .wait)
        }
    }
}

extension Exchange {
    /// With nothing to spend on second tries.
    fileprivate mutating func apply(_ event: Event, route: Route?) -> Step {
        apply(event, route: route) { false }
    }
}
