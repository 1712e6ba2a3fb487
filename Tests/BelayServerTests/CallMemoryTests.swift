import BelayCore
import Testing

@testable import BelayServer

@Suite struct CallMemoryTests {
    private let noon = Timestamp(milliseconds: 1_800_000_000_000)
    private let done = CallMemory.Answer(
        status: 200,
        contentType: "application/json",
        eTag: "\"7\"",
        body: [1, 2]
    )

    @Test func aRepeatedCallGetsTheFirstAnswer() {
        var memory = CallMemory()
        #expect(memory.begin("a", fingerprint: 1, at: noon) == .new)
        #expect(memory.begin("a", fingerprint: 1, at: noon) == .underway)
        memory.finish("a", with: done)
        #expect(memory.begin("a", fingerprint: 1, at: noon) == .repeated(done))
        #expect(memory.begin("a", fingerprint: 2, at: noon) == .different)
        #expect(memory.begin("b", fingerprint: 2, at: noon) == .new)
    }

    @Test func whatFailedMayBeTriedAgain() {
        var memory = CallMemory()
        _ = memory.begin("a", fingerprint: 1, at: noon)
        memory.finish("a", with: nil)
        #expect(memory.begin("a", fingerprint: 1, at: noon) == .new)
    }

    @Test func aKeyIsForgottenAfterADay() {
        var memory = CallMemory()
        _ = memory.begin("a", fingerprint: 1, at: noon)
        memory.finish("a", with: done)
        let almost = noon.advanced(by: CallMemory.keptFor - .milliseconds(1))
        #expect(memory.begin("a", fingerprint: 1, at: almost) == .repeated(done))
        #expect(memory.begin("a", fingerprint: 1, at: noon.advanced(by: CallMemory.keptFor)) == .new)
    }

    @Test func theOldestCallsMakeRoom() {
        var memory = CallMemory()
        for number in 0...CallMemory.mostCalls {
            _ = memory.begin("\(number)", fingerprint: 1, at: noon)
            memory.finish("\(number)", with: done)
        }
        #expect(memory.begin("1", fingerprint: 1, at: noon) == .repeated(done))
        #expect(memory.begin("0", fingerprint: 1, at: noon) == .new)
    }

    @Test func answersTakeABoundedSpace() {
        var memory = CallMemory()
        let large = CallMemory.Answer(
            status: 200,
            contentType: nil,
            eTag: nil,
            body: Array(repeating: 0, count: CallMemory.mostBytes / 64)
        )
        for number in 0..<65 {
            _ = memory.begin("\(number)", fingerprint: 1, at: noon)
            memory.finish("\(number)", with: large)
        }
        #expect(memory.begin("64", fingerprint: 1, at: noon) == .repeated(large))
        #expect(memory.begin("0", fingerprint: 1, at: noon) == .new)
    }

    @Test func aRouteMapKnowsMethodsByPath() {
        let map = RouteMap([
            (path: "/v1/models/{model}", method: "GET"), (path: "/v1/models/:model", method: "PUT"),
            (path: "/v1/models", method: "POST"),
        ])
        #expect(map.methods(at: "/v1/models/fraud?x=1") == ["GET", "PUT"])
        #expect(map.methods(at: "/v1/models") == ["POST"])
        #expect(map.methods(at: "/v1/nothing").isEmpty)
    }
}
