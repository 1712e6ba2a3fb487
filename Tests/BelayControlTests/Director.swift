import BelayCore
import BelayStore
import BelayTesting
import Testing

@testable import BelayControl

/// A scenario: commands at the margin, and indented beneath each what it says.
struct Story: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String

    var testDescription: String { name }

    /// The text without the empty lines that make it readable.
    var transcript: String {
        text.split(separator: "\n").filter { !$0.allSatisfy { $0 == " " } }.joined(separator: "\n")
    }
}

/// Performs the commands of a story and writes down what they say.
///
/// ```
/// register fraud one [features 5]
/// policy fraud steps 10,50 dwell 10m min 100 watch 1m keep 1 holdback 5 deadline 1h exposure 50 sticky
///     guards error_rate,accuracy:hold
/// release fraud 2 [automatically]      hold r2 · resume r2 · promote r2 · rollback fraud [to 1]
/// clear fraud 2 · allow fraud          unloadable fraud one · loadable fraud one
/// tick 10m                             moves the time, and lets both loops make one round
/// traffic fraud stable 900 fail 1% candidate 100 fail 5% [each 1m for 10m]
/// labels fraud stable 900 fail 5% candidate 100 fail 9% [each 1m for 10m] · invalid fraud 1
/// serves fraud 1000 fail 5% [rescued 1] [each 1m for 10m]   what is stable answers, outside of any release,
///                                                 and whether version 1 answers what it fails
/// late r2 stable 900 candidate 100 fail 9%            labels of a release that is over
/// waive r2 accuracy · close i1
/// publish fails · crash                the next two publications are not acknowledged; another process
///                                      starts
/// expect serving fraud 1 | ledger | release r2 | rollback | loaded | quarantine fraud
/// ```
///
/// When the process dies in the middle of a command, another is started, and the command is given again
/// unless the ledger shows that it was recorded: as a careful person does.
final class Director {
    let stage: Stage
    private var transcript: [String] = []
    private var reported = 0

    init(_ stage: Stage) { self.stage = stage }

    /// Performs the story and returns its transcript.
    func perform(_ story: Story) async throws -> String {
        for line in story.transcript.split(separator: "\n") where !line.hasPrefix(" ") {
            transcript.append(String(line))
            try await obey(Words(line))
        }
        return transcript.joined(separator: "\n")
    }

    private func say(_ line: String) {
        transcript.append("  " + line.split(separator: " ").joined(separator: " "))
    }

    private func obey(_ line: Words) async throws {
        var words = line
        switch try words.next() {
        case "register": try await register(&words)
        case "policy": try await policy(&words)
        case "release": try await release(&words)
        case "hold": try await command(.hold(words.release()))
        case "resume": try await command(.resume(words.release()))
        case "promote": try await command(.promote(words.release()))
        case "clear": try await command(.clearQuarantine(Build.id(words.next(), words.number())))
        case "allow": try await command(.allowAutomatic(Build.endpoint(words.next())))
        case "rollback": try await rollback(&words)
        case "unloadable": stage.runtime.refuseToLoad(words.rest)
        case "loadable": stage.runtime.loadAgain(words.rest)
        case "publish": stage.publisher.fail(2)
        case "crash": stage.restart()
        case "tick": try await tick(words.duration())
        case "waive": try await command(.waive(words.release(), guards: [words.next()]))
        case "close":
            guard let incident = IncidentID(try words.next()) else { throw words.objection }
            try await command(.closeIncident(incident))
        case "serves": try await serves(&words)
        case "late": try await late(&words)
        case "traffic": try await count(.errorRate, &words)
        case "labels": try await count(.accuracy, &words)
        case "invalid":
            try await stage.count(.invalidOutput, of: words.next(), .candidate, 1, bad: words.number())
        case "expect": try await expect(&words)
        default: throw words.objection
        }
    }

    // MARK: - What people do

    private func register(_ words: inout Words) async throws {
        let (model, text) = (try words.next(), try words.next())
        let features = try words.take("features") ? words.number() : 4
        try await act { try await self.stage.register(model, text, features: features) }
    }

    private func release(_ words: inout Words) async throws {
        let (model, number) = (try words.next(), try words.number())
        let origin: ReleaseRequest.Origin = words.take("automatically") ? .automatic : .person
        try await act { try await self.stage.release(model, number, origin: origin) }
    }

    private func rollback(_ words: inout Words) async throws {
        let model = try words.next()
        let target = try words.take("to") ? words.number() : nil
        try await act { try await self.stage.rollBack(model, to: target) }
    }

    private func policy(_ words: inout Words) async throws {
        let model = try words.next()
        var steps: [Int] = []
        var guards: [Guard] = []
        if words.take("steps") { steps = try words.next().split(separator: ",").compactMap { Int($0) } }
        let dwell = try words.take("dwell") ? words.duration() : .zero
        let samples = try words.take("min") ? words.number() : 0
        let watch = try words.take("watch") ? words.duration() : .zero
        let keep = try words.take("keep") ? words.number() : 2
        let holdback = try words.take("holdback") ? words.number() : 0
        let deadline = try words.take("deadline") ? words.duration().wholeMilliseconds : nil
        let exposure = try words.take("exposure") ? Plan.Exposure.badAnswers(words.number()) : nil
        let unit: ServingSettings.Unit = words.take("sticky") ? .header("x-user") : .request
        if words.take("guards") { guards = try words.next().split(separator: ",").map(guarded) }
        let policy = Build.policy(
            model,
            steps: steps,
            dwell: dwell.wholeMilliseconds,
            minSamples: samples,
            watch: watch.wholeMilliseconds,
            guards: guards,
            keepWarm: keep,
            holdback: holdback,
            deadline: deadline,
            exposure: exposure,
            unit: unit
        )
        try await command(.changePolicy(Build.endpoint(model), policy))
    }

    private func command(_ command: Command) async throws {
        try await act { try await self.stage.conductor.perform(command, by: .person("ada"), reason: nil) }
    }

    /// Starts the next process as the server does: nobody is heard before what serves is loaded.
    private func revive() async throws {
        stage.restart()
        do {
            try await stage.conductor.loadServing()
        } catch is RecordingPublisher.Unacknowledged {
            // The next round publishes again.
        }
    }

    private func act(_ work: () async throws -> some Any) async throws {
        let head = stage.store.standing.head
        repeat {
            if stage.fate.isDead { try await revive() }
            do {
                _ = try await work()
            } catch let refusal as Refusal {
                say("refused: \(refusal.explanation.code)")
            } catch let error as any Explainable where !stage.fate.isDead {
                say("failed: \(error.explanation.code)")
            } catch  where stage.fate.isDead {
                // The process died under the command; whether it is given again is decided below.
            }
        } while stage.fate.isDead && stage.store.standing.head == head
        if stage.fate.isDead { try await revive() }
    }

    // MARK: - What the world does

    private func tick(_ duration: Duration) async throws {
        stage.time.advance(by: duration)
        var (isDone, wasRevived) = (false, false)
        repeat {
            if stage.fate.isDead {
                try await revive()
                wasRevived = true
            }
            do {
                try await stage.round()
                // What a guard goes back to had to be loaded before, as after a start.
                if wasRevived, await !stage.conductor.wishedTargets.isEmpty { try await stage.round() }
                isDone = !stage.fate.isDead
            } catch is RecordingPublisher.Unacknowledged {
                // As the loop does, which goes round again after whatever failed.
            } catch  where stage.fate.isDead {
                // The next process makes the round again.
            }
        } while !isDone
    }

    /// Each minute, and for as long, what is stable answers alone.
    private func serves(_ words: inout Words) async throws {
        let model = try words.next()
        let sample = try words.answers()
        let rescuer = try words.take("rescued") ? words.number() : nil
        var (pace, rounds) = (Duration.zero, 1)
        if words.take("each") {
            pace = try words.duration()
            guard words.take("for") else { throw words.objection }
            rounds = Int(try words.duration() / pace)
        }
        for _ in 0..<rounds {
            await stage.serves(model, sample.number, bad: sample.bad, rescuedBy: rescuer)
            if pace != .zero { try await tick(pace) }
        }
    }

    private func late(_ words: inout Words) async throws {
        let release = try words.release()
        for arm in [Arm.stable, .candidate] {
            let sample = try words.sample(arm)
            stage.late(release, arm, sample.number, bad: sample.bad)
        }
    }

    private func count(_ metric: Metric, _ words: inout Words) async throws {
        let model = try words.next()
        let samples = [try words.sample(.stable), try words.sample(.candidate)]
        var (pace, rounds) = (Duration.zero, 1)
        if words.take("each") {
            pace = try words.duration()
            guard words.take("for") else { throw words.objection }
            rounds = Int(try words.duration() / pace)
        }
        for _ in 0..<rounds {
            guard await stage.conductor.state.activeRelease(at: Build.endpoint(model)) != nil else { return }
            for sample in samples {
                try await stage.count(metric, of: model, sample.arm, sample.number, bad: sample.bad)
            }
            if pace != .zero { try await tick(pace) }
        }
    }
}

// MARK: - What is so

extension Director {
    private func expect(_ words: inout Words) async throws {
        let state = await stage.conductor.state
        switch try words.next() {
        case "serving":
            let (model, wanted) = (try words.next(), try words.next())
            let found = await stage.serving(model)?.description ?? "nothing"
            if found != wanted { say("NO: \(found)") }
        case "ledger":
            let entries = stage.store.entries(after: reported, limit: .max)
            for entry in entries { say("\(entry.stored.kind) \(entry.stored.subject)") }
            reported += entries.count
        case "release": try await tell(words.release())
        case "rollback": await tellOfRollback()
        case "incidents":
            let open = state.openIncidents.values.sorted { $0.id < $1.id }
            if open.isEmpty { say("none") }
            for incident in open {
                let version = VersionID(incident.endpoint.model, incident.version)
                say("\(incident.id) \(incident.kind.rawValue) of \(version)")
                for considered in incident.selection { say("\(considered.version): \(considered.why)") }
            }
        case "route":
            let route = state.routeTable.routes[Build.model(try words.next())]
            let candidate = route?.candidate
            say("stable \(route?.stable?.description ?? "none")")
            candidate.map { say("candidate \($0.version) at \($0.share), epoch \($0.evidenceEpoch)") }
        case "loaded": say(list(stage.process.loader.loaded))
        case "quarantine":
            say(list(state.models[Build.model(try words.next())]?.withdrawn ?? []))
        default: throw words.objection
        }
    }

    private func list(_ things: Set<some Comparable & CustomStringConvertible>) -> String {
        things.isEmpty ? "none" : things.sorted().map(\.description).joined(separator: " ")
    }

    /// The phase of a release, and its guards' newest verdicts.
    private func tell(_ id: ReleaseID) async throws {
        let picture = await stage.conductor.picture
        let (state, reports) = (picture.state, picture.reports)
        guard let release = state.releases[id] else { return say("there is none") }
        switch release.phase {
        case .gating: say("gating")
        case .refused(_, let gates):
            for gate in gates { say("gate \(gate.gate.rawValue) \(gate.outcome.rawValue) \(gate.detail)") }
        case .shadow(let step, _): say("shadow, step \(step)")
        case .canary(let step, _): say("canary, step \(step) at \(release.share)")
        case .watching: say("watching")
        case .settled: say("settled")
        case .rolledBack(_, let cause): say("rolled back: \(cause.label)")
        }
        if let hold = release.hold {
            say("held by \(hold.by)\(hold.cause.map { ": \($0)" } ?? "")")
        }
        for report in reports[id] ?? [] {
            let reason = [.split, .coverage, .waived].contains(report.reason) ? report.reason : nil
            say("\(report.name) \(report.verdict.rawValue) \(reason?.rawValue ?? "")")
        }
    }

    /// From where to where the newest rollback went, why, and what else was considered.
    private func tellOfRollback() async {
        let entries = stage.store.entries(after: 0, limit: .max)
        var newest: Rollback?
        for case .release(.rolledBack(let rollback)) in entries.map(\.entry.event) { newest = rollback }
        guard let newest else { return say("there was none") }
        let target = newest.to?.description ?? "nothing"
        say("\(newest.endpoint): \(newest.from) to \(target), \(newest.cause.label)")
        for considered in newest.selection {
            say("\(considered.version) \(considered.taken ? "taken" : "passed over"): \(considered.why)")
        }
        let picture = await stage.conductor.picture
        let isOver = picture.fenced.contains(newest.endpoint)
        if picture.state.endpoints[newest.endpoint]?.unfenced != nil, !isOver { say("not fenced") }
    }
}
