import Foundation
import Glibc

/// An answer as a client sees it.
struct HTTPAnswer: Sendable {
    let status: Int
    let headers: [String: String]
    let body: Data

    var json: [String: Any] { (try? JSONSerialization.jsonObject(with: body)) as? [String: Any] ?? [:] }
    var text: String { String(decoding: body, as: UTF8.self) }
}

enum HTTPFailure: Error, Equatable {
    case notConnected(errno: Int32)
    /// The connection ended, and so many bytes of the answer had come.
    case closed(afterBytes: Int)
    case notHTTP(String)
}

/// One keep-alive connection, blocking and without comfort, so that a test knows what happens when.
///
/// Every call blocks its thread; on the threads of the concurrency pool go through `onOwnThread`.
struct HTTPConnection: Sendable {
    private static let patienceSeconds = 30

    private let descriptor: Int32

    /// - Throws: ``HTTPFailure/notConnected(errno:)``.
    init(to address: String) throws(HTTPFailure) {
        let parts = address.split(separator: ":")
        let port = parts.last.flatMap { UInt16($0) } ?? 0
        // Not inherited: a server started later must not hold a client's end of a connection.
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = port.bigEndian
        target.sin_addr.s_addr = inet_addr(String(parts.first ?? ""))
        var patience = timeval(tv_sec: Self.patienceSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard result == 0 else {
            let reason = errno
            Glibc.close(descriptor)
            throw HTTPFailure.notConnected(errno: reason)
        }
    }

    func close() { Glibc.close(descriptor) }

    func exchange(_ method: String, _ path: String, _ body: Data, id: String? = nil) throws(HTTPFailure)
        -> HTTPAnswer
    {
        try send(method, path, body, id: id)
        return try receive()
    }

    func send(_ method: String, _ path: String, _ body: Data, id: String? = nil) throws(HTTPFailure) {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        head += "Content-Length: \(body.count)\r\n"
        if let id { head += "Belay-Request-Id: \(id)\r\n" }
        let bytes = Array((head + "\r\n").utf8) + Array(body)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw HTTPFailure.closed(afterBytes: 0) }
            sent += count
        }
    }

    func receive() throws(HTTPFailure) -> HTTPAnswer {
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let place = bytes.firstRange(of: end) {
                let (status, headers) = try Self.head(bytes[..<place.lowerBound])
                let count = headers["content-length"].flatMap { Int($0) } ?? 0
                while bytes.count < place.upperBound + count { try readMore(&bytes) }
                return HTTPAnswer(status: status, headers: headers, body: Data(bytes[place.upperBound...]))
            }
            try readMore(&bytes)
        }
    }

    private func readMore(_ bytes: inout [UInt8]) throws(HTTPFailure) {
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else { throw HTTPFailure.closed(afterBytes: bytes.count) }
        bytes += chunk[..<count]
    }

    private static func head(_ bytes: ArraySlice<UInt8>) throws(HTTPFailure) -> (Int, [String: String]) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")
        let words = (lines.first ?? "").split(separator: " ")
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw HTTPFailure.notHTTP(String(lines.first ?? ""))
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...]
            headers[line[..<colon].lowercased()] = value.trimmingCharacters(in: .whitespaces)
        }
        return (status, headers)
    }
}

/// Runs blocking work beside the threads that the other tests need.
func onOwnThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Result { try work() }) }.start()
    }
}
