import Foundation
import Glibc
import Testing

/// A running `belay serve`, spoken to by its command line and over HTTP.
struct Server: Sendable {
    let bed: TestBed
    let process: ChildProcess
    let control: String
    let inference: String

    /// Runs a command against this server to its end.
    @discardableResult
    func belay(_ words: String..., input: String? = nil) async throws -> Outcome {
        try await bed.run(words, server: control, input: input)
    }

    /// Starts a command against this server and returns at once.
    func start(_ words: String...) throws -> Started { try bed.start(words, server: control) }

    /// Asks the control API on a connection of its own.
    func ask(_ method: String, _ path: String, _ body: String = "") async throws -> HTTPAnswer {
        let address = control
        return try await onOwnThread {
            let connection = try HTTPConnection(to: address)
            defer { connection.close() }
            return try connection.exchange(method, path, Data(body.utf8))
        }
    }

    /// Sends requests to a model one after the other on one connection.
    ///
    /// Their ids are `prefix-0`, `prefix-1` and so on.
    func infer(_ model: String, times: Int = 1, prefix: String = UUID().uuidString) async throws
        -> [HTTPAnswer]
    {
        let address = inference
        return try await onOwnThread {
            let connection = try HTTPConnection(to: address)
            defer { connection.close() }
            return try (0..<times).map { index in
                try connection.exchange(
                    "POST",
                    "/v2/models/\(model)/infer",
                    Question.one,
                    id: "\(prefix)-\(index)"
                )
            }
        }
    }

    /// Sends labels for the answers of ``infer(_:times:prefix:)``.
    func label(_ model: String, _ prefix: String, times: Int, value: Int) async throws -> HTTPAnswer {
        try await ask("POST", "/v1/labels", labels(model, prefix, times: times, value: value))
    }

    /// Waits until a release is in one of these phases.
    func awaitPhase(_ release: String, _ phases: Set<String>) async throws -> [String: Any] {
        try await eventually("\(release) was \(phases.sorted())") {
            let view = try await ask("GET", "/v1/releases/\(release)").json
            return phases.contains(view["phase"] as? String ?? "") ? view : nil
        }
    }

    /// Registers constant-1 as version 1 and lets it serve.
    func serveFirst(_ model: String) async throws {
        let registered = try await belay("register", model, fixture("constant-1.onnx"))
        try #require(registered.code == 0, "\(registered)")
        let released = try await belay("release", "\(model)@1", "--wait")
        try #require(released.code == 0, "\(released)")
    }

    /// Registers models that answer 2, each with bytes of its own, as versions `2...`.
    func registerTwos(_ model: String, _ count: Int) async throws {
        for number in 0..<count {
            let path = try bed.file("\(model)-\(number).onnx", try variant(of: "constant-2.onnx", number))
            let outcome = try await belay("register", model, path)
            try #require(outcome.code == 0, "\(outcome)")
        }
    }

    func stop(_ signal: Int32) async throws -> Int32 {
        process.signal(signal)
        return try await process.end()
    }
}

/// Labels in NDJSON for the answers `prefix-0`, `prefix-1` and so on.
func labels(_ model: String, _ prefix: String, times: Int, value: Int) -> String {
    (0..<times).map { #"{"id": "\#(prefix)-\#($0)", "model": "\#(model)", "value": \#(value)}"# }
        .joined(separator: "\n")
}
