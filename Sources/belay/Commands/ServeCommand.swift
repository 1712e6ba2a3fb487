import ArgumentParser
import BelayCore
import BelayServer
import Foundation

/// What `belay serve` takes.
struct ServeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The folder that holds everything; made when missing.", valueName: "folder"))
    var data = "belay-data"

    @Option(
        help: ArgumentHelp("Where the control API listens.", valueName: "host:port"),
        transform: listenAddress
    )
    var listen = ListenAddress(host: "127.0.0.1", port: 7700)

    @Option(
        help: ArgumentHelp("Where applications ask for answers.", valueName: "host:port"),
        transform: listenAddress
    )
    var inference = ListenAddress(host: "127.0.0.1", port: 8000)

    @Option(
        help: ArgumentHelp("The Prometheus server that guards on a query ask.", valueName: "url"),
        transform: publicURL
    )
    var prometheus: String?

    @Option(
        help: ArgumentHelp("Where people reach the control API, for links in notices.", valueName: "url"),
        transform: publicURL
    )
    var url: String?

    @Option(
        help: ArgumentHelp(
            "Another name under which the control API may be asked, such as host.docker.internal.",
            valueName: "host"
        ),
        transform: allowedHost
    )
    var allowHost: [String] = []

    @Option(
        help: ArgumentHelp(
            "Where the secret is that monitors must send to /hooks.",
            valueName: "env:NAME|file:PATH"
        ),
        transform: secretPlace
    )
    var hookSecret: NotifyTarget.Secret?
}

/// `belay serve`: the server itself, in this process.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the server: control API, inference gateway, and everything between.",
        discussion: "Port 0 takes a free one. BELAY_ONNXRUNTIME names the ONNX Runtime library to load."
    )

    @OptionGroup var options: ServeOptions

    func run() async throws { try await Serve.start(options) }
}

private func listenAddress(_ argument: String) throws -> ListenAddress {
    guard let address = ListenAddress(argument) else {
        throw ValidationError("write a host and a port, such as 127.0.0.1:7700.")
    }
    return address
}

/// Reads `https://belay.example.org`, without a slash at the end.
private func publicURL(_ argument: String) throws -> String {
    guard let address = ServerAddress(argument) else {
        throw ValidationError("write a URL such as https://belay.example.org.")
    }
    return address.description
}

private func allowedHost(_ argument: String) throws -> String {
    guard let host = OwnNames.host(of: argument), !host.isEmpty, !host.contains("/") else {
        throw ValidationError("write a host such as host.docker.internal.")
    }
    return host
}

/// Reads `env:NAME` or `file:PATH`.
private func secretPlace(_ argument: String) throws -> NotifyTarget.Secret {
    let parts = argument.split(separator: ":", maxSplits: 1).map(String.init)
    switch (parts.first, parts.last) {
    case ("env", let name?) where parts.count == 2: return .environment(name)
    case ("file", let path?) where parts.count == 2: return .file(path)
    default: throw ValidationError("write env:NAME or file:PATH; the secret itself belongs in neither.")
    }
}
