import BelayCore
import BelayServer
import Testing

@testable import belay

@Suite struct FailureTests {
    private let look = Look(isColoured: false, symbols: .unicode)

    private func problem(category: String, detail: String = "It failed.") -> CommandFailure {
        .problem(
            ProblemView(
                type: "/docs/errors#x",
                title: "It failed.",
                status: 409,
                code: "a.code",
                category: category,
                detail: detail,
                remedy: "Mend it.",
                errors: nil
            )
        )
    }

    @Test(arguments: [
        (FailureCategory.refused, Int32(3)), (.notFound, 5), (.conflict, 6), (.unsafe, 10), (.badPolicy, 65),
        (.invalid, 1), (.tooLarge, 1), (.unavailable, 1), (.failed, 1),
    ])
    func eachKindOfProblemHasItsExitCode(category: FailureCategory, code: Int32) {
        #expect(problem(category: category.rawValue).status.rawValue == code)
    }

    @Test func aKindFromALaterServerIsAnError() {
        #expect(problem(category: "somethingNew").status == .error)
    }

    @Test func theExitCodesAreTheDocumentedOnes() {
        #expect(belay.ExitStatus.allCases.map(\.rawValue) == [1, 3, 5, 6, 7, 9, 10, 64, 65])
    }

    @Test(arguments: [
        (ReleaseEnding.settled, belay.ExitStatus?.none), (.refused, .refused), (.rolledBack, .rolledBack),
    ])
    func waitingEndsAsTheReleaseDid(ending: ReleaseEnding, status: belay.ExitStatus?) {
        #expect(ending.status == status)
    }

    @Test func aProblemIsToldInThreeLines() {
        #expect(
            problem(category: "conflict", detail: "Because.").text(look)
                == "error: It failed.\n       Because.\n       Mend it. [a.code]\n"
        )
        #expect(problem(category: "conflict").text(look) == "error: It failed.\n       Mend it. [a.code]\n")
    }

    @Test func noServerSaysHowToStartOne() {
        let failure = CommandFailure.noAnswer(server: "http://h:1", reason: "the connection was refused")
        #expect(
            failure.text(look) == """
                error: No Belay server answers at http://h:1: the connection was refused.
                       Start one with `belay serve`, or name another with --server or BELAY_SERVER. \
                [server.no-answer]

                """
        )
        #expect(failure.status == .error)
    }

    @Test func theCoresOwnErrorsKeepTheirCode() throws {
        let model = try #require(ModelName("fraud"))
        let failure = try #require(CommandFailure(any: Refusal.unknownModel(model, near: nil)))
        #expect(failure.status == .notFound)
        #expect(failure.explanation.code == "model.unknown")
    }

    @Test func colourFollowsTheStreamAndItsReader() {
        #expect(Look(isTerminal: true, environment: ["LANG": "en_US.UTF-8"]).isColoured)
        #expect(!Look(isTerminal: false, environment: [:]).isColoured)
        #expect(!Look(isTerminal: true, environment: ["NO_COLOR": "1"]).isColoured)
        #expect(!Look(isTerminal: true, environment: ["TERM": "dumb"]).isColoured)
        #expect(Look(isTerminal: true, environment: ["NO_COLOR": ""]).isColoured)
        #expect(Look(isTerminal: true, environment: ["LC_ALL": "C"]).symbols == .ascii)
        #expect(Look(isTerminal: true, environment: [:]).symbols == .unicode)
    }
}
