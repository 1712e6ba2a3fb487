import Foundation
import Glibc
import Synchronization
import Testing

/// Everything that speaks to the built program from outside.
///
/// Each suite takes one test after the other, and the suites run side by side: most of them wait for the
/// program's clock, and none relies on how fast it is.
@Suite("End to end")
enum EndToEnd {}

/// The built program is not where it should be.
struct NoProgram: Error, CustomStringConvertible {
    let looked: [String]

    var description: String {
        "The program is at none of \(looked.joined(separator: ", ")). Build it with `swift build`, "
            + "or name it in BELAY_EXECUTABLE."
    }
}

/// Finds the program under test: BELAY_EXECUTABLE, else beside these tests, else the package's debug build.
func belayExecutable() throws -> String {
    let environment = ProcessInfo.processInfo.environment
    var places: [String] = []
    if let named = environment["BELAY_EXECUTABLE"], !named.isEmpty {
        places = [named]
    } else {
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folders = [own, CommandLine.arguments.first, Bundle.main.executablePath].compactMap { $0 }
            .map { URL(fileURLWithPath: $0).deletingLastPathComponent().path }
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        places = (folders + ["\(root)/.build/debug"]).map { "\($0)/belay" }
    }
    guard let found = places.first(where: FileManager.default.isExecutableFile(atPath:)) else {
        throw NoProgram(looked: places)
    }
    return found
}

/// How a command ended, and what it said where.
struct Outcome: CustomStringConvertible {
    let code: Int32
    let output: String
    let errors: String

    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(output.utf8))) as? [String: Any] ?? [:]
    }

    var description: String { "exit \(code)\nstdout: \(output)\nstderr: \(errors)" }
}

/// A folder of its own and the program in it; no process outlives ``withTestBed(_:)``.
final class TestBed: Sendable {
    let folder: String
    private let executable: String
    private let children = Mutex<[ChildProcess]>([])

    init() throws {
        executable = try belayExecutable()
        folder = NSTemporaryDirectory() + "belay-e2e-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    var data: String { "\(folder)/data" }

    func clear() {
        for child in children.withLock({ $0 }) { child.signal(SIGKILL) }
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Writes a file and returns its path.
    func file(_ name: String, _ bytes: Data) throws -> String {
        let path = "\(folder)/\(name)"
        try bytes.write(to: URL(fileURLWithPath: path))
        return path
    }

    func file(_ name: String, _ text: String) throws -> String { try file(name, Data(text.utf8)) }

    /// Starts the program and returns at once.
    func start(_ arguments: [String], server: String? = nil, input: String? = nil) throws -> Started {
        let name = "\(folder)/run-\(UUID().uuidString)"
        let streams = ChildProcess.Streams(
            input: try input.map { try file("input-\(UUID().uuidString)", $0) } ?? "/dev/null",
            output: "\(name).out",
            errors: "\(name).err"
        )
        var environment = ProcessInfo.processInfo.environment
        environment["BELAY_SERVER"] = server.map { "http://\($0)" }
        let process = try ChildProcess(executable, arguments, environment: environment, streams)
        children.withLock { $0.append(process) }
        return Started(process: process, streams: streams)
    }

    /// Runs a command to its end.
    func run(_ arguments: [String], server: String? = nil, input: String? = nil) async throws -> Outcome {
        try await start(arguments, server: server, input: input).outcome()
    }

    /// Starts a server on the test bed's data and waits until it says where it listens.
    func serve() async throws -> Server {
        let loopback = "127.0.0.1:0"
        let started = try start(["serve", "--data", data, "--listen", loopback, "--inference", loopback])
        let (control, inference) = try await eventually("the server said its addresses") {
            if let code = started.process.exitCode { throw ServerEnded(code: code, errors: started.errors) }
            return addresses(in: started.errors)
        }
        return Server(bed: self, process: started.process, control: control, inference: inference)
    }

    private func addresses(in text: String) -> (control: String, inference: String)? {
        func address(after label: String) -> String? {
            guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("  \(label) ") }),
                let scheme = line.range(of: "http://")
            else { return nil }
            return line[scheme.upperBound...].split(separator: " ").first.map(String.init)
        }
        // The last line must be whole.
        guard text.contains("Open Inference Protocol"), let control = address(after: "control API"),
            let inference = address(after: "inference")
        else { return nil }
        return (control, inference)
    }

    struct ServerEnded: Error {
        let code: Int32
        let errors: String
    }
}

/// A command that may still run.
struct Started: Sendable {
    let process: ChildProcess
    fileprivate let output: String
    fileprivate let errorsPath: String

    fileprivate init(process: ChildProcess, streams: ChildProcess.Streams) {
        self.process = process
        output = streams.output
        errorsPath = streams.errors
    }

    /// What it has written to standard error so far.
    var errors: String { text(errorsPath) }

    func outcome() async throws -> Outcome {
        let code = try await process.end()
        return Outcome(code: code, output: text(output), errors: errors)
    }

    private func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}

/// Gives `body` a test bed and clears it away, however `body` ends.
func withTestBed(_ body: (TestBed) async throws -> Void) async throws {
    let bed = try TestBed()
    defer { bed.clear() }
    try await body(bed)
}

/// The same with a server that runs already.
func withServer(_ body: (Server) async throws -> Void) async throws {
    try await withTestBed { bed in try await body(try await bed.serve()) }
}
