import Hummingbird
import NIOCore

/// Where the pieces of a long body come from, in order.
protocol PieceSource: Sendable {
    /// The next piece; nil at the end.
    mutating func next() async throws -> ByteBuffer?
}

extension ResponseBody {
    /// What one write hands to the connection's loop, which copies it to the socket in its turn.
    private static let mostBytesAtOnce = 256 << 10

    /// A body whose pieces are made by `readers`.
    ///
    /// It is written after the middleware has returned, on the loop that a rollback comes in on: that loop
    /// only passes on what is made, a bounded part in each turn.
    ///
    /// - Parameters:
    ///   - source: Where the pieces come from.
    ///   - readers: The threads that make them.
    init(_ source: some PieceSource, madeBy readers: ThreadExecutor) {
        self.init { writer in
            var source = source
            while true {
                let (piece, rest) = try await readers.run { [source] in
                    var rest = source
                    return (try await rest.next(), rest)
                }
                guard var piece else { break }
                source = rest
                while let part = piece.readSlice(
                    length: min(piece.readableBytes, Self.mostBytesAtOnce)
                ), part.readableBytes > 0 {
                    try await writer.write(part)
                }
            }
            try await writer.finish(nil)
        }
    }
}
