import ArgumentParser
import BelayCore
import BelayServer

/// How `belay` ends; scripts and CI rely on these numbers.
enum ExitStatus: Int32, CaseIterable {
    case error = 1
    case refused = 3
    case notFound = 5
    case conflict = 6
    case rolledBack = 7
    case timedOut = 9
    case unsafe = 10
    case usage = 64
    case badPolicy = 65

    /// The code for a kind of failure; a kind that this version does not know is an error like others.
    init(_ category: FailureCategory?) {
        switch category {
        case .refused: self = .refused
        case .notFound: self = .notFound
        case .conflict, .changed: self = .conflict
        case .unsafe: self = .unsafe
        case .badPolicy: self = .badPolicy
        case .invalid, .tooLarge, .unavailable, .failed, nil: self = .error
        }
    }

    /// Ends a command that has already said everything.
    var silently: ExitCode { ExitCode(rawValue) }
}

/// Why a command did not do what it was asked.
enum CommandFailure: Error {
    case unknownCommand(String, known: [String])
    case noAnswer(server: String, reason: String)
    /// Something answers there that is not this API.
    case strangeAnswer(server: String, status: Int)
    case problem(ProblemView)
    case badPolicy(file: String, PolicyProblems)
    case unreadableFile(String, reason: String)
    case unreadableLabels(file: String, line: Int)
    case noReleaseYet
    case timedOut(release: String, after: Duration, last: String)
    case other(any Explainable)

    /// Takes over what Belay's own code throws; nil for the errors of others.
    init?(any error: any Error) {
        if let failure = error as? CommandFailure {
            self = failure
        } else if let explainable = error as? any Explainable {
            self = .other(explainable)
        } else {
            return nil
        }
    }

    var status: ExitStatus {
        switch self {
        case .unknownCommand: .usage
        case .noAnswer, .strangeAnswer, .unreadableFile, .unreadableLabels: .error
        case .problem(let view): ExitStatus(FailureCategory(rawValue: view.category))
        case .badPolicy: .badPolicy
        case .noReleaseYet: .notFound
        case .timedOut: .timedOut
        case .other(let error): ExitStatus(error.category)
        }
    }

    var explanation: Explanation {
        switch self {
        case .unknownCommand(let word, let known):
            Explanation(
                code: "command.unknown",
                summary: "There is no command '\(word.prefix(60))'.",
                remedy: nearest(word, among: known).map { "Did you mean '\($0)'?" }
                    ?? "Choose one of \(Set(known).sorted().joined(separator: ", "))."
            )
        case .noAnswer(let server, let reason):
            Explanation(
                code: "server.no-answer",
                summary: "No Belay server answers at \(server): \(reason).",
                remedy: "Start one with `belay serve`, or name another with --server or BELAY_SERVER."
            )
        case .strangeAnswer(let server, let status):
            Explanation(
                code: "server.strange-answer",
                summary: "What answers at \(server) does not speak this Belay's API (status \(status)).",
                remedy:
                    "Check the address: the control API is on the port given to --listen, 7700 by default."
            )
        case .problem(let view):
            Explanation(code: view.code, summary: view.title, remedy: view.remedy)
        case .badPolicy(let file, let problems):
            Explanation(
                code: problems.first.code.rawValue,
                summary: "\(file) has \(count(problems)).",
                remedy: "Correct it; `belay policy check \(file)` looks again."
            )
        case .unreadableFile(let file, let reason):
            Explanation(
                code: "file.unreadable",
                summary: "The file '\(file)' could not be read: \(reason).",
                remedy: "Check the path and your permission to read it."
            )
        case .unreadableLabels(let file, let line):
            Explanation(
                code: "labels.unreadable",
                summary: "Line \(line) of \(file) holds no label, or one that does not end.",
                remedy: "Write one object a line, one JSON array, or with --format csv a header and rows."
            )
        case .noReleaseYet:
            Explanation(
                code: "release.none",
                summary: "There has been no release yet.",
                remedy: "Start one with `belay release MODEL@VERSION`."
            )
        case .timedOut(let release, let after, let last):
            Explanation(
                code: "wait.timed-out",
                summary: "Release \(release) had not ended after \(seconds(after)) s: \(last).",
                remedy: "It goes on by itself; see `belay why \(release)`."
            )
        case .other(let error): error.explanation
        }
    }

    /// What happened, why, and what to do; a policy's problems come one a line instead.
    func text(_ look: Look) -> String {
        let explanation = explanation
        var lines: [String] = []
        switch self {
        case .badPolicy(let file, let problems):
            lines = problems.all.map { policyLine(file, $0) }
            lines.append(count(problems))
            return lines.joined(separator: "\n") + "\n"
        case .problem(let view):
            lines.append("\(look.bad("error:")) \(view.title)")
            if view.detail != view.title { lines.append("       \(view.detail)") }
            for place in view.errors ?? [] { lines.append("       \(place.pointer)  \(place.detail)") }
        default:
            lines.append("\(look.bad("error:")) \(explanation.summary)")
        }
        lines.append("       \(explanation.remedy) \(look.faint("[\(explanation.code)]"))")
        return lines.joined(separator: "\n") + "\n"
    }

    private func policyLine(_ file: String, _ problem: PolicyProblem) -> String {
        "\(file):\(problem.place)  \(problem.sentence) [\(problem.code.rawValue)]"
    }

    private func count(_ problems: PolicyProblems) -> String {
        let number = problems.all.count
        if problems.areCut { return "more than \(number) problems" }
        return number == 1 ? "1 problem" : "\(number) problems"
    }

    private func seconds(_ duration: Duration) -> String {
        shortDecimal(Double(duration.wholeMilliseconds) / 1000)
    }
}
