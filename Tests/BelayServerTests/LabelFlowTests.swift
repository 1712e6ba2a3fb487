import BelayCore
import BelayInferenceLog
import BelayServer
import Foundation
import Testing

/// Labels over HTTP, from the sender to the counts.
@Suite("Labels over HTTP", .serialized)
struct LabelFlowTests {
    private func serve(
        _ body: @escaping @Sendable (RunningServer) async throws -> Void
    ) async throws {
        try await withServer { server in
            _ = try await server.register("demo", fixture: "constant-1.onnx")
            _ = try await server.release("demo", 1)
            try await body(server)
        }
    }

    private func ask(_ server: RunningServer, _ id: String, parameters: [String: Any] = [:]) async throws {
        var body = StoryTests.ask
        if !parameters.isEmpty { body["parameters"] = parameters }
        let answer = try await server.inference(
            "POST",
            "/v2/models/demo/infer",
            body,
            headers: ["Belay-Request-Id": id]
        )
        #expect(answer.status == 200)
    }

    private func send(
        _ server: RunningServer,
        _ text: String,
        to path: String = "/v1/labels?model=demo",
        type: String? = nil
    ) async throws -> LabelsView {
        let headers = type.map { ["Content-Type": $0] } ?? [:]
        let answer = try await server.control("POST", path, Data(text.utf8), headers: headers)
        #expect(answer.status == 202, "\(answer.text)")
        return try answer.decoded(LabelsView.self)
    }

    private func coverage(_ server: RunningServer) async throws -> CoverageView {
        try await server.control("GET", "/v1/labels/coverage?model=demo").decoded(CoverageView.self)
    }

    @Test func aLabelWaitsForItsAnswerAndCountsThen() async throws {
        try await serve { server in
            let early = try await send(server, #"{"id": "w", "value": 2}"#)
            #expect(early.waiting == 1 && early.accepted == 1 && early.joined == 0 && early.rejected == [])
            #expect(try await coverage(server).waiting == 1)
            try await ask(server, "w")
            let joined = try await server.until { (view: CoverageView) in
                view.labelled == 1
            } of: {
                try await coverage(server)
            }
            #expect(joined.waiting == 0 && joined.parts.map(\.wrong) == [1])
            #expect(try await send(server, #"{"id": "w", "value": 2}"#).repeated == 1)
        }
    }

    @Test func labelsOfWhatServesCountForTheReleaseThatItCameWith() async throws {
        let folder = NSTemporaryDirectory() + "belay-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await withServer(data: folder) { server in
            _ = try await server.register("demo", fixture: "constant-1.onnx")
            _ = try await server.release("demo", 1)
            for id in ["a", "b"] { try await ask(server, id) }
            let view = try await send(server, "id,value\r\na,1\r\nb,2\r\n", type: "text/csv")
            #expect(view.counted == 2 && view.joined == 2)
        }
        let store = try LabelStore(path: "\(folder)/inference/labels.sqlite")
        let counts = try await store.evidence(of: ReleaseID(1)).counts
        func key(_ series: Series, _ code: Int) -> EvidenceKey {
            EvidenceKey(
                release: ReleaseID(1),
                series: series,
                slice: nil,
                arm: .candidate,
                share: .all,
                code: code
            )
        }
        #expect(counts[key(.labels, 0)] == 1 && counts[key(.labels, 1)] == 1)
        #expect(counts[key(.labelled, 0)] == 2 && counts[key(.loss(.absoluteError), 0)] == 1)
    }

    @Test func feedbackIsTakenOnEitherPort() async throws {
        try await serve { server in
            for id in ["a", "b", "c"] { try await ask(server, id) }
            let thumb = try await send(
                server,
                #"{"model": "demo", "id": "a", "value": "up", "note": "my words"}"#,
                to: "/v1/feedback"
            )
            #expect(thumb.counted == 1)
            let assessment =
                #"{"model": "demo", "id": "b", "assessment_name": "q", "feedback": {"value": "no"}}"#
            let other = try await server.inference("POST", "/v1/feedback", Data(assessment.utf8))
            #expect(other.status == 202 && other.json["counted"] as? Int == 1, "\(other.text)")
            let score = try await send(
                server,
                #"{"id":"c","value":4}"#,
                to: "/v1/labels?model=demo&kind=feedback"
            )
            #expect(score.counted == 1)
            let odd = try await send(server, #"{"id": "c", "value": "meh"}"#, to: "/v1/feedback?model=demo")
            #expect(odd.rejected.map(\.code) == ["label.bad-feedback"])
            let table = "id,model,value,source\na,demo,down,ann\na,demo,down,ann\n"
            let rows = try await server.inference(
                "POST",
                "/v1/feedback",
                Data(table.utf8),
                headers: ["Content-Type": "text/csv"]
            )
            #expect(rows.json["joined"] as? Int == 1 && rows.json["repeated"] as? Int == 1, "\(rows.text)")
        }
    }

    @Test func anAnswerIsFoundByWhatWasAsked() async throws {
        try await serve { server in
            try await ask(server, "a", parameters: ["account_id": "a-17", "try": 1])
            try await ask(server, "b", parameters: ["account_id": "a-18", "try": 1])
            try await ask(server, "c", parameters: ["account_id": "a-18", "try": 2])
            let now = Timestamp(milliseconds: Int64(Date.now.timeIntervalSince1970 * 1000))
            let between = """
                "between": ["\(now.advanced(by: .seconds(-3600)))", "\(now.advanced(by: .seconds(3600)))"]
                """
            let text = """
                {"match": {"/parameters/account_id": "a-17", \(between)}, "value": 1}
                {"match": {"/parameters/account_id": "a-18", \(between)}, "value": 1}
                {"match": {"/parameters/account_id": "a-18", "/parameters/try": 2, \(between)}, "value": 1}
                {"match": {"/parameters/account_id": "a-19", \(between)}, "value": 1}
                """
            let view = try await send(server, text)
            #expect(view.joined == 2 && view.counted == 2)
            #expect(view.rejected.map(\.line) == [2, 4])
            #expect(view.rejected.map(\.code) == ["label.ambiguous-match", "label.no-match"])
            #expect(try await send(server, #"{"id": "a", "value": 1}"#).repeated == 1)
        }
    }

    @Test func coverageIsByVersionArmAndDay() async throws {
        try await serve { server in
            for number in 0..<4 { try await ask(server, "\(number)") }
            _ = try await send(server, "id,value\n0,1\n1,2\n")
            let view = try await coverage(server)
            let part = try #require(view.parts.first)
            #expect(view.parts.count == 1 && part.version == 1 && part.arm == "stable")
            #expect(part.answers == 4 && part.labelled == 2 && part.coverage == 0.5)
            #expect(part.judged == 2 && part.wrong == 1 && view.warnings == [])
            #expect(part.days.reduce(0) { $0 + $1.answers } == 4)
            _ = try await send(server, #"{"id": "1", "value": 1, "kind": "corrected"}"#)
            #expect(try await coverage(server).parts.map(\.wrong) == [0])

            let unknown = try await server.control("GET", "/v1/labels/coverage?model=nobody")
            #expect(unknown.status == 404)
            for query in ["", "?model=demo&days=0", "?model=a%2Fb"] {
                let odd = try await server.control("GET", "/v1/labels/coverage\(query)")
                #expect(odd.status == 400 && odd.json["code"] as? String == "request.bad-name")
            }
        }
    }

    @Test func armsThatAreLabelledUnequallyAreNamed() async throws {
        try await serve { server in
            _ = try await server.register("demo", fixture: "constant-2.onnx")
            var policy = StoryTests.quick
            policy["rollout"] = ["steps": [["canary": "50%", "for": "1h"]]]
            policy["guards"] = [["metric": "accuracy", "max_drop": "5%", "then": "notify"]]
            _ = try await server.release("demo", 2, policy: policy)
            // Some 200 answers on either arm; only the candidate's are labelled.
            var text = ""
            for number in 0..<400 {
                let answer = try await server.inference(
                    "POST",
                    "/v2/models/demo/infer",
                    StoryTests.ask,
                    headers: ["Belay-Request-Id": "u-\(number)"]
                )
                if answer.headers["belay-arm"] == "candidate" {
                    text += #"{"id": "u-\#(number)", "value": 2}"# + "\n"
                }
            }
            #expect(try await send(server, text).rejected == [])
            let warnings = try await server.until {
                !$0.isEmpty
            } of: {
                try await coverage(server).warnings
            }
            #expect(warnings.count == 1 && warnings[0].contains("differs between the arms"))
        }
    }

    @Test func aTableOrAKindThatNobodyKnowsIsRefusedWhole() async throws {
        try await serve { server in
            let headers = ["Content-Type": "text/csv"]
            let table = try await server.control("POST", "/v1/labels", Data("id\na".utf8), headers: headers)
            #expect(table.status == 400 && table.json["code"] as? String == "labels.not-csv")
            let kind = try await server.control("POST", "/v1/labels?kind=guess", Data("{}".utf8))
            #expect(kind.status == 400)
            let empty = try await server.inference("POST", "/v1/feedback", Data())
            #expect(empty.status == 400 && (empty.json["error"] as? String ?? "").contains("no label"))
        }
    }
}
