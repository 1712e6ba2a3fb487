import ArgumentParser
import BelayCore
import BelayServer
import Foundation

/// `fraud@3` or `fraud@1.5.0`.
struct VersionArgument: ExpressibleByArgument, Equatable, CustomStringConvertible {
    let model: ModelName
    let reference: VersionReference

    init?(argument: String) {
        let parts = argument.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let model = ModelName(String(parts[0])),
            let reference = VersionReference(String(parts[1]))
        else { return nil }
        self.model = model
        self.reference = reference
    }

    var description: String { "\(model)@\(reference)" }
}

/// What `belay why` is asked about: `r142`, or a model whose newest release is meant.
enum WhySubject: ExpressibleByArgument, Equatable {
    case release(ReleaseID)
    case model(ModelName)

    init?(argument: String) {
        if let release = releaseID(argument) {
            self = .release(release)
        } else if let model = ModelName(argument) {
            self = .model(model)
        } else {
            return nil
        }
    }
}

/// A time to wait, as in a policy: `30s`, `1h30m`.
struct WaitingTime: ExpressibleByArgument, Equatable {
    let duration: Duration

    init?(argument: String) {
        guard let milliseconds = milliseconds(ofTime: argument) else { return nil }
        duration = .milliseconds(milliseconds)
    }
}

/// A figure such as `auc=0.94`.
struct MetricArgument: ExpressibleByArgument, Equatable {
    let name: String
    let value: Double

    init?(argument: String) {
        guard let pair = Assignment(argument), let value = Double(pair.value), value.isFinite else {
            return nil
        }
        name = pair.name
        self.value = value
    }
}

/// A setting such as `depth=6`.
struct ParameterArgument: ExpressibleByArgument, Equatable {
    let name: String
    let value: String

    init?(argument: String) {
        guard let pair = Assignment(argument) else { return nil }
        name = pair.name
        value = pair.value
    }
}

private struct Assignment {
    let name: String
    let value: String

    init?(_ text: String) {
        guard let sign = text.firstIndex(of: "="), sign > text.startIndex else { return nil }
        name = String(text[..<sign])
        value = String(text[text.index(after: sign)...])
    }
}

/// Reads the name of a model, or says what one looks like.
func modelName(_ argument: String) throws -> ModelName {
    if let name = ModelName(argument) { return name }
    let isVersion = VersionArgument(argument: argument) != nil
    throw ValidationError(
        isVersion
            ? "write the model alone, without a version."
            : "a model's name has 1 to 64 letters, digits, '.', '_' and '-', a letter or digit first."
    )
}

/// Reads `r142`, `#142` or `142`, or says so.
func releaseArgument(_ argument: String) throws -> ReleaseID {
    guard let id = releaseID(argument) else {
        throw ValidationError("a release is called r142; `belay releases` lists them.")
    }
    return id
}

/// Reads the version to go back to: `3`, `1.5.0`, and `fraud@3` for people who paste.
func versionText(_ argument: String) throws -> VersionText {
    let text = argument.split(separator: "@", maxSplits: 1).last.map(String.init) ?? argument
    guard VersionReference(text) != nil else {
        throw ValidationError("a version is a number such as 3, or a label such as 1.5.0.")
    }
    return VersionText(text)
}

private func releaseID(_ argument: String) -> ReleaseID? {
    ReleaseID(argument.hasPrefix("#") ? String(argument.dropFirst()) : argument)
}

/// What every command that asks a server takes.
struct ServerOptions: ParsableArguments {
    enum Form: String, ExpressibleByArgument, CaseIterable {
        case table, json
    }

    @Option(help: ArgumentHelp("Where the server is; else BELAY_SERVER.", valueName: "url"))
    var server: String?

    @Option(name: .shortAndLong, help: "How results are written: table or json.")
    var output: Form = .table

    @Flag(help: "The same as -o json.")
    var json = false

    var form: Form { json ? .json : output }

    func validate() throws { _ = try address() }

    func address() throws -> ServerAddress { try serverAddress(server) }

    func client() throws -> Client {
        Client(server: try address(), environment: ProcessInfo.processInfo.environment)
    }

    /// Writes the result: the view itself as one line of JSON, or what a person reads.
    func show(_ view: some Encodable, table: (Look) -> String) throws {
        switch form {
        case .json: Stream.output.line(try jsonLine(view))
        case .table: Stream.output.write(table(Look(.output)))
        }
    }
}

/// The server that is named, else the environment's, else the standard one.
func serverAddress(_ named: String?) throws -> ServerAddress {
    let environment = ProcessInfo.processInfo.environment["BELAY_SERVER"].flatMap {
        $0.isEmpty ? nil : $0
    }
    let text = named ?? environment ?? ServerAddress.standard
    guard let address = ServerAddress(text) else {
        let origin = named == nil ? "BELAY_SERVER" : "--server"
        throw ValidationError("\(origin) is '\(text)'; write a URL such as \(ServerAddress.standard).")
    }
    return address
}

/// Compact JSON with its keys in a fixed order.
func jsonLine(_ view: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(view), as: UTF8.self)
}
