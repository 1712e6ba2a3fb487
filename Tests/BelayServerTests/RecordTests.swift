import BelayCore
import BelayInference
import BelayInferenceLog
import BelayStats
import Foundation
import Testing

@testable import BelayServer

/// What is read out of the log: people in pages, and answers that were recorded and then not given.
@Suite struct RecordTests {
    private let model: ModelName
    private let noon: Timestamp

    init() throws {
        model = try #require(ModelName("fraud"))
        noon = try #require(Timestamp("2026-11-23T12:00:00Z"))
    }

    private func record(
        _ id: String,
        version: Int = 2,
        second: Int = 0,
        subject: UInt64? = nil,
        status: Int = 200,
        fallback: String? = nil,
        epoch: Int = 5,
        request: String = #"{"parameters":{"account":"a-17"}}"#
    ) throws -> AnswerRecord {
        AnswerRecord(
            id: id,
            at: noon.advanced(by: .seconds(second)),
            model: model,
            version: try #require(VersionNumber(version)),
            release: nil,
            arm: .stable,
            share: .none,
            epoch: Epoch(epoch),
            unit: nil,
            subject: subject.map { UnitHash($0) },
            latencyMicroseconds: 900,
            status: status,
            fallback: fallback,
            request: Array(request.utf8),
            response: []
        )
    }

    private func withLog<Value>(_ body: (InferenceLog) async throws -> Value) async throws -> Value {
        let folder = NSTemporaryDirectory() + "belay-record-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let log = try InferenceLog(folder: folder, limits: .standard)
        let value = try await body(log)
        await log.close()
        return value
    }

    // MARK: - People

    @Test(arguments: [1, 7, 100, 1000])
    func pagesOfPeopleAreTheWholeListAndNeverHoldMore(most: Int) throws {
        var generator = SplitMix64(seed: 5)
        let people = (0..<300).map { _ in UInt64.random(in: .min ... .max, using: &generator) } + [.max, 0]
        let records = try (0..<3000).map { number in
            let subject = number % 50 == 0 ? nil : people.randomElement(using: &generator)
            return try record("\(number)", second: number, subject: subject)
        }
        var counted: [String?: Int] = [:]
        var order: [String?] = []
        var from: UInt64? = 0
        while let start = from {
            var tally = SubjectTally(from: start, most: most)
            for record in records {
                tally.add(record)
                #expect(tally.count < 2 * most)
            }
            let page = tally.page
            #expect(page.subjects.count <= most + 1)
            for subject in page.subjects {
                counted[subject.subject, default: 0] += subject.answers
                order.append(subject.subject)
            }
            from = page.next
        }
        var expected: [String?: Int] = [:]
        for record in records { expected[record.subject.map { hexadecimal($0.value) }, default: 0] += 1 }
        #expect(counted == expected)
        #expect(order.count == expected.count, "nobody comes twice")
        #expect(order.compactMap { $0 } == order.compactMap { $0 }.sorted())
    }

    @Test func theNewestAnswerOfAPersonIsNamed() throws {
        var tally = SubjectTally(from: 0, most: 10)
        for number in 0..<3 { tally.add(try record("r-\(number)", second: number, subject: 7)) }
        let person = try #require(tally.page.subjects.first)
        #expect(person.lastID == "r-2" && person.answers == 3)
        #expect(person.lastAt == noon.advanced(by: .seconds(2)).description)
    }

    // MARK: - What was not given

    @Test func anAnswerThatARollbackOvertookIsToldFromAnIdThatIsUsedAgain() async throws {
        let superseded = try await withLog { log in
            log.record(try record("a", epoch: 5))
            log.record(try record("b", epoch: 5))
            log.record(try record("again", epoch: 5))
            log.record(try record("cut", epoch: 5))
            log.record(try record("a", version: 1, fallback: "candidate=withdrawn", epoch: 9))
            log.record(try record("again", second: 1, epoch: 9))
            log.record(try record("cut", status: 503, epoch: 9))
            var cursor = await log.answers(matching: AnswerFilter(model: model))
            var found: [Int] = []
            while let answers = try await cursor.next() {
                found += try await log.superseded(among: answers, of: model)
            }
            return found
        }
        #expect(superseded.sorted() == [0, 3])
    }

    @Test func aMatchTellsLongNumbersApart() async throws {
        let tree = try JSONTree(
            Array(
                #"""
                {"/parameters/account": 9007199254740993,
                 "between": ["2026-11-23T11:00:00Z", "2026-11-23T13:00:00Z"]}
                """#.utf8
            ),
            mostDepth: 8
        )
        #expect(try LabelMatch(tree).values == ["9007199254740993"])
        let far = JSONTree.object([
            "/a": .integer("10000000000000000000000001"),
            "between": .list(["2026-11-23T11:00:00Z", "2026-11-23T13:00:00Z"].map(JSONTree.text)),
        ])
        #expect(try LabelMatch(far).values == ["10000000000000000000000001"])
    }

    @Test func aBatchLooksForFewKindsOfPlaces() async throws {
        let matches = try (0..<6).map { number in
            let times = ["2026-11-23T11:00:00Z", "2026-11-23T13:00:00Z"]
            return try LabelMatch(
                .object(["/\(number)": .text("a"), "between": .list(times.map(JSONTree.text))])
            )
        }
        let found = try await withLog { log in
            try await LabelMatching(log: log).answers(to: matches, of: model)
        }
        #expect(found == matches.map { _ in .failure(.matchTooWide) })
    }

    @Test func aMatchNamesTheAnswerThatWasGiven() async throws {
        func match(_ records: [AnswerRecord]) async throws -> Result<AnswerRecord, LabelFault>? {
            try await withLog { log in
                for record in records { log.record(record) }
                let times = ["2026-11-23T11:00:00Z", "2026-11-23T13:00:00Z"]
                let tree = JSONTree.object([
                    "/parameters/account": .text("a-17"), "between": .list(times.map(JSONTree.text)),
                ])
                return try await LabelMatching(log: log).answers(to: [try LabelMatch(tree)], of: model).first
            }
        }
        let overtaken = try record("a", epoch: 5)
        let given = try record("a", version: 1, fallback: "candidate=withdrawn", epoch: 9)
        #expect(try await match([overtaken, given]) == .success(given))
        #expect(try await match([overtaken, try record("a", status: 503, epoch: 9)]) == .failure(.noMatch))
        #expect(try await match([overtaken, try record("b")]) == .failure(.ambiguousMatch(2)))
    }
}
