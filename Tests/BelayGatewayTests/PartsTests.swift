import BelayCore
import BelayInference
import NIOCore
import NIOEmbedded
import Testing

@testable import BelayGateway

@Suite struct InferencePathTests {
    @Test(arguments: [
        ("GET", "/v2", InferencePath.server),
        ("GET", "/v2/", .server),
        ("GET", "/v2?x=1", .server),
        ("GET", "/v2/health/live", .live),
        ("GET", "/v2/health/ready", .ready),
        ("GET", "/v2/models/m", .model("m", .routed, .metadata)),
        ("GET", "/v2/models/m/ready", .model("m", .routed, .ready)),
        ("POST", "/v2/models/m/infer", .model("m", .routed, .infer)),
        ("GET", "/v2/models/m/versions/3", .model("m", .version("3"), .metadata)),
        ("GET", "/v2/models/m/versions/3/ready", .model("m", .version("3"), .ready)),
        ("POST", "/v2/models/m/versions/3/infer", .model("m", .version("3"), .infer)),
        ("POST", "/v2/models/my%20model/infer", .model("my model", .routed, .infer)),
        ("POST", "/v2/models/a%2Fb%2525/infer", .model("a/b%25", .routed, .infer)),
        ("POST", "/v2/models/m/labels/champion/infer", .model("m", .alias("champion"), .infer)),
        ("GET", "/v2/models/m/labels/1.5.0", .model("m", .alias("1.5.0"), .metadata)),
        ("GET", "/v2/models/stats", .statistics),
        ("GET", "/v2/models/m/stats", .model("m", .routed, .statistics)),
        ("GET", "/v2/models/m/versions/2/stats", .model("m", .version("2"), .statistics)),
        ("POST", "/v2/repository/index", .index),
        ("POST", "/v2/repository/models/m/load", .repository("m", .load)),
        ("POST", "/v2/repository/models/m/unload", .repository("m", .unload)),
        ("POST", "/invocations", .invocations(nil)),
        ("POST", "/models/m/invocations", .invocations("m")),
        ("GET", "/ping", .ping), ("GET", "/health", .ping), ("GET", "/version", .version),
        ("POST", "/v1/labels", .labels), ("POST", "/v1/feedback", .feedback),
        ("GET", "http://localhost:8000/v2/models/m?x=http://y", .model("m", .routed, .metadata)),
        ("POST", "HTTPS://h/v2/models/m/infer", .model("m", .routed, .infer)),
    ])
    func aPathSaysWhatIsAsked(method: String, uri: String, expected: InferencePath) {
        #expect(InferencePath.parse(method: method, uri: uri) == .success(expected))
    }

    @Test(arguments: [
        "", "/", "*", "v2", "http:/v2", "http://v2", "ftp://h/v2", "h/v2", "http://h?/v2", "/http://h/v2",
        "/v1", "/v1/label", "/v3", "/v2/health", "/v2/health/live/", "/v2/models",
        "/v2/models/",
        "/v2/models//infer", "/v2/models/m/", "/v2/models/m/infer/", "/v2/models/m/versions",
        "/v2/models/m/load",
        "/v2/models/m/versions/1/infer/x", "/v2/models/m%/infer", "/v2/models/m%4/infer",
        "/v2/models/%ff/infer",
        "/v2/models/m/versions/1/versions/2",
    ])
    func anyOtherPathIsNone(uri: String) {
        #expect(InferencePath.parse(method: "GET", uri: uri) == .failure(.noSuchPath))
    }

    @Test func aWrongVerbNamesTheRightOne() {
        #expect(
            InferencePath.parse(method: "GET", uri: "/v2/models/m/infer")
                == .failure(.wrongMethod(allowed: "POST"))
        )
        #expect(InferencePath.parse(method: "POST", uri: "/v2") == .failure(.wrongMethod(allowed: "GET")))
    }
}

@Suite struct AssignmentTests {
    private func toss(_ unit: String?, _ route: Route, fresh: UInt64 = 0) throws -> Assignment {
        try Assignment.tossed(
            sticky: unit.map { UnitHash(bytes: $0.utf8) },
            fresh: { UnitHash(fresh) },
            route: route,
            loaded: [version(1), version(2)]
        )
    }

    @Test func aUnitKeepsItsArmAndARampOnlyAddsUnits() throws {
        var candidates: Set<Int> = []
        for percent in [1, 5, 20, 50, 100] {
            let routes = route(stable: 1, candidate: 2, share: share(percent * 10_000))
            let now = try Set((0..<20_000).filter { try toss("unit-\($0)", routes).arm == .candidate })
            #expect(now.isSuperset(of: candidates))
            // Four standard deviations of a fair coin.
            let (expected, deviation) = (
                200 * percent, 2 * Double(percent * (100 - percent) * 2).squareRoot()
            )
            #expect(abs(Double(now.count - expected)) <= 2 * deviation, "\(now.count) at \(percent) %")
            candidates = now
        }
    }

    @Test func withoutAUnitTheFreshCoinDecidesAndDoesNotStick() throws {
        let routes = route(stable: 1, candidate: 2)
        let arms = try Set((0..<64).map { try toss(nil, routes, fresh: UInt64($0)).arm })
        #expect(arms == [.stable, .candidate])
        #expect(try toss(nil, routes).stickyUnit == nil)
    }

    @Test func theShareIsThatOfTheMomentAndNoneWithoutACandidate() throws {
        #expect(
            try toss("a", route(stable: 1, candidate: 2)).trial
                == Assignment.Trial(release: release, share: half, isCounted: true)
        )
        #expect(try toss("a", route(stable: 1)).trial == nil)
        #expect(try toss("a", route(stable: 1, candidate: 2, share: .all)).trial?.isCounted == false)
    }

    @Test func aWithdrawnCandidateGetsNothingEvenIfTheRouteStillNamesIt() throws {
        let routes = route(stable: 1, candidate: 2, share: .all, withdrawn: [2])
        #expect(try toss("a", routes).version == version(1))
        #expect(throws: Rejection.nothingServes(fraud)) { try toss("a", route(stable: 1, withdrawn: [1])) }
        #expect(throws: Rejection.nothingServes(fraud)) { try toss("a", route(stable: nil)) }
    }
}

@Suite struct OutputGuardTests {
    /// What is said of the one output there is, whether it is asked for by name or not.
    private func verdict(_ answered: [NamedTensor]) throws -> Result<[NamedTensor], OutputGuard.Fault> {
        let named = OutputGuard.admit(answered, wanted: ["y"], signature: try signature())
        #expect(OutputGuard.admit(answered, wanted: [], signature: try signature()) == named)
        return named
    }

    @Test func whatTheSignaturePromisesPassesAndMoreIsLeftOut() throws {
        let promised = try floats("y", [1, 2], shape: [2])
        #expect(try verdict([try floats("z", [.nan], shape: [1]), promised]) == .success([promised]))
        #expect(try verdict([promised]) == .success([promised]))
        let empty = try floats("y", [], shape: [0])
        #expect(try verdict([empty]) == .success([empty]))
    }

    @Test func outputsLeaveInTheOrderOfTheSignatureWhenNoneIsNamed() throws {
        let both = try #require(
            Signature(
                inputs: [TensorSpec(name: "x", type: .fp32, shape: [nil, 2])],
                outputs: ["a", "b"].map { TensorSpec(name: $0, type: .fp32, shape: [nil]) }
            )
        )
        let (a, b) = (try floats("a", [1], shape: [1]), try floats("b", [2], shape: [1]))
        #expect(OutputGuard.admit([b, a], wanted: [], signature: both) == .success([a, b]))
        #expect(OutputGuard.admit([a, b], wanted: ["b", "a"], signature: both) == .success([b, a]))
    }

    @Test func everyOtherAnswerIsNamed() throws {
        let wrong: [([NamedTensor], String)] = [
            ([], "Output 'y' is missing."),
            ([try floats("y", [1, 2], shape: [1, 2])], "Output 'y' has shape [1, 2], not [-1]."),
            ([try floats("y", [1, .nan], shape: [2])], "Output 'y' is NaN or infinite at element 1."),
            ([try floats("y", [.infinity], shape: [1])], "Output 'y' is NaN or infinite at element 0."),
            (
                [NamedTensor(name: "y", tensor: try Tensor(type: .int8, shape: [1], storage: .packed([7])))],
                "Output 'y' is INT8, not FP32."
            ),
        ]
        for (answered, sentence) in wrong {
            #expect(try verdict(answered) == .failure(OutputGuard.Fault(sentence: sentence)))
        }
    }
}

@Suite struct OutgoingBytesTests {
    @Test func anAnswerThatHasNotLeftKeepsItsBytes() {
        let cell = EventLoopCell(eventLoop: EmbeddedEventLoop())
        let first = cell.outgoing(about: 8) { _ = $0.writeString("first") }
        let second = cell.outgoing(about: 8) { _ = $0.writeString("second") }
        #expect(String(buffer: first) == "first")
        #expect(String(buffer: second) == "second")
    }

    @Test func memoryIsUsedAgainUnlessThereIsMuchOfIt() {
        let cell = EventLoopCell(eventLoop: EmbeddedEventLoop())
        func place(of text: String) -> (Int?, String) {
            let bytes = cell.outgoing(about: text.utf8.count) { _ = $0.writeString(text) }
            return (
                bytes.withUnsafeReadableBytes { $0.baseAddress.map(Int.init(bitPattern:)) },
                String(buffer: bytes)
            )
        }
        let long = place(of: "a longer answer")
        let short = place(of: "short")
        #expect(long.0 == short.0)
        #expect(short.1 == "short")
        let many = String(repeating: "x", count: EventLoopCell.mostOutput + 1)
        #expect(place(of: many).1 == many)
        let few = cell.outgoing(about: 8) { _ = $0.writeString("small") }
        #expect(few.capacity < EventLoopCell.mostOutput)
        _ = place(of: String(repeating: "x", count: EventLoopCell.mostOutput / 2))
        // Who does not take a short answer holds no more than that.
        let held = cell.outgoing(about: 8) { _ = $0.writeString("small") }
        #expect(held.capacity <= 64)
    }
}

@Suite struct SeenUnitsTests {
    private let tenth = Share(partsPerMillion: 100_000) ?? .none
    private let epoch = EvidenceEpoch(release: release, number: 0)

    @Test func aUnitIsTossedOnceAtEachShare() {
        let seen = SeenUnits(limit: 100)
        let unit = UnitHash(5)
        let (one, two) = (
            EvidenceEpoch(release: ReleaseID(1), number: 0), EvidenceEpoch(release: ReleaseID(2), number: 0)
        )
        #expect(seen.chance(of: unit, on: .stable, at: tenth, in: one) == tenth)
        #expect(seen.chance(of: unit, on: .stable, at: tenth, in: one) == .none)
        #expect(seen.chance(of: unit, on: .stable, at: tenth, in: two) == tenth)
        seen.keepOnly([two])
        #expect(seen.chance(of: unit, on: .stable, at: tenth, in: two) == .none)
        #expect(seen.chance(of: unit, on: .stable, at: tenth, in: one) == tenth)
    }

    @Test func aUnitThatStayedIsTossedAgainWithTheProbabilityThatIsLeft() {
        let seen = SeenUnits(limit: 100)
        _ = seen.chance(of: UnitHash(1), on: .stable, at: tenth, in: epoch)
        // From 10 % to 50 %: 0.4 of the 0.9 that were left.
        let again = seen.chance(of: UnitHash(1), on: .candidate, at: half, in: epoch)
        #expect(again == Share(partsPerMillion: 444_444))
        #expect(seen.chance(of: UnitHash(1), on: .candidate, at: half, in: epoch) == .all)
    }

    @Test func aUnitThatHasFallenIsCertainAtEveryShare() {
        let seen = SeenUnits(limit: 100)
        #expect(seen.chance(of: UnitHash(1), on: .candidate, at: tenth, in: epoch) == tenth)
        #expect(seen.chance(of: UnitHash(1), on: .candidate, at: half, in: epoch) == .all)
    }

    @Test func beyondTheLimitNewUnitsAreNoEvidenceAndThatIsTold() {
        let seen = SeenUnits(limit: 16)
        let tossed = (0..<64).count {
            seen.chance(of: UnitHash(UInt64($0)), on: .stable, at: half, in: epoch) == half
        }
        #expect(tossed == 16)
        #expect(seen.uncounted == 48)
        #expect(seen.chance(of: UnitHash(0), on: .stable, at: half, in: epoch) == .none)
        #expect(seen.uncounted == 48)
    }

    @Test func aLaterEpochTossesEveryUnitAnewAndForgetsAllButTheOneBefore() {
        let seen = SeenUnits(limit: 100)
        let epochs = (0..<3).map { EvidenceEpoch(release: release, number: $0) }
        for epoch in epochs {
            seen.keepOnly([epoch])
            #expect(seen.chance(of: UnitHash(1), on: .candidate, at: tenth, in: epoch) == tenth)
            #expect(seen.chance(of: UnitHash(1), on: .candidate, at: tenth, in: epoch) == .all)
        }
        // A request that was routed before the last change and ends after it.
        #expect(seen.chance(of: UnitHash(1), on: .candidate, at: tenth, in: epochs[1]) == .all)
        #expect(seen.chance(of: UnitHash(1), on: .candidate, at: tenth, in: epochs[0]) == tenth)
    }
}

@Suite struct RejectionTests {
    @Test func everyRejectionHasASentenceThatJSONCanCarry() {
        let odd = "a\"b\\c\nd\u{1}é"
        let all: [Rejection] = [
            .noSuchPath, .wrongMethod(allowed: "GET"), .unknownModel(odd, similar: nil),
            .unknownModel("a", similar: fraud),
            .unknownVersion(model: fraud, odd), .withdrawn(fraudVersion(1)), .bodyTooLarge(limit: 1),
            .bodyTooSlow(seconds: 1), .unknownCoding("no"), .transferCoding("gzip, \""),
            .badCompression("no"), .wrongContent("no"),
            .headersTooLong, .notHTTP("x"), .deadline("\"x"), .severalModels, .notByHand("no"),
            .unknownAlias(model: fraud, "x\"y"), .tooLarge("long"), .tripped(fraudVersion(1)),
            .cutOff(fraudVersion(1)), .busy, .logFull(fraud), .tooLate(fraud, milliseconds: 3),
            .malformed(odd), .mismatch(odd),
            .nothingServes(fraud), .notLoaded(fraudVersion(1)), .overloaded(fraudVersion(1)),
            .rerouted(fraud, times: 3), .timedOut(fraudVersion(1), milliseconds: 5),
            .failed(fraudVersion(1), reason: odd), .invalidOutput(fraudVersion(1), reason: odd),
        ]
        for rejection in all {
            #expect(!rejection.sentence.isEmpty)
            #expect((400...504).contains(rejection.status))
            let body = Reply(rejection, headers: []).body
            #expect(JSONPointer("/error")?.scalar(in: body) == rejection.sentence)
        }
    }
}
