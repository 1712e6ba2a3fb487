import BelayCore
import Foundation
import Testing

@Suite("Coding of events")
struct EventCodingTests {
    private static let report = GuardReport(
        name: "error_rate",
        metric: .errorRate,
        verdict: .breach,
        value: 0.04,
        lower: 0.01,
        upper: nil,
        limit: 0,
        candidateSamples: 812,
        stableSamples: 7300,
        logEvidence: 4.75
    )
    private static let blind = GuardReport(
        name: "recall",
        metric: .recall,
        verdict: .blind,
        value: nil,
        lower: nil,
        upper: nil,
        limit: 0.02,
        candidateSamples: 0,
        stableSamples: 0,
        logEvidence: 0,
        logAdvance: 1.5,
        reason: .coverage,
        slice: RequestSlice(feature: "country", value: "DE")
    )
    private static let incident = Incident(
        id: IncidentID(7),
        endpoint: prod,
        version: number(3),
        release: release,
        kind: .decay,
        guards: [report],
        selection: [Considered(version: number(2), taken: false, why: "is quarantined")]
    )
    private static let release = ReleaseID(142)

    private static func rollback(_ cause: RollbackCause, release: ReleaseID?, to: VersionNumber?) -> Event {
        .release(
            .rolledBack(
                Rollback(
                    endpoint: prod,
                    release: release,
                    from: number(3),
                    to: to,
                    cause: cause,
                    selection: [Considered(version: number(2), taken: true, why: "is the last good version")]
                )
            )
        )
    }

    /// One of each kind, and more where a payload has several shapes.
    private static let events: [Event] = [
        .registry(.modelCreated(fraud)),
        .registry(.versionRegistered(Version(id: id(3), draft: draft(3, label: label("1.5.0"))))),
        .registry(.versionRegistered(Version(id: id(1), draft: draft(1)))),
        .release(
            .proposed(
                Proposal(
                    release: release,
                    endpoint: prod,
                    candidate: number(3),
                    stable: nil,
                    policy: policy(
                        twoSteps(watch: hour),
                        guards: [
                            bound("a", .accuracy, .againstStable(margin: 0.02), minSamples: 50, then: .hold),
                            bound("b", .errorRate, .absolute(max: 0.1)),
                        ],
                        serving: ServingSettings(
                            unit: .pointer("/user"),
                            timeoutMilliseconds: 900,
                            record: .standard
                        )
                    ),
                    salt: Salt(.max)
                )
            )
        ),
        .release(.gatesPassed(passing(release))), .release(.refused(failing(release))),
        .release(
            .stepEntered(
                StepEntry(release: release, step: 1, share: share(percent: 25), guards: [report])
            )
        ),
        .release(.held(HoldEntry(release: release))), .release(.resumed(release)),
        .release(.held(HoldEntry(release: release, cause: .breach(of: "recall"), guards: [report, blind]))),
        .release(.held(HoldEntry(release: release, cause: .exposure))),
        .release(.waived(Waiver(release: release, causes: [.deadline, .breach(of: "recall")]))),
        .release(.epochBegun(EpochStart(release: release, epoch: 3))),
        .release(.rejudged(Rejudgement(release: release, breached: "recall", guards: [report]))),
        .release(.promoted(Promotion(release: release, guards: [report], skippedSteps: 2))),
        .release(.settled(release)),
        rollback(.request(by: ann), release: nil, to: number(2)),
        rollback(.breach(of: "error_rate", guards: [report]), release: release, to: nil),
        .release(
            .fenceCompleted(
                FenceRecord(
                    endpoint: prod,
                    release: release,
                    receipt: Receipt(
                        epoch: Epoch(17),
                        loops: 4,
                        replayed: 2,
                        cutOff: 1,
                        drained: 0,
                        elapsedMicroseconds: 812
                    )
                )
            )
        ),
        .registry(.aliasMoved(AliasMove(model: fraud, alias: champion, from: nil, to: number(2)))),
        .registry(.aliasMoved(AliasMove(model: fraud, alias: champion, from: number(2), to: nil))),
        .release(.stepsDone(StepsDone(release: release, guards: [report]))),
        .release(
            .shadowChanged(
                ShadowChange(
                    endpoint: prod,
                    shadow: StandingShadow(version: number(2), share: share(percent: 10))
                )
            )
        ),
        .release(.shadowChanged(ShadowChange(endpoint: prod, shadow: nil))),
        .release(
            .stepEntered(
                StepEntry(release: release, step: 0, kind: .shadow, share: share(percent: 10), guards: [])
            )
        ),
        .safety(.policyChanged(prod, policy(.careful))), .safety(.policyChanged(prod, policy(.shadowOnly))),
        .safety(.quarantined(Quarantine(version: id(3), digest: digest(3)))), .safety(.cleared(id(3))),
        .safety(.automaticAllowed(prod)), .safety(.policyChanged(prod, .standard(for: fraud))),
        .operation(.incidentOpened(incident)),
        .operation(.incidentClosed(IncidentClosure(id: IncidentID(7), cause: .replaced))),
        .operation(
            .subjectErased(Erasure(model: fraud, answers: 12, labels: 3, commitment: digest(5)))
        ),
        .operation(.serverStarted(ServerStart(belay: "0.1.0", process: 7))),
    ]

    /// Decodes a body as the store does: the kind stands beside it.
    private struct Stored: Decodable {
        let event: Event

        init(from decoder: any Decoder) throws {
            let kind = try #require(decoder.userInfo[Self.kind] as? Event.Kind)
            event = try Event(kind: kind, from: decoder)
        }

        static let kind = legal(CodingUserInfoKey(rawValue: "kind"))
    }

    private func text(_ event: Event) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(event.body), as: UTF8.self)
    }

    private func read(_ kind: Event.Kind, _ json: String) throws -> Event {
        let decoder = JSONDecoder()
        decoder.userInfo[Stored.kind] = kind
        return try decoder.decode(Stored.self, from: Data(json.utf8)).event
    }

    @Test func theListHoldsEveryKind() {
        #expect(Set(Self.events.map(\.kind)) == Set(Event.Kind.allCases))
        #expect(Set(Event.Kind.allCases.map(\.rawValue)).count == Event.Kind.allCases.count)
    }

    @Test(arguments: events.indices)
    func anEventReadsBackAsWrittenInTheSameBytes(index: Int) throws {
        let event = Self.events[index]
        let json = try text(event)
        let again = try read(event.kind, json)
        #expect(again == event)
        #expect(try text(again) == json)
        #expect(!event.subject.isEmpty)
    }

    @Test(arguments: events.indices)
    func keysAreWrittenInSnakeCase(index: Int) throws {
        let json = try text(Self.events[index])
        for match in json.matches(of: /"([^"]*)":/) {
            #expect(match.1.lowercased() == match.1, "\(match.1)")
        }
    }

    @Test func aStepIsStoredAsAgreed() throws {
        let golden =
            #"{"guards":[{"limit":0,"log_e":4.75,"lower":0.01,"metric":"error_rate","n":812,"#
            + #""n_stable":7300,"name":"error_rate","value":0.04,"verdict":"breach"}],"#
            + #""kind":"canary","release":"r142","share":250000,"step":1}"#
        let entry = StepEntry(
            release: Self.release,
            step: 1,
            share: share(percent: 25),
            guards: [Self.report]
        )
        #expect(try text(.release(.stepEntered(entry))) == golden)
    }

    @Test func aRollbackIsStoredAsAgreed() throws {
        let golden =
            #"{"cause":{"request":{"by":"ann"}},"endpoint":"fraud#prod","from":3,"#
            + #""selection":[{"taken":true,"version":2,"why":"is the last good version"}],"to":2}"#
        #expect(try text(Self.rollback(.request(by: ann), release: nil, to: number(2))) == golden)
    }

    @Test func aProposalIsStoredAsAgreed() throws {
        let golden =
            #"{"candidate":2,"endpoint":"fraud#prod","policy":{"guards":[{"limit":{"against_stable":"#
            + #"{"margin":0}},"metric":"error_rate","name":"error_rate","then":"rollback"},"#
            + #"{"limit":{"never":{}},"metric":"invalid_output","name":"invalid_output","then":"rollback"},"#
            + #"{"limit":{"never":{}},"metric":"circuit_breaker","name":"circuit_breaker","#
            + #""then":"rollback"}],"#
            + #""labels":{},"model":"fraud","#
            + #""plan":{"ending":"promote","steps":[{"dwell_ms":60000,"kind":"canary","min_samples":100,"#
            + #""share":50000}],"watch_ms":0},"#
            + #""rollback":{"failing":{"inflight":"replay"},"good_after_ms":3600000,"keep_warm":2,"#
            + #""standby":"wait"},"serving":{"record":{"durability":"buffered","extent":"every","#
            + #""on_full":"drop","redact":[]},"timeout_ms":5000,"unit":"request"}},"#
            + #""release":"r142","salt":"000000000000002a","stable":1}"#
        let proposal = Proposal(
            release: Self.release,
            endpoint: prod,
            candidate: number(2),
            stable: number(1),
            policy: policy(plan([step(percent: 5)])),
            salt: Salt(42)
        )
        #expect(try text(.release(.proposed(proposal))) == golden)
    }

    /// As 0.1 wrote them, before there were shadows.
    @Test func stepsWithoutAKindAreCanarySteps() throws {
        let json = #"{"guards":[],"release":"r142","share":250000,"step":1}"#
        let entry = try read(.stepEntered, json)
        #expect(entry.subject == "r142")
        let plan = #"{"steps":[{"dwell_ms":1,"min_samples":2,"share":50000}],"watch_ms":0}"#
        let decoded = try JSONDecoder().decode(Plan.self, from: Data(plan.utf8))
        #expect(decoded.steps.map(\.kind) == [.canary])
        #expect(decoded.ending == .promote)
    }

    @Test(arguments: ["", "release", "release.", "release.Held", "registry.model_deleted", "held"])
    func aKindThatIsNotKnownIsNoKind(text: String) {
        #expect(Event.Kind(rawValue: text) == nil)
    }

    @Test(arguments: Event.Kind.allCases)
    func aGarbledBodyIsRefused(kind: Event.Kind) {
        for json in [
            "", "{}", "[]", "null", "7", #""x""#, #"{"release":7}"#, #"{"model":"../x"}"#, "{\"a\":",
        ] {
            #expect(throws: DecodingError.self, "\(kind) \(json)") { try read(kind, json) }
        }
    }

    /// Cut anywhere, a body is refused and never read as something else.
    @Test(arguments: events.indices)
    func aBodyThatIsCutShortIsRefused(index: Int) throws {
        let event = Self.events[index]
        let json = try text(event)
        for length in stride(from: 0, to: json.utf8.count, by: max(1, json.utf8.count / 60)) {
            let cut = String(decoding: json.utf8.prefix(length), as: UTF8.self)
            #expect(throws: DecodingError.self) { try read(event.kind, cut) }
        }
    }

    @Test func aPolicyChangeWithoutItsPolicyIsRefused() {
        #expect(throws: DecodingError.self) { try read(.policyChanged, #"{"endpoint":"fraud#prod"}"#) }
    }

    @Test func subjectsNameWhatTheEventSpeaksOf() {
        let subjects = Self.events.map(\.subject)
        #expect(subjects[0] == "fraud")
        #expect(subjects[1] == "fraud@3")
        #expect(subjects[3] == "r142")
        #expect(subjects.contains("fraud#prod"))
        #expect(subjects.contains("i7"))
        #expect(subjects.last == "server")
    }
}
