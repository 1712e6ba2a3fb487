import ArgumentParser
import BelayCore
import BelayServer
import Foundation
import Testing

@testable import belay

@Suite struct ArgumentTests {
    private func parse<Command: ParsableCommand>(_ words: String, as type: Command.Type) throws -> Command {
        let arguments = words.split(separator: " ").map(String.init)
        let arranged = try Invocation(arguments).arguments(for: Belay.self)
        return try #require(try Belay.parseAsRoot(arranged) as? Command)
    }

    @Test func registerTakesFiguresAndSettings() throws {
        let command = try parse(
            "register fraud m.onnx --label 1.5.0 --metric auc=0.94 --metric b=1e-2 --param d=6 --param q=a=b",
            as: RegisterCommand.self
        )
        #expect(command.model == ModelName("fraud"))
        #expect(command.metrics.map(\.name) == ["auc", "b"])
        #expect(command.metrics.map(\.value) == [0.94, 0.01])
        #expect(command.parameters.map(\.value) == ["6", "a=b"])
    }

    @Test func answersAreAskedForByTimeVersionAndRelease() throws {
        let command = try parse(
            "predictions fraud --since 24h --version 2 --release r7 -o csv --shadows",
            as: PredictionsCommand.self
        )
        let now = try #require(Timestamp("2026-11-24T14:25:03Z"))
        #expect(command.since?.time(before: now) == Timestamp("2026-11-23T14:25:03Z"))
        #expect(command.options.output == .csv && command.shadows && command.release == ReleaseID(7))
        let moment = try parse("predictions fraud --since 2026-11-23T14:25:03Z", as: PredictionsCommand.self)
        #expect(moment.since?.time(before: now) == Timestamp("2026-11-23T14:25:03Z"))
        let query = AnswerQuery(form: "csv", from: 8, since: now, version: "1.5.0", release: ReleaseID(7))
        #expect(
            APIPath.predictions(command.model, query).text
                == "/v1/models/fraud/predictions?format=csv&from=8&limit=5000&since=2026-11-24T14:25:03.000Z"
                + "&version=1.5.0&release=r7"
        )
    }

    @Test func nothingIsErasedWithoutBeingAskedTwice() throws {
        #expect(throws: (any Error).self) {
            try parse("erase fraud --subject customer-17", as: EraseCommand.self)
        }
        let command = try parse("erase fraud --subject customer-17 --yes", as: EraseCommand.self)
        #expect(command.subject == "customer-17")
        #expect(throws: (any Error).self) { try parse("show r42 --subjects", as: ShowCommand.self) }
        #expect(try parse("show r42 --answers --subjects", as: ShowCommand.self).subjects)
    }

    @Test func releaseTakesAVersionByNumberOrLabel() throws {
        let number = try parse(
            "release fraud@3 --policy p.yaml --wait --timeout 1h30m -m why",
            as: ReleaseCommand.self
        )
        #expect(number.version.description == "fraud@3")
        #expect(number.timeout?.duration == .seconds(5400))
        #expect(number.wait && number.reason == "why" && !number.automatic)
        #expect(
            try parse("release fraud@v1.5.0", as: ReleaseCommand.self).version.model == ModelName("fraud")
        )
    }

    @Test(arguments: ["3", "1.5.0", "fraud@3"])
    func rollbackTakesAVersionInAnyForm(text: String) throws {
        let command = try parse("rollback fraud --to \(text) -m x", as: RollbackCommand.self)
        #expect(command.to == VersionText(text == "fraud@3" ? "3" : text))
        #expect(try parse("rollback fraud", as: RollbackCommand.self).to == nil)
    }

    @Test(arguments: ["r142", "142", "#142"])
    func aReleaseHasThreeSpellings(text: String) throws {
        #expect(try parse("hold \(text)", as: HoldCommand.self).act.release == ReleaseID(142))
        #expect(try parse("resume \(text)", as: ResumeCommand.self).act.release == ReleaseID(142))
        #expect(try parse("promote \(text) -m x", as: PromoteCommand.self).act.reason == "x")
        #expect(try parse("why \(text)", as: WhyCommand.self).subject == .release(ReleaseID(142)))
    }

    @Test func theOtherCommandsParse() throws {
        #expect(try parse("status", as: StatusCommand.self).model == nil)
        #expect(try parse("status fraud -w", as: StatusCommand.self).watch)
        #expect(try parse("why", as: WhyCommand.self).subject == nil)
        #expect(
            try parse("why fraud", as: WhyCommand.self).subject == ModelName("fraud").map(WhySubject.model)
        )
        #expect(try parse("releases fraud", as: ReleasesCommand.self).model == ModelName("fraud"))
        #expect(try parse("versions fraud", as: VersionsCommand.self).model == ModelName("fraud"))
        #expect(try parse("label fraud -", as: LabelCommand.self).file == "-")
        #expect(try parse("audit verify --data d", as: AuditCommand.Verify.self).data == "d")
        #expect(try parse("policy check", as: PolicyCommand.Check.self).file == "belay.yaml")
        let shown = try parse("policy show fraud", as: PolicyCommand.Show.self).source
        #expect(shown == ModelName("fraud").map(PolicySource.model))
        let compared = try parse("policy diff fraud new.yaml", as: PolicyCommand.Diff.self)
        #expect(compared.first == shown && compared.second == .file("new.yaml"))
        let again = try parse("replay --release r42 --policy new.yaml", as: ReplayCommand.self)
        #expect(again.release == ReleaseID(42) && again.policy == "new.yaml")
        #expect(try parse("waive r1 recall f1 -m seen", as: WaiveCommand.self).guards == ["recall", "f1"])
        #expect(try parse("incidents --close i7", as: IncidentsCommand.self).close == IncidentID(7))
        #expect(try parse("release fraud@3 --undecidable", as: ReleaseCommand.self).undecidable)
        #expect(try parse("quarantine clear fraud@3 -m ok", as: QuarantineCommand.Clear.self).reason == "ok")
        #expect(try parse("automatic on fraud", as: AutomaticCommand.On.self).model == ModelName("fraud"))
        #expect(try parse("doctor --json", as: DoctorCommand.self).options.form == .json)
        let serve = try parse(
            "serve --data d --listen [::1]:0 --inference localhost:1",
            as: ServeCommand.self
        )
        #expect(serve.options.listen == ListenAddress(host: "::1", port: 0))
        #expect(serve.options.inference.description == "localhost:1")
    }

    @Test(arguments: [
        "status --server http://h:1 -o json", "--server http://h:1 -o json status",
        "--server=http://h:1 --json status", "-o json --server http://h:1 status",
    ])
    func globalOptionsStandBeforeOrBehindTheCommand(words: String) throws {
        let options = try parse(words, as: StatusCommand.self).options
        #expect(options.form == .json)
        #expect(try options.address() == ServerAddress("http://h:1"))
    }

    @Test(arguments: [
        "status a/b", "status ..", "status fraud@1", "release fraud", "release fraud@", "release @1",
        "release a/b@1", "release fraud@a/b", "release fraud@1 --timeout 5", "rollback fraud --to a/b",
        "rollback",
        "hold fraud", "why a/b", "register fraud", "register fraud m --metric auc",
        "register fraud m --metric a=nan",
        "register fraud m --label 12", "versions", "label fraud", "quarantine clear fraud@3", "automatic on",
        "status --server nowhere", "status --server ftp://h", "status --server http://h/path",
        "serve --listen 7700",
        "status -o yaml", "status --sevrer x",
    ])
    func whatIsWrongIsRefusedBeforeAnyServerIsAsked(words: String) {
        let arguments = words.split(separator: " ").map(String.init)
        let error = #expect(throws: (any Error).self) { try Belay.parseAsRoot(arguments) }
        #expect(error.map { Belay.exitCode(for: $0).rawValue } == belay.ExitStatus.usage.rawValue)
    }

    @Test(arguments: [
        ("statsu", "status"), ("rolback", "rollback"), ("policy chek", "check"), ("audit verfy", "verify"),
    ])
    func aMistypedCommandFindsItsNeighbour(words: String, meant: String) throws {
        let arguments = words.split(separator: " ").map(String.init)
        let failure = #expect(throws: CommandFailure.self) {
            try Invocation(arguments).arguments(for: Belay.self)
        }
        #expect(failure?.explanation.remedy == "Did you mean '\(meant)'?")
        #expect(failure?.status == .usage)
    }

    @Test func pathsAreMadeOfIdentities() throws {
        let model = try #require(ModelName("a.b-c_1"))
        let server = try #require(ServerAddress("http://127.0.0.1:7700/"))
        let version = try #require(VersionArgument(argument: "a.b-c_1@1.5.0"))
        let digest = try #require(Digest(String(repeating: "ab", count: 32)))
        let base = "http://127.0.0.1:7700/v1"
        #expect(server.url(.versions(model)).absoluteString == base + "/models/a.b-c_1/versions")
        #expect(server.url(.clear(version)).absoluteString == base + "/models/a.b-c_1/versions/1.5.0/clear")
        #expect(server.url(.releases(of: model)).absoluteString == base + "/releases?model=a.b-c_1")
        #expect(server.url(.why(ReleaseID(3))).absoluteString == base + "/releases/r3/why")
        #expect(server.url(.artifact(digest)).absoluteString == base + "/artifacts/\(digest)")
        #expect(server.description == "http://127.0.0.1:7700")
    }

    @Test func theActorIsTheAccountInWhatAHeaderMayHold() {
        #expect(Client.actor(["USER": "ada"]) == "ada")
        #expect(Client.actor(["USER": "", "LOGNAME": "bob\r\nX: y"]) == "bobX:y")
        #expect(!Client.actor([:]).isEmpty)
    }
}
