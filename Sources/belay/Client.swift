import BelayCore
import BelayServer
import Foundation

/// Calls the control API; everything that a command knows or changes goes through here.
struct Client: Sendable {
    let server: ServerAddress
    private let transport: Transport
    private let actor: String

    init(server: ServerAddress, environment: [String: String]) {
        self.server = server
        transport = Transport(withoutProxy: server.isLocal ? Self.unproxied(server, environment) : nil)
        actor = Self.actor(environment)
    }

    /// A proxy never stands before a server on this machine, whatever the environment says of others.
    private static func unproxied(_ server: ServerAddress, _ environment: [String: String]) -> String {
        let named = environment["no_proxy"] ?? environment["NO_PROXY"] ?? ""
        return named.isEmpty ? server.host : "\(named),\(server.host)"
    }

    /// Who acts, for the ledger: the account's name, in what a header may hold.
    static func actor(_ environment: [String: String]) -> String {
        let name = ["USER", "LOGNAME"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? NSUserName()
        return String(
            String.UnicodeScalarView(name.unicodeScalars.filter { (0x21...0x7e).contains($0.value) })
        )
    }

    func get<Answer: Decodable>(_ path: APIPath) async throws -> Answer {
        try decode(try await send(request("GET", path)).body)
    }

    /// The answer's bytes, its headers in lower case.
    func getRaw(_ path: APIPath) async throws -> (body: Data, headers: [String: String]) {
        try await send(request("GET", path))
    }

    func post<Answer: Decodable>(_ path: APIPath, _ body: some Encodable) async throws -> Answer {
        try decode(try await send(request("POST", path, body: try JSONEncoder().encode(body))).body)
    }

    func put<Answer: Decodable>(_ path: APIPath, _ body: some Encodable) async throws -> Answer {
        try decode(try await send(request("PUT", path, body: try JSONEncoder().encode(body))).body)
    }

    func delete<Answer: Decodable>(_ path: APIPath, _ body: some Encodable) async throws -> Answer {
        try decode(try await send(request("DELETE", path, body: try JSONEncoder().encode(body))).body)
    }

    /// Sends a body of another form than JSON.
    func post<Answer: Decodable>(_ path: APIPath, _ body: Data, as type: String) async throws -> Answer {
        var call = request("POST", path, body: body)
        call.headers["Content-Type"] = type
        return try decode(try await send(call).body)
    }

    /// Whether the server has the bytes already.
    func has(_ digest: Digest) async throws -> Bool {
        let answer = try await reach(request("HEAD", .artifact(digest)))
        switch answer.status {
        case 200..<300: return true
        case 404: return false
        default: throw CommandFailure.strangeAnswer(server: server.description, status: answer.status)
        }
    }

    /// Sends a file's bytes from the disk, without holding them in memory.
    func upload(file: String, as digest: Digest) async throws {
        var call = request("PUT", .artifact(digest))
        call.headers["Content-Type"] = "application/octet-stream"
        call.body = .file(file)
        try check(try await reach(call))
    }

    private func request(_ method: String, _ path: APIPath, body: Data? = nil) -> HTTPCall {
        var call = HTTPCall(method: method, url: server.url(path))
        call.headers = ["Belay-Actor": actor, "Accept": "application/json"]
        if method == "POST" { call.headers["Idempotency-Key"] = UUID().uuidString }
        if let body {
            call.body = .bytes(body)
            call.headers["Content-Type"] = "application/json"
        }
        return call
    }

    private func send(_ call: HTTPCall) async throws -> (body: Data, headers: [String: String]) {
        let answer = try await reach(call)
        try check(answer)
        return (answer.body, answer.headers)
    }

    /// - Throws: ``CommandFailure/noAnswer(server:reason:)`` for whatever goes wrong on the way.
    private func reach(_ call: HTTPCall) async throws -> HTTPAnswer {
        do {
            return try await transport.send(call)
        } catch let failure as TransportFailure {
            throw CommandFailure.noAnswer(server: server.description, reason: failure.reason)
        }
    }

    private func check(_ answer: HTTPAnswer) throws {
        guard !(200..<300).contains(answer.status) else { return }
        guard let problem = try? JSONDecoder().decode(ProblemView.self, from: answer.body) else {
            throw CommandFailure.strangeAnswer(server: server.description, status: answer.status)
        }
        throw CommandFailure.problem(problem)
    }

    private func decode<Answer: Decodable>(_ body: Data) throws -> Answer {
        do {
            return try JSONDecoder().decode(Answer.self, from: body)
        } catch is DecodingError {
            throw CommandFailure.strangeAnswer(server: server.description, status: 200)
        }
    }
}
