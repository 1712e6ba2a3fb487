import BelayCore
import BelayTesting
import Foundation
import Logging
import Synchronization
import Testing

@testable import BelayServer

@Suite struct QueryTextTests {
    private func text(_ template: String, model: String = "fraud") -> QueryText {
        QueryText(template, model: Build.model(model), version: Build.number(7), arm: .candidate)
    }

    @Test func namesStandInPlaceOfTheirPlaceholders() {
        let template =
            #"sum(rate(approved{version="{{version}}",model='{{model}}'}[5m])) / {{arm}} {{other}}"#
        #expect(
            text(template).text
                == #"sum(rate(approved{version="7",model='fraud'}[5m])) / candidate {{other}}"#
        )
    }

    @Test(arguments: ["http://127.0.0.1:9090", "http://127.0.0.1:9090/"])
    func theURLHoldsTheQueryAndNothingThatItCouldEndWith(base: String) {
        #expect(
            text(#"a{b="ø&#?"} + 1"#).url(at: base)
                == "http://127.0.0.1:9090/api/v1/query?query=a%7Bb%3D%22%C3%B8%26%23%3F%22%7D%20%2B%201"
        )
    }
}

@Suite struct QueryAnswerTests {
    private func answer(_ text: String, status: Int = 200, secondsLater: Int64 = 0) -> QueryAnswer {
        let now = Timestamp(milliseconds: 1_700_000_000_000 + secondsLater * 1000)
        return QueryAnswer(status: status, body: Array(text.utf8), now: now)
    }

    private func vector(_ samples: String...) -> String {
        let list = samples.map { #"{"metric":{},"value":[1700000000.123,"\#($0)"]}"# }.joined(separator: ",")
        return #"{"status":"success","data":{"resultType":"vector","result":[\#(list)]}}"#
    }

    private struct Unexpected: Error {}

    /// A cache that hangs, and a clock that is wrong: the number is of no use now.
    @Test(arguments: [-61, -600, 62, 600] as [Int64])
    func anAnswerOfAnotherTimeIsNone(secondsLater: Int64) {
        guard case .unusable(let why) = answer(vector("0.25"), secondsLater: secondsLater) else {
            Issue.record("it was taken")
            return
        }
        #expect(why.contains(secondsLater > 0 ? " s ago" : " s ahead"))
        #expect(answer(vector("0.25"), secondsLater: secondsLater.signum() * 30) == .value(0.25))
    }

    @Test func oneSampleIsItsValueAndNoneOrNoNumberIsMissing() throws {
        #expect(answer(vector("0.25")) == .value(0.25))
        #expect(answer(vector("1e3")) == .value(1000))
        for text in ["NaN", "+Inf", "-Inf", "x"] {
            #expect(answer(vector(text)) == .missing("the query gives \(text), which is no number"))
        }
        guard case .missing(let why) = answer(vector()) else { throw Unexpected() }
        #expect(why.hasPrefix("the query finds no series"))
        let scalar = #"{"status":"success","data":{"resultType":"scalar","result":[1700000000,"2"]}}"#
        #expect(answer(scalar) == .value(2))
    }

    @Test(arguments: [
        "", "{}", "[]", "<html>", #"{"status":"error","errorType":"bad_data","error":"parse error"}"#,
        #"{"status":"success","data":{"resultType":"matrix","result":[]}}"#,
        #"{"status":"success","data":{"resultType":"vector","result":[{"value":[1,2]}]}}"#,
        #"{"status":"success"}"#,
    ])
    func whatIsNoNumberIsSaidToBeNone(text: String) {
        guard case .unusable = answer(text, status: 400) else {
            Issue.record("\(answer(text))")
            return
        }
    }

    @Test func severalSeriesAreNotAddedUp() {
        guard case .unusable = answer(vector("1", "2")) else {
            Issue.record("\(answer(vector("1", "2")))")
            return
        }
    }
}

@Suite struct QueryPollerTests {
    /// Answers as the test's Prometheus, by the decoded query.
    private final class Monitor: OutgoingHTTP {
        private let asked = Mutex<[OutgoingRequest]>([])
        private let answer: @Sendable (String) -> Result<String, OutgoingFailure>

        init(_ answer: @escaping @Sendable (String) -> Result<String, OutgoingFailure>) {
            self.answer = answer
        }

        var requests: [OutgoingRequest] { asked.withLock { $0 } }

        func send(_ request: OutgoingRequest) async throws(OutgoingFailure) -> OutgoingAnswer {
            asked.withLock { $0.append(request) }
            let query = request.url.split(separator: "query=").last.flatMap { $0.removingPercentEncoding }
            let value = try answer(query ?? "").get()
            let samples = #"[{"value":[1763899200,"\#(value)"]}]"#
            let body = #"{"status":"success","data":{"resultType":"vector","result":\#(samples)}}"#
            return OutgoingAnswer(status: 200, body: Array(body.utf8))
        }
    }

    private let noon = Timestamp(milliseconds: 1_763_899_200_000)

    private func guarded(_ name: String, _ limit: Guard.Limit) throws -> Guard {
        try #require(
            Guard(
                name: name,
                metric: .query,
                limit: limit,
                minSamples: nil,
                reaction: .hold,
                focus: Guard.Focus(query: "\(name){version=\"{{version}}\",arm=\"{{arm}}\"}")
            )
        )
    }

    /// Version 1 serves, and 2 is on trial at one half.
    private func state(_ guards: [Guard], isOnTrial: Bool = true) throws -> State {
        var state = State()
        func run(_ command: Command) throws {
            for event in try decide(command, by: .belay, in: state) {
                let draft = EntryDraft(at: noon, actor: .belay, reason: nil, event: event)
                try state.apply(Entry(sequence: state.sequence + 1, draft: draft))
            }
        }
        let half = try #require(Share(partsPerMillion: 500_000))
        let canary = Plan.Step(share: half, dwellMilliseconds: 1, minSamples: 0)
        for (number, plan) in [(1, Plan.instant), (2, Plan(steps: [canary], watchMilliseconds: 0))] {
            try run(.register(Build.version("fraud", bytes: "\(number)")))
            let draft = Policy(
                model: Build.model("fraud"),
                serving: .standard,
                plan: try #require(plan),
                guards: guards,
                labels: Policy.Labels(output: nil),
                rollback: .standard
            )
            let policy: Policy = try #require(draft)
            let request = ReleaseRequest(
                endpoint: Build.endpoint("fraud"),
                candidate: .number(Build.number(number)),
                policy: policy,
                origin: .person,
                salt: Salt(1)
            )
            if number == 2, !isOnTrial { break }
            try run(.release(request))
            let passed = GateReport(gate: .probe, outcome: .pass, detail: "")
            try run(.concludeGates(GateResult(release: ReleaseID(number), gates: [passed])))
        }
        return state
    }

    @Test func eachGuardAsksForTheArmsThatItsLimitSpeaksOf() throws {
        let guards = [
            try guarded("load", .absolute(max: 0.5)), try guarded("sales", .withinOfStable(change: 0.2)),
            .errorRate,
        ]
        let questions = QueryPoller.questions(in: try state(guards))
        #expect(questions.map(\.release) == [ReleaseID(2), ReleaseID(2), ReleaseID(2)])
        #expect(
            questions.map(\.query.text) == [
                #"load{version="2",arm="candidate"}"#, #"sales{version="2",arm="candidate"}"#,
                #"sales{version="1",arm="stable"}"#,
            ]
        )
        #expect(QueryPoller.questions(in: try state(guards, isOnTrial: false)).isEmpty)
        #expect(QueryPoller.questions(in: State()).isEmpty)
    }

    @Test func everyQuestionBecomesAReadingEvenWithoutAnAnswer() async throws {
        let monitor = Monitor { query in
            switch query {
            case let load where load.hasPrefix("load"): .success("0.25")
            case let nothing where nothing.hasPrefix("nothing"): .success("NaN")
            default: .failure(.timedOut(host: "prometheus"))
            }
        }
        let poller = QueryPoller(base: "http://prometheus:9090", http: monitor, logger: Logger(label: "test"))
        let names = ["load", "nothing", "slow", "a", "b", "c", "d"]
        let guards = try names.map { try guarded($0, .absolute(max: 0.5)) }
        let noon = noon
        let readings = await poller.answers(to: QueryPoller.questions(in: try state(guards))) { noon }
        #expect(Set(readings.keys) == [ReleaseID(2)])
        let read = readings[ReleaseID(2)] ?? []
        #expect(read.map(\.guardName) == names.sorted())
        #expect(read.allSatisfy { $0.arm == .candidate && $0.at == noon })
        for reading in read {
            #expect(reading.value == (reading.guardName == "load" ? 0.25 : nil))
            #expect((reading.problem == nil) == (reading.guardName == "load"), "\(reading)")
        }
        #expect(
            read.first { $0.guardName == "nothing" }?.problem == "the query gives NaN, which is no number"
        )
        #expect(monitor.requests.count == names.count)
        #expect(monitor.requests.allSatisfy { $0.method == .get && $0.allowsPrivate && $0.body.isEmpty })
    }

    @Test func withoutAMonitorTheReadingSaysSo() async throws {
        let monitor = Monitor { _ in .success("1") }
        let poller = QueryPoller(base: nil, http: monitor, logger: Logger(label: "test"))
        let noon = noon
        let state = try state([try guarded("load", .absolute(max: 0.5))])
        let readings = await poller.answers(to: QueryPoller.questions(in: state)) { noon }
        let reading = try #require(readings[ReleaseID(2)]?.first)
        #expect(reading.value == nil && reading.problem?.contains("--prometheus") == true)
        #expect(monitor.requests.isEmpty)
    }
}
