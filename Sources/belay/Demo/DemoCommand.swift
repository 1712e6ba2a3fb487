import ArgumentParser
import BelayServer
import Foundation
import Logging

/// `belay demo`: a server, real traffic, a good release, four bad ones, and a world that changes.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Watch a bad model being caught, in under two minutes.",
        discussion: """
            Starts a server on free ports in a temporary folder and sends it real requests. \
            Exit code 0 only if everything it tells truly happened.
            """
    )

    @Option(help: ArgumentHelp("The folder with data.json and the models.", valueName: "folder"))
    var examples: String?

    @Flag(help: "Keep the data directory, and say where it is.")
    var keep = false

    func run() async throws {
        let data = try DemoData(folder: examples)
        let folder =
            FileManager.default.temporaryDirectory.path + "/belay-demo-\(UUID().uuidString.prefix(8))"
        defer { if !keep { try? FileManager.default.removeItem(atPath: folder) } }
        let loopback = ListenAddress(host: "127.0.0.1", port: 0)
        let settings = Settings(data: folder, listen: loopback, inference: loopback, onnxRuntime: nil)
        let (ready, announce) = AsyncStream.makeStream(of: ServerAddresses.self)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                var logger = Logger(label: "belay", factory: StreamLogHandler.standardError(label:))
                logger.logLevel = .critical
                try await Assembly(settings: settings, logger: logger).run(handlesSignals: false) {
                    addresses in
                    announce.yield(addresses)
                    announce.finish()
                }
                return false
            }
            group.addTask {
                for await addresses in ready {
                    try await DemoStory(data: data, folder: folder, addresses: addresses).tell()
                }
                return true
            }
            defer { group.cancelAll() }
            while try await group.next() == false {}
        }
        if keep { Stream.talk.line("The data directory is \(folder)") }
    }
}
