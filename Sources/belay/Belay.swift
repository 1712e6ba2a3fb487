import ArgumentParser
import BelayServer

/// `belay`: the command line, a client of the control API, and the server behind it.
@main
struct Belay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "belay",
        abstract: "Put machine-learning models into service, and take them back.",
        discussion: """
            Results go to standard output, everything else to standard error. --server and BELAY_SERVER name \
            the server, http://127.0.0.1:7700 unless said.

            Exit codes: 0 done · 1 error · 3 refused by a gate · 5 not found · 6 conflict or quarantined · \
            7 rolled back · 9 timed out waiting · 10 unsafe: nothing good to go back to · 64 wrong usage · \
            65 bad policy file
            """,
        version: belayVersion,
        groupedSubcommands: [
            CommandGroup(
                name: "Start",
                subcommands: [DemoCommand.self, ServeCommand.self, DoctorCommand.self]
            ),
            CommandGroup(
                name: "Ship",
                subcommands: [
                    RegisterCommand.self, ReleaseCommand.self, PromoteCommand.self, HoldCommand.self,
                    ResumeCommand.self, WaiveCommand.self, ShadowCommand.self, AliasCommand.self,
                ]
            ),
            CommandGroup(
                name: "Stop",
                subcommands: [RollbackCommand.self, QuarantineCommand.self, AutomaticCommand.self]
            ),
            CommandGroup(
                name: "Look",
                subcommands: [
                    StatusCommand.self, WhyCommand.self, ShowCommand.self, ReleasesCommand.self,
                    IncidentsCommand.self, VersionsCommand.self, PredictionsCommand.self,
                    DeliveriesCommand.self,
                ]
            ),
            CommandGroup(
                name: "Check",
                subcommands: [
                    LabelCommand.self, FeedbackCommand.self, AuditCommand.self, PolicyCommand.self,
                    ReplayCommand.self, NotifyCommand.self, EraseCommand.self,
                ]
            ),
            CommandGroup(
                name: "Rehearse",
                subcommands: [JudgeCommand.self, DriftCommand.self]
            ),
        ]
    )

    static func main() async {
        do {
            let arguments = Array(CommandLine.arguments.dropFirst())
            var command = try await asyncParseAsRoot(Invocation(arguments).arguments(for: Self.self))
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            end(with: error)
        }
    }

    /// Says what went wrong, in one form for all of Belay's errors, and leaves with the code for it.
    private static func end(with error: any Error) -> Never {
        guard let failure = CommandFailure(any: error) else { exit(withError: error) }
        let look = Look(.talk)
        Stream.talk.write(failure.text(look))
        exit(withError: ExitCode(failure.status.rawValue))
    }
}
