import BelayCore
import BelayInference
import BelayInferenceLog
import BelayStats
import BelayTesting
import Foundation
import Logging
import Testing

@testable import BelayServer

/// From answers in the log to what a release takes as known of stable.
@Suite struct StableMeasureTests {
    private let model: ModelName
    private let (one, two): (VersionNumber, VersionNumber)
    private let noon: Timestamp
    private let signature: Signature

    init() throws {
        model = try #require(ModelName("fraud"))
        one = try #require(VersionNumber(1))
        two = try #require(VersionNumber(2))
        noon = try #require(Timestamp("2026-11-23T12:00:00Z"))
        signature = try #require(
            Signature(
                inputs: [
                    TensorSpec(name: "age", type: .fp32, shape: [nil]),
                    TensorSpec(name: "country", type: .bytes, shape: [nil]),
                ],
                outputs: [TensorSpec(name: "label", type: .int64, shape: [nil])]
            )
        )
    }

    private func wish(_ columns: [Series]) -> ProfileDraft.Wish {
        ProfileDraft.Wish(
            stable: two,
            servesSince: noon.advanced(by: .seconds(-3600)),
            signature: signature,
            prediction: nil,
            columns: columns
        )
    }

    private func record(
        _ number: Int,
        version: VersionNumber? = nil,
        arm: Arm = .stable,
        status: Int = 200,
        fallback: String? = nil,
        milliseconds: Int = 1000,
        age: Double = 30,
        country: String = "NO",
        request: [UInt8]? = nil
    ) -> AnswerRecord {
        let asked = #"""
            {"inputs":[{"name":"age","shape":[1],"datatype":"FP32","data":[\#(age)]},
            {"name":"country","shape":[1],"datatype":"BYTES","data":["\#(country)"]}]}
            """#
        let said = #"""
            {"model_name":"fraud","outputs":[
            {"name":"label","shape":[1],"datatype":"INT64","data":[\#(number % 2)]}]}
            """#
        return AnswerRecord(
            id: "\(number)",
            at: noon.advanced(by: .milliseconds(-milliseconds)),
            model: model,
            version: version ?? two,
            release: nil,
            arm: arm,
            share: .none,
            unit: nil,
            latencyMicroseconds: Int64(number + 1),
            status: status,
            fallback: fallback,
            request: request ?? Array(asked.utf8),
            response: Array(said.utf8)
        )
    }

    @Test func latenciesAndErrorsAreThoseThatStableAnswersFor() throws {
        var draft = ProfileDraft(wish([]), now: noon)
        for number in 0..<990 { draft.add(record(number)) }
        for number in 0..<10 { draft.add(record(number, version: one, fallback: "stable=error")) }
        // What says nothing of stable.
        draft.add(record(1, version: one))
        draft.add(record(1, arm: .pinned))
        draft.add(record(1, fallback: "candidate=timeout"))
        draft.add(record(1, version: one, fallback: "stable=withdrawn"))
        draft.add(record(1, status: 504, fallback: "stable=deadline"))
        draft.add(record(1, status: 499))
        draft.add(record(1, version: one, fallback: "stable=error", milliseconds: 4_000_000))
        for number in 0..<250 { draft.add(record(number, status: 400)) }
        let profile = draft.profile(extent: .every)
        #expect(profile.answers == 1000)
        #expect(profile.means["error_rate"] == 0.01)
        #expect(profile.means["schema_errors"] == 0.2)
        let latency = try #require(profile.latency)
        #expect(abs(latency.p50 - 500) <= 500 * 0.011)
        #expect(abs(latency.p95 - 950) <= 950 * 0.011)
        #expect(abs(latency.p99 - 990) <= 990 * 0.011)
        #expect(profile.references.isEmpty)
    }

    @Test func tooFewAnswersSayNothingOfLatenciesOrColumns() {
        var draft = ProfileDraft(wish([.feature("age")]), now: noon)
        for number in 0..<199 { draft.add(record(number)) }
        let profile = draft.profile(extent: .every)
        #expect(profile.answers == 199)
        #expect(profile.latency == nil)
        #expect(profile.references.isEmpty)
    }

    @Test func columnsGetTheBinsOfWhatStableSaw() throws {
        var draft = ProfileDraft(
            wish([.prediction, .feature("age"), .feature("country"), .feature("nobody")]),
            now: noon
        )
        for number in 0..<1000 {
            draft.add(record(number, age: Double(number), country: number < 700 ? "NO" : "SE"))
        }
        for _ in 0..<3 { draft.add(record(0, age: 5, country: "Ola Nordmann")) }
        draft.add(record(0, request: Array("nonsense".utf8)))
        let references = draft.profile(extent: .every).references
        #expect(Set(references.keys) == ["prediction", "feature:age", "feature:country"])
        let age = try #require(references["feature:age"])
        #expect(age.kind == .numeric)
        #expect(age.counts.reduce(0, +) == 1003)
        #expect(age.bin(of: 0) == 0 && age.bin(of: 999) == 9)
        let country = try #require(references["feature:country"])
        #expect(country.categories == ["NO", "SE"].map { CategoryHash(bytes: $0.utf8).description })
        #expect(country.counts == [700, 300, 0, 3, 0])
        let prediction = try #require(references["prediction"])
        #expect(prediction.counts.reduce(0, +) == 1004)
        // Rare texts may be names: neither they nor any other text is recorded.
        let recorded = String(
            decoding: try JSONEncoder().encode(draft.profile(extent: .every)),
            as: UTF8.self
        )
        #expect(!recorded.contains("Ola") && !recorded.contains("\"NO\""))
    }

    @Test func aColumnOfNamesIsNotRecorded() {
        var draft = ProfileDraft(wish([.feature("country")]), now: noon)
        for number in 0..<2000 { draft.add(record(number, country: "person \(number / 5)")) }
        #expect(draft.profile(extent: .every).references.isEmpty)
    }

    @Test func numbersThatAreNamesAreNotRecordedAndQuantitiesAre() {
        var names = ProfileDraft(wish([.feature("age")]), now: noon)
        for number in 0..<500 { names.add(record(number, age: 2_000_000 + Double(number) * 7)) }
        #expect(names.profile(extent: .every).references.isEmpty)
        var amounts = ProfileDraft(wish([.feature("age")]), now: noon)
        for number in 0..<500 { amounts.add(record(number, age: 1_000_000.5 + Double(number))) }
        #expect(!amounts.profile(extent: .every).references.isEmpty)
    }

    @Test func mlflowsRequestsAreReadToo() throws {
        var draft = ProfileDraft(wish([.feature("age")]), now: noon)
        for number in 0..<300 {
            let asked = #"{"dataframe_records":[{"age":\#(number),"country":"NO"}]}"#
            draft.add(record(number, request: Array(asked.utf8)))
        }
        let age = try #require(draft.profile(extent: .every).references["feature:age"])
        #expect(age.counts.reduce(0, +) == 300)
        #expect(age.bin(of: 299) == 9)
    }

    @Test func theRateIsThatOfTheLastHourOrOfWhatWasSeenOfIt() throws {
        var draft = ProfileDraft(wish([]), now: noon)
        for number in 0..<600 { draft.add(record(number, milliseconds: 1000 * number)) }
        let short = try #require(draft.profile(extent: .every).answersPerSecond)
        #expect(abs(short - 600.0 / 599) < 1e-9)
        for number in 0..<7200 { draft.add(record(number, milliseconds: 1000 * (600 + number))) }
        #expect(draft.profile(extent: .every).answersPerSecond == 1)
        let tenth = try #require(Share(partsPerMillion: 100_000))
        #expect(draft.profile(extent: .sample(tenth)).answersPerSecond == 10)
        #expect(draft.profile(extent: .none).answersPerSecond == nil)
    }

    // MARK: - From the log itself

    private var endpoint: EndpointID { EndpointID(model, in: .prod) }

    /// Drift of every feature, from the reference of what stable saw.
    private func policy() throws -> Policy {
        let drift = try #require(
            Guard(
                name: "drift",
                metric: .featureDrift,
                limit: .absolute(max: 0.2),
                minSamples: nil,
                reaction: .notify
            )
        )
        return try #require(
            Policy(
                model: model,
                serving: .standard,
                plan: .instant,
                guards: [drift],
                labels: Policy.Labels(output: nil),
                rollback: .standard
            )
        )
    }

    /// Version 2 serves since an hour.
    private func serving() throws -> State {
        var state = State()
        func run(_ command: Command) throws {
            for event in try decide(command, by: .belay, in: state) {
                let at = noon.advanced(by: .seconds(-3600))
                let draft = EntryDraft(at: at, actor: .belay, reason: nil, event: event)
                try state.apply(Entry(sequence: state.sequence + 1, draft: draft))
            }
        }
        for bytes in ["one", "two"] {
            try run(.register(Build.version("fraud", bytes: bytes, signature: signature)))
        }
        let request = ReleaseRequest(
            endpoint: endpoint,
            candidate: .number(two),
            policy: try policy(),
            origin: .person,
            salt: Salt(1)
        )
        try run(.release(request))
        let passed = GateReport(gate: .probe, outcome: .pass, detail: "")
        try run(.concludeGates(GateResult(release: ReleaseID(1), gates: [passed])))
        return state
    }

    @Test func theNewestAnswersOfTheLastDayAreMeasured() async throws {
        let folder = NSTemporaryDirectory() + "belay-measure-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let log = try InferenceLog(folder: folder, limits: .standard)
        let labels = try LabelStore(path: "\(folder)/labels.sqlite")
        for number in 0..<300 { log.record(record(number, milliseconds: 90_000_000)) }
        for number in 0..<500 { log.record(record(number, age: Double(number))) }
        let measure = StableMeasure(
            log: log,
            labels: labels,
            patience: .seconds(3600),
            logger: Logger(label: "test")
        )
        let state = try serving()
        let profile = try #require(
            await measure.profile(of: endpoint, under: try policy(), in: state, now: noon)
        )
        #expect(profile.answers == 500)
        #expect(profile.references["feature:age"]?.counts.reduce(0, +) == 500)
        #expect(profile.references["feature:country"] != nil)
        #expect(await measure.profile(of: endpoint, under: nil, in: State(), now: noon) == nil)
        await log.close()
    }
}

@Suite struct LabelMeansTests {
    private func counts(_ codes: [(Series, Int, Int)], arm: Arm = .candidate) -> EvidenceCounts {
        var counts = EvidenceCounts()
        for (series, code, number) in codes {
            let key = EvidenceKey(
                release: ReleaseID(1),
                series: series,
                slice: nil,
                arm: arm,
                share: .all,
                code: code
            )
            counts.add(key, number)
        }
        return counts
    }

    private func cell(_ prediction: Int?, _ label: Int?, agrees: Bool) -> Int {
        LabelCell(prediction: prediction, label: label, agrees: agrees, classes: 1).code
    }

    @Test func badnessFollowsFromTheTableOfPredictionsAndLabels() {
        let table: [(Series, Int, Int)] = [
            (.labels, cell(0, 0, agrees: true), 60), (.labels, cell(0, nil, agrees: false), 20),
            (.labels, cell(nil, 0, agrees: false), 40), (.labels, cell(nil, nil, agrees: true), 80),
        ]
        let means = LabelMeans(counts(table), classes: 1).means
        #expect(means["accuracy"] == 0.3)
        #expect(means["precision"] == 0.25)
        #expect(means["recall"] == 0.4)
        #expect(means["f1"] == 60.0 / 180)
        // What stable said when this version was its candidate is another version's.
        #expect(LabelMeans(counts(table, arm: .stable), classes: 1).means.isEmpty)
    }

    @Test func lossesHaveAMeanAndAnEndThatOutliersDoNotMove() throws {
        let one = try #require(Magnitude.code(of: 1))
        let far = try #require(Magnitude.code(of: 1e9))
        let known = LabelMeans(
            counts([(.loss(.absoluteError), one, 9999), (.loss(.absoluteError), far, 1)]),
            classes: 0
        )
        #expect(known.most["mae"] == Magnitude.value(of: one))
        #expect(try #require(known.means["mae"]) > 1e4)
        #expect(known.most["rmse"] == nil)
    }

    @Test func fewLabelsSayNothing() {
        let few = counts([(.labels, 0, 29), (.flags, 1, 29), (.loss(.brier), 5, 29)])
        #expect(LabelMeans(few, classes: 0) == LabelMeans(EvidenceCounts(), classes: 0))
        #expect(LabelMeans(counts([(.flags, 1, 3), (.flags, 0, 27)]), classes: 0).means["flag_rate"] == 0.1)
    }
}
