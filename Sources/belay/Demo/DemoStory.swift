import ArgumentParser
import BelayCore
import BelayServer
import Foundation

/// The demo's acts, each an ordinary command of this program against the demo's server, and each checked.
struct DemoStory: Sendable {
    let data: DemoData
    let folder: String
    let addresses: ServerAddresses

    private static let model = "breast-cancer"

    private var server: String { "http://\(addresses.control)" }

    /// - Throws: ``DemoFailure/notTrue(_:)`` at the first thing that did not happen as told.
    func tell() async throws {
        guard let traffic = DemoTraffic(data: data, inference: addresses.inference.description) else {
            throw DemoFailure.notTrue("\(addresses.inference) is an address")
        }
        title("Belay \(belayVersion): a model is released, and four bad ones are taken back")
        say("control API \(server), inference http://\(addresses.inference), data in \(folder)")

        title("1. A first version serves")
        try await register(1, "logistic regression, learned from 40 rows")
        try await release(1, expecting: nil)
        try await check("version 1 serves", serving: 1)

        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await traffic.run(clock: ContinuousClock()) }
            defer { traffic.stop() }
            try await acts(traffic)
            try await moreActs(traffic)
        }
        try await proof(traffic.soFar)
    }

    private func acts(_ traffic: DemoTraffic) async throws {
        // What stable is like is measured from its answers, so it needs some.
        while traffic.soFar.answers.values.reduce(0, +) < 500, traffic.soFar.failures == 0 {
            try await ContinuousClock().sleep(for: .milliseconds(50))
        }
        title("2. A better version is released in steps, on live requests")
        try await register(2, "gradient boosting")
        try await release(2, expecting: nil)
        try await check("version 2 was promoted", serving: 2)

        title("3. A worse one: two pairs of columns changed places in training")
        say("every answer is well formed; only labels can tell that they are wrong")
        try await register(3, "gradient boosting, columns swapped")
        try await release(3, expecting: .rolledBack)
        try await check(
            "version 3 was rolled back by the guard accuracy",
            serving: 2,
            cause: "guard:accuracy"
        )

        title("4. A broken one: it fails on about one input in eight")
        say("whenever it fails, stable answers the same request; callers never see an error")
        try await register(4, "gradient boosting with a table that ends too early")
        try await release(4, expecting: .rolledBack)
        try await check(
            "version 4 was rolled back by the guard error_rate",
            serving: 2,
            cause: "guard:error_rate"
        )
    }

    /// What neither an error nor a label would have told.
    private func moreActs(_ traffic: DemoTraffic) async throws {
        title("5. A slow one: it answers as version 2 does, and takes 7 ms longer")
        try await register(5, "version 2 with its probabilities smoothed twenty times over")
        try await release(5, expecting: .rolledBack)
        try await check(
            "version 5 was rolled back by the guard latency_p50",
            serving: 2,
            cause: "guard:latency_p50"
        )

        title("6. One that people complain about: its columns are out of place")
        say("no labels from here on; callers flag what looks wrong to them")
        traffic.change(to: .flagging)
        try await register(6, "version 2 behind a step that puts columns in each other's place")
        try await release(6, expecting: .rolledBack, policy: data.feedbackPolicy)
        try await check(
            "version 6 was rolled back by the guard flag_rate",
            serving: 2,
            cause: "guard:flag_rate"
        )

        title("7. The world changes: somebody measures the mean radius in micrometres now")
        say("version 2 still answers well, so nothing is rolled back; but people are told")
        traffic.change(to: .otherUnit)
        try await drift()
        try await check("version 2 still serves", serving: 2)
    }

    /// Waits for the incident that the drift of one input opens.
    private func drift() async throws {
        let client = try ServerOptions.parse(["--server", server]).client()
        let end = ContinuousClock.now + .seconds(60)
        var found: IncidentView?
        while found == nil, ContinuousClock.now < end {
            let list: IncidentList = try await client.get(.incidents)
            found = list.incidents.first { $0.kind == "drift" && $0.version == 2 }
            try await ContinuousClock().sleep(for: .milliseconds(200))
        }
        try hold(found != nil, "the drift of the mean radius opened an incident")
        try await command(IncidentsCommand.self, ["incidents"])
        try hold(found?.guards.first?.name == "radius", "the guard radius found it")
    }

    private func proof(_ seen: DemoTraffic.Seen) async throws {
        title("8. Why?")
        try await command(WhyCommand.self, ["why", "r3"])
        say("")
        try await command(WhyCommand.self, ["why", "r4"])
        say("")
        try await command(WhyCommand.self, ["why", "r5"])

        title("9. Is the record intact?")
        try await command(
            AuditCommand.Verify.self,
            ["audit", "verify", "--data", folder],
            takesServer: false
        )

        title("What callers saw")
        let answers = seen.answers.values.reduce(0, +)
        let shares = seen.answers.sorted { $0.key < $1.key }.map { "\($0.value) by version \($0.key)" }
        say("\(answers) answers (\(shares.joined(separator: ", "))), \(seen.failures) errors")
        say("\(seen.fallbacks) times version 4 failed and version 2 answered instead")
        try hold(seen.failures == 0, "no caller saw an error (the first: \(seen.firstFailure ?? "none"))")
        try hold(seen.fallbacks > 0, "version 4 failed and stable answered in its place")
        for version in [3, 5, 6] {
            try hold((seen.answers[version] ?? 0) > 0, "version \(version) answered some requests")
        }
        say("✓ everything told here truly happened")
    }
}

// MARK: - Steps

extension DemoStory {
    private func register(_ version: Int, _ note: String) async throws {
        try await command(
            RegisterCommand.self,
            ["register", Self.model, data.model(version), "--note", note]
        )
    }

    /// Releases a version and waits for the ending whose exit status is `expecting`, nil for 0.
    private func release(_ version: Int, expecting: ExitStatus?, policy: String? = nil) async throws {
        let words = [
            "release", "\(Self.model)@\(version)", "--policy", policy ?? data.policy, "--wait", "--timeout",
            "60s",
        ]
        do {
            try await command(ReleaseCommand.self, words)
            try hold(
                expecting == nil,
                "release of version \(version) ends with exit code \(expecting?.rawValue ?? 0)"
            )
        } catch let code as ExitCode {
            try hold(
                code.rawValue == expecting?.rawValue,
                "release of version \(version) ends with \(expecting?.rawValue ?? 0), not \(code.rawValue)"
            )
        }
    }

    /// Asks the server what is so, and compares.
    private func check(_ claim: String, serving version: Int, cause: String? = nil) async throws {
        let client = try ServerOptions.parse(["--server", server]).client()
        guard let model = ModelName(Self.model) else { return }
        let endpoint: EndpointView = try await client.get(.endpoint(model))
        try hold(endpoint.serving?.version == version, claim)
        try hold(endpoint.release == nil, "no release is running")
        guard let cause else { return }
        let list: ReleaseList = try await client.get(.releases)
        let newest = list.releases.max { (ReleaseID($0.id)?.value ?? 0) < (ReleaseID($1.id)?.value ?? 0) }
        try hold(newest?.cause == cause, "\(claim); the cause was \(newest?.cause ?? "none")")
        try hold(!endpoint.fencing, "the rollback's fence is complete")
        try hold(!endpoint.automatic, "automatic releases are off after a rollback")
    }

    /// Runs a command of this program as a person would type it.
    private func command<Command: AsyncParsableCommand>(
        _ type: Command.Type,
        _ words: [String],
        takesServer: Bool = true
    ) async throws {
        say(Look(.talk).faint("$ belay \(words.joined(separator: " "))"))
        let depth = type == AuditCommand.Verify.self ? 2 : 1
        var command = try type.parse(
            Array(words.dropFirst(depth)) + (takesServer ? ["--server", server] : [])
        )
        try await command.run()
    }

    private func hold(_ isSo: Bool, _ claim: String) throws {
        guard isSo else { throw DemoFailure.notTrue(claim) }
    }

    private func title(_ text: String) { Stream.output.write("\n\(text)\n") }

    private func say(_ text: String) { Stream.output.write(text.isEmpty ? "\n" : "  \(text)\n") }
}
