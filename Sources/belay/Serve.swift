import BelayServer
import Logging

/// Starts the server and stays until it is told to stop.
enum Serve {
    static func start(_ options: ServeOptions) async throws {
        var settings = Settings(
            data: options.data,
            listen: options.listen,
            inference: options.inference,
            onnxRuntime: nil
        )
        settings.prometheus = options.prometheus
        settings.publicURL = options.url
        settings.allowedHosts = options.allowHost
        settings.hookSecret = options.hookSecret
        var logger = Logger(label: "belay", factory: StreamLogHandler.standardError(label:))
        logger.logLevel = .notice
        try await Assembly(settings: settings, logger: logger).run(handlesSignals: true) { addresses in
            Stream.talk.line("Belay \(belayVersion) serves from \(options.data)")
            Stream.talk.line("  control API  http://\(addresses.control)")
            Stream.talk.line("  inference    http://\(addresses.inference)   Open Inference Protocol")
        }
    }
}
