import BelayCore
import BelayServer
import Foundation
import FoundationNetworking
import Logging
import Synchronization
import Testing

/// A whole server on free ports in a folder of its own, spoken to over HTTP only.
struct RunningServer: Sendable {
    let data: String
    let addresses: ServerAddresses

    /// An answer as a client sees it.
    struct Answer {
        let status: Int
        let body: Data
        let headers: [String: String]

        var json: [String: Any] { (try? JSONSerialization.jsonObject(with: body)) as? [String: Any] ?? [:] }
        var text: String { String(decoding: body, as: UTF8.self) }

        func decoded<Value: Decodable>(_ type: Value.Type) throws -> Value {
            try JSONDecoder().decode(type, from: body)
        }
    }

    func control(
        _ method: String,
        _ path: String,
        _ body: Any? = nil,
        headers: [String: String] = [:]
    ) async throws -> Answer {
        try await send(method, "http://\(addresses.control)\(path)", body, headers)
    }

    func inference(
        _ method: String,
        _ path: String,
        _ body: Any? = nil,
        headers: [String: String] = [:]
    ) async throws -> Answer {
        try await send(method, "http://\(addresses.inference)\(path)", body, headers)
    }

    private func send(
        _ method: String,
        _ address: String,
        _ body: Any?,
        _ headers: [String: String]
    ) async throws -> Answer {
        var request = URLRequest(url: try #require(URL(string: address)))
        request.httpMethod = method
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        switch body {
        case let data as Data: request.httpBody = data
        case let value?: request.httpBody = try JSONSerialization.data(withJSONObject: value)
        case nil: break
        }
        let (data, response) = try await URLSession.shared.data(for: request)
        let http = try #require(response as? HTTPURLResponse)
        var answered: [String: String] = [:]
        for (name, value) in http.allHeaderFields { answered["\(name)".lowercased()] = "\(value)" }
        return Answer(status: http.statusCode, body: data, headers: answered)
    }

    /// Uploads one file and registers it as a version; returns the server's answer.
    func register(_ model: String, fixture: String, note: String? = nil) async throws -> Answer {
        let bytes = try Data(contentsOf: fixtureURL(fixture))
        let digest = try await upload(bytes)
        var body: [String: Any] = ["files": [["path": "model.onnx", "size": bytes.count, "digest": digest]]]
        body["note"] = note
        return try await control("POST", "/v1/models/\(model)/versions", body)
    }

    func upload(_ bytes: Data) async throws -> String {
        let digest = digestText(bytes)
        let answer = try await control("PUT", "/v1/artifacts/\(digest)", bytes)
        #expect(answer.status == 201)
        return digest
    }

    /// Starts a release and waits until its gates have been decided.
    func release(_ model: String, _ version: Int, policy: [String: Any]? = nil) async throws -> ReleaseView {
        var body: [String: Any] = ["version": version]
        body["policy"] = policy
        let answer = try await control("POST", "/v1/endpoints/\(model)/releases", body)
        #expect(answer.status == 201, "\(answer.text)")
        let id = try answer.decoded(ReleaseView.self).id
        return try await until { view in
            view.phase != "gating"
        } of: {
            try await control("GET", "/v1/releases/\(id)").decoded(ReleaseView.self)
        }
    }

    /// Asks again until `isSo`; every question is a round trip, and their number is bounded.
    func until<Value>(
        _ isSo: (Value) -> Bool,
        of ask: () async throws -> Value
    ) async throws -> Value {
        for _ in 0..<20_000 {
            let value = try await ask()
            if isSo(value) { return value }
            await Task.yield()
        }
        throw NeverHappened()
    }

    struct NeverHappened: Error {}
}

func fixtureURL(_ name: String) -> URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/\(name)")
}

/// Runs `body` against a fresh server, or against what `data` holds, and stops the server afterwards.
func withServer<Value: Sendable>(
    data: String? = nil,
    hookSecret: NotifyTarget.Secret? = nil,
    prometheus: String? = nil,
    _ body: @escaping @Sendable (RunningServer) async throws -> Value
) async throws -> Value {
    let folder = data ?? NSTemporaryDirectory() + "belay-\(UUID().uuidString)"
    defer { if data == nil { try? FileManager.default.removeItem(atPath: folder) } }
    let loopback = ListenAddress(host: "127.0.0.1", port: 0)
    var settings = Settings(data: folder, listen: loopback, inference: loopback, onnxRuntime: nil)
    settings.hookSecret = hookSecret
    (settings.prometheus, settings.queryCadence) = (prometheus, .milliseconds(20))
    // However slow the machine is.
    settings.profilePatience = .seconds(3600)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let (ready, continuation) = AsyncStream.makeStream(of: ServerAddresses.self)
    let assembly = Assembly(settings: settings, logger: logger)
    return try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask {
            try await assembly.run(handlesSignals: false) { continuation.yield($0) }
            return nil
        }
        group.addTask {
            for await addresses in ready {
                return try await body(RunningServer(data: folder, addresses: addresses))
            }
            return nil
        }
        defer { group.cancelAll() }
        while let finished = try await group.next() {
            if let value = finished { return value }
        }
        throw CancellationError()
    }
}
