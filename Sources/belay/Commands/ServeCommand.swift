import ArgumentParser
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
        transform: serverURL
    )
    var prometheus: String?
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

private func serverURL(_ argument: String) throws -> String {
    guard let url = URLComponents(string: argument), url.scheme == "http" || url.scheme == "https",
        url.host?.isEmpty == false, url.query == nil, url.fragment == nil, url.user == nil
    else { throw ValidationError("write an address, such as http://127.0.0.1:9090.") }
    return argument
}

private func listenAddress(_ argument: String) throws -> ListenAddress {
    guard let address = ListenAddress(argument) else {
        throw ValidationError("write a host and a port, such as 127.0.0.1:7700.")
    }
    return address
}
