import BelayCore
import BelayServer
import Foundation
import FoundationNetworking

/// Calls the control API; everything that a command knows or changes goes through here.
struct Client: Sendable {
    let server: ServerAddress
    private let session: URLSession
    private let actor: String

    init(server: ServerAddress, environment: [String: String]) {
        let configuration = URLSessionConfiguration.ephemeral
        // Registering or going back to a large cold model takes as long as loading it does.
        configuration.timeoutIntervalForRequest = 900
        configuration.timeoutIntervalForResource = 3600
        self.server = server
        if server.isLocal { Self.leaveProxiesOut(of: server, environment) }
        session = URLSession(configuration: configuration)
        actor = Self.actor(environment)
    }

    /// A proxy never stands before a server on this machine, whatever the environment says of others.
    private static func leaveProxiesOut(of server: ServerAddress, _ environment: [String: String]) {
        let named = environment["no_proxy"] ?? environment["NO_PROXY"] ?? ""
        setenv("no_proxy", named.isEmpty ? server.host : "\(named),\(server.host)", 1)
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
        var request = request("POST", path, body: body)
        request.setValue(type, forHTTPHeaderField: "Content-Type")
        return try decode(try await send(request).body)
    }

    /// Whether the server has the bytes already.
    func has(_ digest: Digest) async throws -> Bool {
        let (_, response) = try await reach {
            try await session.data(for: request("HEAD", .artifact(digest)))
        }
        switch response.statusCode {
        case 200..<300: return true
        case 404: return false
        default: throw CommandFailure.strangeAnswer(server: server.description, status: response.statusCode)
        }
    }

    /// Sends a file's bytes from the disk, without holding them in memory.
    func upload(file: String, as digest: Digest) async throws {
        var request = request("PUT", .artifact(digest))
        request.setValue("application/octet-stream", forHTTPHeaderField: "Content-Type")
        let (body, response) = try await reach {
            try await session.upload(for: request, fromFile: URL(fileURLWithPath: file))
        }
        try check(body, response)
    }

    private func request(_ method: String, _ path: APIPath, body: Data? = nil) -> URLRequest {
        var request = URLRequest(url: server.url(path))
        request.httpMethod = method
        request.setValue(actor, forHTTPHeaderField: "Belay-Actor")
        request.setValue("application/json", forHTTPHeaderField: "Accept")
        if method == "POST" { request.setValue(UUID().uuidString, forHTTPHeaderField: "Idempotency-Key") }
        if let body {
            request.httpBody = body
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        return request
    }

    private func send(_ request: URLRequest) async throws -> (body: Data, headers: [String: String]) {
        let (body, response) = try await reach { try await session.data(for: request) }
        try check(body, response)
        let pairs = response.allHeaderFields.map { ("\($0.key)".lowercased(), "\($0.value)") }
        return (body, Dictionary(pairs) { first, _ in first })
    }

    /// - Throws: ``CommandFailure/noAnswer(server:reason:)`` for whatever goes wrong on the way.
    private func reach(_ call: () async throws -> (Data, URLResponse)) async throws -> (Data, HTTPURLResponse)
    {
        do {
            let (body, response) = try await call()
            guard let http = response as? HTTPURLResponse else {
                throw CommandFailure.strangeAnswer(server: server.description, status: 0)
            }
            return (body, http)
        } catch let error as URLError {
            throw CommandFailure.noAnswer(server: server.description, reason: error.reason)
        }
    }

    private func check(_ body: Data, _ response: HTTPURLResponse) throws {
        guard !(200..<300).contains(response.statusCode) else { return }
        guard let problem = try? JSONDecoder().decode(ProblemView.self, from: body) else {
            throw CommandFailure.strangeAnswer(server: server.description, status: response.statusCode)
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

extension URLError {
    fileprivate var reason: String {
        switch code {
        case .cannotConnectToHost: "the connection was refused"
        case .cannotFindHost: "the host is not known"
        case .timedOut: "it took too long"
        case .networkConnectionLost: "the connection was lost"
        default: "the connection failed"
        }
    }
}
