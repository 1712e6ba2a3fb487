import BelayCore
import BelayGateway
import BelayInference
import NIOHTTP1
import Testing

@Suite struct ServingTests {
    @Test func aRequestIsAnsweredByStableAndToldByWhom() async throws {
        try await Rig.run { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            _ = try await rig.gateway.publish(table(3, route(stable: 1)))
            let client = try await rig.client()
            let response = try await client.post(inferPath, headers: ["Belay-Request-Id": "mine"], question)
            #expect(response.status == 200)
            #expect(
                response.text == #"{"model_name":"fraud","model_version":"1","id":"q-1","outputs":"#
                    + #"[{"name":"y","datatype":"FP32","shape":[1],"data":[1.0]}]}"#
            )
            #expect(response["Belay-Version"] == "1")
            #expect(response["Belay-Arm"] == "stable")
            #expect(response["Belay-Release"] == "r1")
            #expect(response["Belay-Epoch"] == "3")
            #expect(response["Belay-Request-Id"] == "mine")
            #expect(response["Belay-Fallback"] == nil)
            #expect(response["Content-Type"] == "application/json")
            let answer = try #require(rig.log.last)
            #expect(answer.id == "mine")
            #expect(answer.version == version(1))
            #expect(answer.arm == .stable)
            #expect(answer.share == .none)
            #expect(answer.release == nil)
            #expect(answer.status == 200)
            #expect(answer.request == Array(question.utf8))
            #expect(answer.response == response.body)
            #expect(await rig.gateway.collect().isEmpty)
        }
    }

    @Test func anUnfitRequestIdIsReplacedAndOtherBelayHeadersAreIgnored() async throws {
        try await Rig.run { rig in
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try constant(2), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, standbys: [2])))
            let client = try await rig.client()
            let long = String(repeating: "i", count: 129)
            for unfit in ["with space", long] {
                let headers: HTTPHeaders = [
                    "Belay-Request-Id": unfit, "Belay-Version": "2", "Belay-Arm": "candidate",
                ]
                let response = try await client.post(inferPath, headers: headers, question)
                #expect(response["Belay-Request-Id"]?.hasPrefix("made-") == true)
                #expect(response["Belay-Version"] == "1")
            }
        }
    }

    @Test func aPinnedRequestGetsTheVersionItNamesAndIsNoEvidence() async throws {
        try await Rig.run { rig in
            for number in 1...3 { rig.pool.put(try constant(Float(number)), for: fraudVersion(number)) }
            let route = route(stable: 1, candidate: 2, standbys: [3], withdrawn: [4])
            _ = try await rig.gateway.publish(table(1, route))
            let client = try await rig.client()
            for number in 1...3 {
                let response = try await client.ask(path: "/v2/models/fraud/versions/\(number)/infer")
                #expect(try answered(response) == Float(number))
                #expect(response["Belay-Arm"] == "pinned")
                #expect(response["Belay-Release"] == nil)
            }
            #expect(try await client.ask(path: "/v2/models/fraud/versions/4/infer").status == 410)
            #expect(try await client.ask(path: "/v2/models/fraud/versions/5/infer").status == 404)
            #expect(try await client.ask(path: "/v2/models/fraud/versions/x/infer").status == 404)
            #expect(await rig.gateway.collect().isEmpty)
            #expect(rig.log.all.map(\.status) == [200, 200, 200, 410, 404, 404])
            #expect(rig.log.all.map { $0.version?.value } == [1, 2, 3, nil, nil, nil])
        }
    }

    @Test func anUnknownModelIsNamedAndACloseOneSuggested() async throws {
        try await Rig.run { rig in
            _ = try await rig.gateway.publish(table(1, route(stable: nil)))
            let client = try await rig.client()
            let response = try await client.ask(path: "/v2/models/fruad/infer")
            #expect(response.status == 404)
            #expect(response.text == #"{"error":"No model 'fruad' serves here; did you mean 'fraud'?"}"#)
            #expect(
                try await client.get("/v2/models/other").text.contains(
                    "a registered one must be released first."
                )
            )
            #expect(rig.log.all.isEmpty)
        }
    }

    @Test func aModelWithoutStableOrWithoutInstanceAsksToComeBack() async throws {
        try await Rig.run { rig in
            let client = try await rig.client()
            _ = try await rig.gateway.publish(table(1, route(stable: nil)))
            let nothing = try await client.ask()
            #expect(nothing.status == 503)
            #expect(nothing["Retry-After"] == "1")
            _ = try await rig.gateway.publish(table(2, route(stable: 1)))
            let loading = try await client.ask()
            #expect(loading.status == 503)
            #expect(loading.text.contains("being loaded"))
            #expect(rig.log.all.map(\.status) == [503, 503])
        }
    }

    @Test(arguments: [
        ("{", "at byte 1"),
        (#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[NaN,1]}]}"#, "NaN"),
        (#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,Infinity]}]}"#, "Infinity"),
        (#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP64","data":[1,2]}]}"#, "datatype is FP64"),
        (#"{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}"#, "shape is [1, 3]"),
        (#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1]}]}"#, "there are 1"),
        (#"{"inputs":[{"name":"z","shape":[1,2],"datatype":"FP32","data":[1,2]}]}"#, "no input 'z'"),
        (
            #"{"inputs":[{"name":"x","shape":[9223372036854775807,2],"datatype":"FP32","data":[]}]}"#,
            "elements"
        ),
        (
            #"{"inputs":[{"name":"x","shape":[9223372036854775808],"datatype":"FP32","data":[]}]}"#,
            "dimension"
        ),
        (#"{"inputs":[]}"#, "'x'"),
    ])
    func aRequestThatDoesNotSuitTheModelIsToldWhyAndChargedToNobody(body: String, hint: String) async throws {
        try await Rig.run(loops: 1) { rig in
            for number in 1...2 { rig.pool.put(try constant(Float(number)), for: fraudVersion(number)) }
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2)))
            let client = try await rig.client()
            for arm in [Arm.stable, .candidate] {
                let response = try await client.post(inferPath, headers: ["X-User": user(in: arm)], body)
                #expect(response.status == 400)
                #expect(response.text.contains(hint), "\(response.text)")
                #expect(response.text.hasPrefix(#"{"error":""#))
            }
            #expect(await rig.gateway.collect().isEmpty)
            #expect(rig.log.all.map(\.status) == [400, 400])
            #expect(try await client.ask().status == 200)
        }
    }

    @Test func stableThatFailsIsAnErrorAndItsCharge() async throws {
        try await Rig.run { rig in
            let failing = ScriptedInstance(signature: try signature()) { _ throws(InferenceError) in
                throw .runFailed(reason: "out of luck")
            }
            rig.pool.put(failing, for: fraudVersion(1))
            rig.pool.put(try constant(2), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, candidate: 2)))
            let client = try await rig.client()
            let response = try await client.ask(user: user(in: .stable))
            #expect(response.status == 500)
            #expect(response.text.contains("out of luck"))
            #expect(await rig.gateway.collect().counts == [key(.errorRate, .stable, bad: true): 1])
        }
    }

    @Test func stableThatGivesNaNIsAnErrorAndNotAnAnswer() async throws {
        try await Rig.run { rig in
            rig.pool.put(try constant(.nan), for: fraudVersion(1))
            _ = try await rig.gateway.publish(table(1, route(stable: 1)))
            let response = try await rig.client().ask()
            #expect(response.status == 500)
            #expect(response.text.contains("NaN"))
        }
    }

    @Test func stableThatHangsIsATimeoutWithinItsLimit() async throws {
        try await Rig.run { rig in
            let gate = rig.gate()
            rig.pool.put(try waiting(1, at: gate), for: fraudVersion(1))
            _ = try await rig.gateway.publish(table(1, route(stable: 1, timeout: 30)))
            let response = try await rig.client().ask()
            #expect(response.status == 504)
            #expect(response.text.contains("30 ms"))
            gate.open()
        }
    }

    @Test func stableWithTooManyWaitingIsOverloaded() async throws {
        try await Rig.run(configure: {
            $0.laneThreads = 1; $0.laneWaiting = 0
        }) { rig in
            let gate = rig.gate()
            rig.pool.put(try waiting(1, at: gate), for: fraudVersion(1))
            _ = try await rig.gateway.publish(table(1, route(stable: 1)))
            let (first, second) = (try await rig.client(), try await rig.client())
            async let slow = first.ask()
            try await gate.waitForRun()
            let refused = try await second.ask()
            #expect(refused.status == 503)
            #expect(refused["Retry-After"] == "1")
            gate.open()
            #expect(try await slow.status == 200)
        }
    }

    @Test func metadataAndHealthFollowTheRoutes() async throws {
        try await Rig.run { rig in
            let client = try await rig.client()
            #expect(try await client.get("/v2").text.contains(#""extensions":["binary_tensor_data","#))
            #expect(try await client.get("/v2/health/live").status == 200)
            #expect(try await client.get("/v2/health/ready").status == 400)
            _ = try await rig.gateway.publish(table(1, route(stable: 1, standbys: [2], withdrawn: [3])))
            #expect(try await client.get("/v2/health/ready").status == 400)
            #expect(try await client.get("/v2/models/fraud/ready").status == 400)
            rig.pool.put(try constant(1), for: fraudVersion(1))
            // The same epoch again: the routes stay, the instances are looked up anew.
            _ = try await rig.gateway.publish(table(1, route(stable: 1, standbys: [2], withdrawn: [3])))
            #expect(try await client.get("/v2/health/ready").status == 200)
            #expect(try await client.get("/v2/models/fraud/ready").status == 200)
            #expect(try await client.get("/v2/models/fraud/versions/2/ready").status == 400)
            #expect(try await client.get("/v2/models/fraud/versions/3/ready").status == 410)
            let tensors =
                #""inputs":[{"name":"x","datatype":"FP32","shape":[-1,2]}],"#
                + #""outputs":[{"name":"y","datatype":"FP32","shape":[-1]}]}"#
            #expect(
                try await client.get("/v2/models/fraud").text
                    == #"{"name":"fraud","versions":["1","2"],"platform":"onnx_onnxv1","# + tensors
            )
            #expect(
                try await client.get("/v2/models/fraud/versions/1").text
                    == #"{"name":"fraud","versions":["1"],"platform":"onnx_onnxv1","# + tensors
            )
        }
    }

    @Test func aWrongVerbSaysWhichIsAllowed() async throws {
        try await Rig.run { rig in
            let client = try await rig.client()
            let response = try await client.get("/v2/models/fraud/infer")
            #expect(response.status == 405)
            #expect(response["Allow"] == "POST")
            #expect(try await client.post("/v2/health/live", "{}")["Allow"] == "GET, HEAD")
            #expect(try await client.get("/nowhere").status == 404)
        }
    }

    @Test func aBodyCountsUntilNoVersionReadsItAnyMore() async throws {
        try await Rig.run {
            $0.bodiesLimit = question.utf8.count
        } _: { rig in
            let gate = rig.gate()
            rig.pool.put(try constant(1), for: fraudVersion(1))
            rig.pool.put(try waiting(2, at: gate), for: fraudVersion(2))
            _ = try await rig.gateway.publish(table(1, route(stable: 2, standbys: [1])))
            let client = try await rig.client()
            async let first = client.ask()
            try await gate.waitForRun()
            _ = try await rig.gateway.publish(table(2, route(stable: 1, withdrawn: [2])))
            #expect(try await first.status == 200)
            // Its caller has its answer, and the version that was withdrawn still has the body.
            let second = try await client.ask()
            #expect(second.status == 503)
            #expect(second.text.contains("Too many request bodies"))
            gate.open()
        }
    }

    @Test func labelsGoToTheirKeeper() async throws {
        try await Rig.run { rig in
            let headers: HTTPHeaders = ["Content-Type": "application/x-ndjson"]
            let response = try await rig.client().post("/v1/labels", headers: headers, #"{"id":"a"}"#)
            #expect(response.status == 202)
            #expect(response.text == #"{"bytes":10,"type":"application/x-ndjson","feedback":false}"#)
            let opinion = try await rig.client().post("/v1/feedback", headers: headers, #"{"id":"a"}"#)
            #expect(opinion.text == #"{"bytes":10,"type":"application/x-ndjson","feedback":true}"#)
        }
    }
}
