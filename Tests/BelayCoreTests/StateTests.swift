import BelayCore
import Foundation
import Testing

@Suite("State")
struct StateTests {
    private func entry(_ sequence: Int, _ event: Event) -> Entry {
        Entry(sequence: sequence, draft: EntryDraft(at: noon, actor: ann, reason: nil, event: event))
    }

    @Test func entriesComeInOrderAndNoneIsLeftOut() throws {
        var state = State()
        let created = Event.registry(.modelCreated(fraud))
        for sequence in [0, 2, -1, .max] {
            #expect(throws: ReplayError.outOfOrder(expected: 1, found: sequence)) {
                try state.apply(entry(sequence, created))
            }
        }
        try state.apply(entry(1, created))
        #expect(state.sequence == 1)
        #expect(throws: ReplayError.outOfOrder(expected: 2, found: 1)) { try state.apply(entry(1, created)) }
    }

    /// Entries that other rules, or a lost entry before them, could have left behind.
    private static let strays: [Event] = {
        let release = ReleaseID(3)
        let other = EndpointID(legal(ModelName("churn")), in: .prod)
        func rollback(_ endpoint: EndpointID, _ release: ReleaseID?) -> Event {
            .release(
                .rolledBack(
                    Rollback(
                        endpoint: endpoint,
                        release: release,
                        from: number(3),
                        to: number(2),
                        cause: .request(by: ann),
                        selection: []
                    )
                )
            )
        }
        func shadow(_ endpoint: EndpointID, _ version: Int, _ percent: Double) -> Event {
            let shadow = StandingShadow(version: number(version), share: share(percent: percent))
            return .release(.shadowChanged(ShadowChange(endpoint: endpoint, shadow: shadow)))
        }
        func entered(_ step: Int, percent: Double = 25) -> Event {
            .release(
                .stepEntered(
                    StepEntry(release: release, step: step, share: share(percent: percent), guards: [])
                )
            )
        }
        return [
            .registry(.modelCreated(fraud)),
            .registry(.versionRegistered(Version(id: id(9), draft: draft(9)))),
            .registry(.versionRegistered(Version(id: id(1), draft: draft(9)))),
            .registry(
                .versionRegistered(
                    Version(id: VersionID(other.model, number(1)), draft: draft(9, of: other.model))
                )
            ),
            .release(.proposed(ReleaseProposals.again)), .release(.proposed(ReleaseProposals.second)),
            .release(.refused(passing(release))), .release(.gatesPassed(passing(ReleaseID(9)))),
            entered(0), entered(2), entered(-1), entered(.max),
            .release(.resumed(release)), .release(.held(HoldEntry(release: ReleaseID(1)))),
            .release(.held(HoldEntry(release: ReleaseID(9)))),
            .release(.settled(release)), .release(.settled(ReleaseID(9))),
            .release(.promoted(Promotion(release: ReleaseID(2), guards: [], skippedSteps: 0))),
            rollback(other, nil), rollback(prod, ReleaseID(2)), rollback(prod, ReleaseID(9)),
            rollback(other, release),
            .safety(.cleared(id(9))), .safety(.quarantined(Quarantine(version: id(9), digest: digest(9)))),
            .safety(.quarantined(Quarantine(version: id(1), digest: digest(9)))),
            .safety(.automaticAllowed(other)), .safety(.policyChanged(other, .standard(for: fraud))),
            entered(1, percent: 26),
            .release(
                .stepEntered(
                    StepEntry(
                        release: release,
                        step: 1,
                        kind: .shadow,
                        share: share(percent: 25),
                        guards: []
                    )
                )
            ),
            .release(.stepsDone(StepsDone(release: release, guards: []))),
            .registry(.versionRegistered(Version(id: id(5), draft: draft(1)))),
            .registry(.aliasMoved(AliasMove(model: fraud, alias: champion, from: number(1), to: number(2)))),
            .registry(.aliasMoved(AliasMove(model: fraud, alias: champion, from: nil, to: number(9)))),
            .registry(.aliasMoved(AliasMove(model: other.model, alias: champion, from: nil, to: nil))),
            shadow(other, 1, 10), shadow(prod, 9, 10), shadow(prod, 1, 0),
            .release(
                .fenceCompleted(
                    FenceRecord(
                        endpoint: prod,
                        release: nil,
                        receipt: Receipt(
                            epoch: Epoch(99),
                            loops: 1,
                            replayed: 0,
                            drained: 0,
                            elapsedMicroseconds: 1
                        )
                    )
                )
            ),
        ]
    }()

    @Test(arguments: strays.indices)
    func anEntryThatCannotFollowIsRefusedAndChangesNothing(index: Int) throws {
        var world = try Scene.canary0.world()
        let before = world.state
        let event = Self.strays[index]
        let error = ReplayError.illegal(sequence: before.sequence + 1, kind: event.kind)
        #expect(throws: error, "\(event.kind)") { try world.record(event) }
        #expect(world.state == before)
    }

    @Test func aCopyIsNotTouchedByWhatFollows() throws {
        var world = try Scene.canary1.world()
        let copy = world.state
        try world.rollBack()
        #expect(copy == (try Scene.canary1.world().state))
        #expect(copy != world.state)
    }

    /// Folding must not copy what an entry does not touch: a long ledger would take hours.
    @Test(.timeLimit(.minutes(10)))
    func aLongHistoryIsFoldedInTimeThatGrowsWithItsLength() throws {
        func seconds(_ releases: Int) throws -> Double {
            let events = try history(of: releases)
            var state = State()
            let start = secondsOfThisThread()
            for (index, event) in events.enumerated() { try state.apply(entry(index + 1, event)) }
            let elapsed = secondsOfThisThread() - start
            #expect(state.releases.count == releases)
            return elapsed
        }
        let (short, long) = (try seconds(250), try seconds(2000))
        #expect(long < 8 * 2.5 * max(short, 0.002), "250 releases: \(short) s, 2,000: \(long) s")
    }

    /// Releases of two versions in turn, each promoted through one step.
    private func history(of releases: Int) throws -> [Event] {
        let steps = plan([step(percent: 5)])
        let policy = policy(steps)
        var events: [Event] = [.registry(.modelCreated(fraud))]
        events += [1, 2].map { .registry(.versionRegistered(Version(id: id($0), draft: draft($0)))) }
        for release in 1...releases {
            let id = ReleaseID(release)
            let proposal = Proposal(
                release: id,
                endpoint: prod,
                candidate: number(1 + release % 2),
                stable: nil,
                policy: policy,
                salt: Salt(UInt64(release))
            )
            events += [
                .release(.proposed(proposal)), .release(.gatesPassed(passing(id))),
                .release(
                    .stepEntered(
                        StepEntry(release: id, step: 0, share: steps.steps[0].share, guards: [])
                    )
                ),
                .release(.promoted(Promotion(release: id, guards: [], skippedSteps: 0))),
                .release(.settled(id)),
            ]
        }
        return events
    }
}

/// Time of the processor, so that a busy machine does not change the answer.
private func secondsOfThisThread() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

private enum ReleaseProposals {
    static let again = proposal(3)
    static let second = proposal(4)

    private static func proposal(_ release: Int) -> Proposal {
        Proposal(
            release: ReleaseID(release),
            endpoint: prod,
            candidate: number(4),
            stable: number(2),
            policy: .standard(for: fraud),
            salt: Salt(1)
        )
    }
}
