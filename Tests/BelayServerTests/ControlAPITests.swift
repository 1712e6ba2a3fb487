import BelayServer
import Foundation
import Logging
import Testing

/// What a client of the control API is told when something is wrong, and what it can rely on.
@Suite("Control API", .serialized)
struct ControlAPITests {
    @Test func errorsAreProblemDocumentsWithACodeAndARemedy() async throws {
        try await withServer { server in
            let unknown = try await server.control("POST", "/v1/endpoints/fruad/rollback")
            #expect(unknown.status == 404)
            #expect(unknown.headers["content-type"] == "application/problem+json")
            #expect(unknown.json["code"] as? String == "model.unknown")
            let nothing = try await server.control("GET", "/v1/nothing-here")
            #expect(nothing.status == 404 && nothing.json["code"] as? String == "request.unknown-path")
            let broken = try await server.control("POST", "/v1/models/demo/versions", Data("{".utf8))
            #expect(broken.status == 400 && broken.json["code"] as? String == "request.bad-body")
            let extra = try await server.control(
                "POST",
                "/v1/models/demo/versions",
                ["files": [], "lable": "1.0"]
            )
            #expect(extra.json["code"] as? String == "request.unknown-key")
            #expect((extra.json["remedy"] as? String ?? "").contains("label"))
            let traversal = try await server.control(
                "POST",
                "/v1/models/demo/versions",
                ["files": [["path": "../x", "size": 1, "digest": String(repeating: "a", count: 64)]]]
            )
            #expect(traversal.status == 400)
            let name = try await server.control("GET", "/v1/endpoints/%2e%2e")
            #expect(name.status == 400 || name.status == 404)
        }
    }

    @Test func aWrongMethodIsToldWhichOnesAreTaken() async throws {
        try await withServer { server in
            let wrong = try await server.control("DELETE", "/v1/models")
            #expect(wrong.status == 405 && wrong.json["code"] as? String == "request.wrong-method")
            #expect(wrong.headers["allow"]?.contains("GET") == true)
        }
    }

    @Test func aCallThatIsRepeatedUnderItsKeyHappensOnce() async throws {
        try await withServer { server in
            _ = try await server.register("demo", fixture: "constant-1.onnx")
            func release(_ key: String, _ version: String) async throws -> RunningServer.Answer {
                try await server.control(
                    "POST",
                    "/v1/endpoints/demo/releases",
                    ["version": version],
                    headers: ["Idempotency-Key": key]
                )
            }
            let first = try await release("one", "1")
            let again = try await release("one", "1")
            #expect((200..<300).contains(first.status) && again.status == first.status)
            #expect(again.json["id"] as? String == first.json["id"] as? String)
            #expect(again.headers["idempotent-replayed"] == "true")
            #expect(again.headers["etag"] != nil && again.headers["etag"] == first.headers["etag"])
            let other = try await release("one", "2")
            #expect(other.status == 422 && other.json["code"] as? String == "idempotency.other-call")
            let bad = try await release(String(repeating: "x", count: 256), "1")
            #expect(bad.status == 400)
        }
    }

    @Test(arguments: ["If-Match", "Belay-Reason", "Content-Type"])
    func aCallThatDiffersInAHeaderThatItDependsOnIsAnother(name: String) async throws {
        try await withServer { server in
            func call(_ value: String) async throws -> RunningServer.Answer {
                let headers = ["Idempotency-Key": "one", name: value]
                let label = Data(#"{"id": "x", "model": "demo", "value": 1}"#.utf8)
                return try await server.control("POST", "/v1/labels", label, headers: headers)
            }
            let first = try await call("\"1\"")
            #expect(first.status == 202, "\(first.text)")
            #expect(try await call("\"1\"").headers["idempotent-replayed"] == "true")
            let other = try await call("\"2\"")
            #expect(other.status == 422 && other.json["code"] as? String == "idempotency.other-call")
        }
    }

    @Test func theDescriptionOfTheAPIIsServed() async throws {
        try await withServer { server in
            let document = try await server.control("GET", "/openapi.json")
            #expect(document.status == 200)
            let paths = try #require(document.json["paths"] as? [String: [String: Any]])
            for (path, operations) in paths where path.hasPrefix("/v1/") || path.hasPrefix("/hooks/") {
                guard let post = operations["post"] as? [String: Any] else { continue }
                let names = (post["parameters"] as? [[String: Any]] ?? []).map { $0["$ref"] as? String }
                #expect(names.contains("#/components/parameters/idempotencyKey"), "\(path)")
            }
            #expect(paths["/v1/endpoints/{model}/rollback"] != nil)
            let components = try #require(document.json["components"] as? [String: Any])
            let schemas = try #require(components["schemas"] as? [String: Any])
            let mentions = document.text.matches(of: /#\/components\/schemas\/(\w+)/)
            let named = Set(mentions.map { String($0.output.1) })
            #expect(named.subtracting(schemas.keys) == [], "each schema that is spoken of is there")
        }
    }

    @Test func whoActsOnWhatIsNotSoAnyMoreIsToldSo() async throws {
        try await withServer { server in
            _ = try await server.register("demo", fixture: "constant-1.onnx")
            _ = try await server.release("demo", 1)
            let path = "/v1/endpoints/demo"
            let seen = try #require(try await server.control("GET", path).headers["etag"])
            #expect(try await server.control("GET", "\(path)/policy").headers["etag"] == seen)
            #expect(try await server.control("GET", "/v1/releases/r1").headers["etag"] == seen)
            let policy = ["belay": 1, "model": "demo"] as [String: Any]
            func change(_ tag: String) async throws -> RunningServer.Answer {
                try await server.control("PUT", "\(path)/policy", policy, headers: ["If-Match": tag])
            }
            let changed = try await change(seen)
            #expect(changed.status == 200)
            let now = try #require(changed.headers["etag"])
            #expect(now != seen)
            for stale in [seen, "W/\(now)", "\"x\"", "none"] {
                let late = try await change(stale)
                #expect(late.status == 412, "\(stale)")
                #expect(late.json["code"] as? String == "endpoint.changed-meanwhile")
            }
            #expect(try await server.control("GET", path).headers["etag"] == now, "nothing was done")
            #expect(try await change("\(seen), \(now)").status == 200)
            #expect(try await change("*").status == 200)
            // What is already so contradicts nobody.
            let back = try await server.control(
                "POST",
                "\(path)/rollback",
                ["to": 1],
                headers: ["If-Match": seen]
            )
            #expect(back.status == 200, "\(back.text)")
            let again = try await server.control(
                "POST",
                "\(path)/releases",
                ["version": 1],
                headers: ["If-Match": seen]
            )
            #expect(again.status == 412, "\(again.text)")
        }
    }

    @Test func aPageThatCannotBeIsRefused() async throws {
        try await withServer { server in
            _ = try await server.register("demo", fixture: "constant-1.onnx")
            for query in ["limit=0", "limit=-1", "from=-1", "from=x"] {
                let answer = try await server.control("GET", "/v1/models/demo/predictions?\(query)")
                #expect(answer.status == 400, "\(query)")
            }
        }
    }

    @Test func aWebPageMayNotActOnTheServersBehalf() async throws {
        try await withServer { server in
            let foreign = try await server.control(
                "POST",
                "/v1/endpoints/demo/rollback",
                headers: ["Origin": "https://example.org"]
            )
            #expect(foreign.status == 403 && foreign.json["code"] as? String == "request.foreign-origin")
            let own = try await server.control(
                "GET",
                "/v1/status",
                headers: ["Origin": "http://\(server.addresses.control)"]
            )
            #expect(own.status == 200)
        }
    }

    @Test func aWrongPolicyNamesEachPlace() async throws {
        try await withServer { server in
            _ = try await server.register("demo", fixture: "constant-1.onnx")
            let policy: [String: Any] = [
                "belay": 1, "model": "demo", "guards": [["metric": "error_rate", "treshold": 1]],
            ]
            let answer = try await server.control(
                "POST",
                "/v1/endpoints/demo/releases",
                ["version": 1, "policy": policy]
            )
            #expect(answer.status == 422)
            #expect(answer.json["category"] as? String == "badPolicy")
            let problem = try answer.decoded(ProblemView.self)
            #expect(problem.errors?.first?.pointer.contains("treshold") == true)
        }
    }

    @Test func bytesThatAreNotWhatWasAnnouncedAreNotKept() async throws {
        try await withServer { server in
            let digest = digestText(Data("something else".utf8))
            let put = try await server.control("PUT", "/v1/artifacts/\(digest)", Data("bytes".utf8))
            #expect(put.status == 400 && put.json["code"] as? String == "artifact.digest-mismatch")
            #expect(try await server.control("HEAD", "/v1/artifacts/\(digest)").status == 404)
        }
    }

    @Test func labelsSucceedOneByOne() async throws {
        try await withServer { server in
            _ = try await server.register("demo", fixture: "constant-1.onnx")
            _ = try await server.release("demo", 1)
            _ = try await server.inference(
                "POST",
                "/v2/models/demo/infer",
                StoryTests.ask,
                headers: ["Belay-Request-Id": "a"]
            )
            let lines = """
                {"id": "a", "model": "demo", "value": 1}
                {"id": "a", "model": "demo", "value": 1}
                {"id": "b", "model": "demo", "value": 1}
                {"id": "a", "model": "nobody", "value": 1}
                not json
                {"id": "a", "model": "demo", "value": "text"}
                """
            let answer = try await server.control("POST", "/v1/labels", Data(lines.utf8))
            #expect(answer.status == 202)
            let view = try answer.decoded(LabelsView.self)
            #expect(view.accepted == 3 && view.joined == 1 && view.repeated == 1 && view.waiting == 1)
            #expect(
                view.rejected.map(\.code) == [
                    "label.unknown-model", "label.unreadable", "label.not-comparable",
                ]
            )
            #expect(view.rejected.map(\.line) == [4, 5, 6])
        }
    }

    @Test func aSecondServerIsToldWhoHasTheData() async throws {
        try await withServer { server in
            let loopback = ListenAddress(host: "127.0.0.1", port: 0)
            let settings = Settings(
                data: server.data,
                listen: loopback,
                inference: loopback,
                onnxRuntime: nil
            )
            let second = Assembly(settings: settings, logger: Logger(label: "second"))
            let error = await #expect(throws: (any Error).self) {
                try await second.run(handlesSignals: false) { _ in }
            }
            let told = try #require(error)
            #expect("\(told)".contains("\(ProcessInfo.processInfo.processIdentifier)"))
        }
    }

    @Test func nobodyMayListenWhereAnyoneCanReachIt() async throws {
        let open = ListenAddress(host: "0.0.0.0", port: 0)
        let loopback = ListenAddress(host: "127.0.0.1", port: 0)
        let settings = Settings(
            data: NSTemporaryDirectory() + "never-made",
            listen: open,
            inference: loopback,
            onnxRuntime: nil
        )
        await #expect(throws: ServerError.notLoopback(open)) {
            try await Assembly(settings: settings, logger: Logger(label: "open")).run(
                handlesSignals: false
            ) { _ in }
        }
    }
}
