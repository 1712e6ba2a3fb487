import Glibc

/// One thread that asks over many connections: it writes to all of them, then reads all answers.
final class Load {
    private let sockets: [Int32]
    private let requests: [[UInt8]]

    /// Connects; each connection repeats one of the `requests`, which are whole HTTP/1.1, two of them the same:
    /// connections go to event loops in turn, and every loop is to see every request.
    init(port: Int, connections: Int, requests: [[UInt8]]) {
        self.requests = requests
        sockets = (0..<connections).map { _ in
            let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(UInt16(port)).bigEndian
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            let isConnected = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            precondition(isConnected, "the gateway does not listen")
            var one: Int32 = 1
            setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
            return socket
        }
    }

    /// Asks `rounds` times on every connection; the number of answers that were not 200.
    func ask(rounds: Int) -> Int {
        var failures = 0
        var buffer = [UInt8](repeating: 0, count: 8192)
        for _ in 0..<rounds {
            for (number, socket) in sockets.enumerated() {
                let request = requests[number / 2 % requests.count]
                _ = send(socket, request, request.count, 0)
            }
            for socket in sockets { failures += answers(socket, &buffer) ? 0 : 1 }
        }
        return failures
    }

    /// Reads one answer: its head, and as much as it says.
    private func answers(_ socket: Int32, _ buffer: inout [UInt8]) -> Bool {
        var filled = 0
        while filled < buffer.count {
            let read = buffer.withUnsafeMutableBytes {
                recv(socket, $0.baseAddress?.advanced(by: filled), $0.count - filled, 0)
            }
            guard read > 0 else { return false }
            filled += read
            if let length = wholeLength(buffer[..<filled]), filled >= length {
                return buffer[9] == UInt8(ascii: "2")
            }
        }
        return false
    }

    private var known: [Int: Int] = [:]

    private func wholeLength(_ bytes: ArraySlice<UInt8>) -> Int? {
        // Answers of equal length say the same length, so it is read out once.
        if let whole = known[bytes.count] { return whole }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n"),
            let field = text.lowercased().range(of: "content-length: ")
        else { return nil }
        let digits = text[field.upperBound...].prefix { $0.isNumber }
        let head = text[..<end.upperBound].utf8.count
        guard let length = Int(digits) else { return nil }
        if bytes.count == head + length { known[head + length] = head + length }
        return head + length
    }
}

extension String {
    fileprivate func range(of text: String) -> Range<Index>? { self.firstRange(of: text) }
}
