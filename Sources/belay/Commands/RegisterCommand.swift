import ArgumentParser
import BelayCore
import BelayServer

/// `belay register`: puts a model's files on the server and makes them a version.
struct RegisterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register",
        abstract: "Register a file or a folder as a version of a model.",
        discussion: "The same bytes again are the same version, and no error."
    )

    @Argument(help: "The model; made when it is new.", transform: modelName)
    var model: ModelName

    @Argument(help: "An ONNX file, or a folder with one and everything that belongs to it.")
    var path: String

    @Option(help: "A name for the version besides its number, such as 1.5.0.")
    var label: String?

    @Option(
        name: .customLong("metric"),
        help: ArgumentHelp("A figure from training.", valueName: "key=number")
    )
    var metrics: [MetricArgument] = []

    @Option(name: .customLong("param"), help: ArgumentHelp("A setting of training.", valueName: "key=value"))
    var parameters: [ParameterArgument] = []

    @Option(help: "A remark that stays with the version.")
    var note: String?

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard let label, VersionLabel(label) == nil else { return }
        throw ValidationError(
            "a label has 1 to 64 letters, digits, '.', '_' and '-', not digits alone; '\(label)' is none."
        )
    }

    func run() async throws {
        let client = try options.client()
        let files = try scanModelFolder(path)
        let body = RegisterBody(
            files: files.map { .init(path: $0.path.text, size: $0.size, digest: $0.digest.description) },
            label: label,
            metrics: metrics.isEmpty ? nil : Dictionary(metrics.map { ($0.name, $0.value) }) { $1 },
            params: parameters.isEmpty ? nil : Dictionary(parameters.map { ($0.name, $0.value) }) { $1 },
            note: note
        )
        let view = try await register(body, files, with: client, repairs: files.count)
        try options.show(view) { look in
            let state = view.created ? "registered" : "already known"
            return "\(look.good(look.symbols.pass)) \(view.model)@\(view.version)  \(view.digest)  \(state)\n"
        }
    }

    /// Sends what the server does not have.
    ///
    /// That its copy of a file is damaged it learns when it reads the files; then it has that one no more,
    /// and this is repeated, up to `repairs` times.
    private func register(
        _ body: RegisterBody,
        _ files: [ScannedFile],
        with client: Client,
        repairs: Int
    ) async throws -> RegistrationView {
        for file in files where try await !client.has(file.digest) {
            Stream.talk.line("uploading \(file.path) (\(size(file.size)))")
            try await client.upload(file: file.file, as: file.digest)
        }
        do {
            return try await client.post(.versions(model), body)
        } catch CommandFailure.problem(let problem) where problem.code == "artifact.corrupt" && repairs > 0 {
            return try await register(body, files, with: client, repairs: repairs - 1)
        }
    }
}
