import CZlib

/// Why a compressed body could not be read.
enum CompressionFault: Error, Equatable {
    /// 415: neither gzip nor deflate, or several upon each other.
    case unknownCoding(String)
    /// 400: not what the header says, cut off, or with something behind it.
    case unreadable(ContentCoding, reason: String)
    /// 413: longer than the limit when decompressed, in bytes.
    case tooLarge(limit: Int)
    /// 503: no memory for it.
    case exhausted

    var sentence: String {
        switch self {
        case .unknownCoding(let name):
            "A body with Content-Encoding '\(name.prefix(40))' cannot be read; use gzip, deflate or none."
        case .unreadable(let coding, let reason): "The body cannot be read as \(coding.rawValue): \(reason)."
        case .tooLarge(let limit):
            "The request body is longer than \(limit) bytes when decompressed; "
                + "split the batch into several requests."
        case .exhausted: "There is no memory to decompress the body; send it again later."
        }
    }
}

/// Whole bodies into and out of gzip and zlib streams.
///
/// Costs time by the byte: long bodies do not belong on an event loop.
enum Compression {
    /// Shorter answers gain nothing that a packet could spare, in bytes.
    static let worthwhile = 1_024

    private static let chunk = 65_536

    /// The bytes, decompressed: at most `limit`, and a bomb costs no more than these.
    ///
    /// A gzip body may consist of several members (RFC 1952, 2.2).
    ///
    /// - Parameters:
    ///   - bytes: As they came.
    ///   - coding: What they are packed in.
    ///   - limit: Of what comes out, in bytes.
    ///   - admits: Whether there is memory for so many bytes; asked before they are kept, with a number that
    ///     only grows.
    /// - Returns: All of it.
    /// - Throws: Why it could not be read.
    static func inflated(
        _ bytes: [UInt8],
        from coding: ContentCoding,
        limit: Int,
        admits: (Int) -> Bool = { _ in true }
    ) throws(CompressionFault) -> [UInt8] {
        guard let size = UInt32(exactly: bytes.count) else { throw .tooLarge(limit: limit) }
        let stream = ZlibStream()
        guard unsafe inflateInit2_(stream.pointer, coding.windowBits, ZLIB_VERSION, ZlibStream.size) == Z_OK
        else { throw .exhausted }
        defer { unsafe inflateEnd(stream.pointer) }

        var output: [UInt8] = []
        var room = [UInt8](repeating: 0, count: chunk)
        let status = unsafe bytes.withUnsafeBufferPointer { source in
            unsafe stream.take(source, size: size)
            while true {
                let status = unsafe room.withUnsafeMutableBufferPointer { target in
                    unsafe stream.pointer.pointee.next_out = target.baseAddress
                    unsafe stream.pointer.pointee.avail_out = UInt32(chunk)
                    return unsafe inflate(stream.pointer, Z_NO_FLUSH)
                }
                let part = unsafe room[..<(chunk - Int(stream.pointer.pointee.avail_out))]
                guard admits(output.count + part.count) else { return Z_MEM_ERROR }
                output += part
                guard output.count <= limit else { return status }
                if status == Z_STREAM_END, coding == .gzip, stream.isAtMember,
                    unsafe inflateReset(stream.pointer) == Z_OK
                {
                    continue
                }
                guard status == Z_OK else { return status }
            }
        }
        guard output.count <= limit else { throw .tooLarge(limit: limit) }
        let rest = unsafe stream.pointer.pointee.avail_in
        switch status {
        case Z_STREAM_END where rest == 0: return output
        case Z_STREAM_END: throw .unreadable(coding, reason: "\(rest) bytes follow the end of its data")
        case Z_BUF_ERROR: throw .unreadable(coding, reason: "it ends in the middle")
        case Z_NEED_DICT: throw .unreadable(coding, reason: "it needs a dictionary")
        case Z_MEM_ERROR: throw .exhausted
        default: throw .unreadable(coding, reason: "its data is damaged, or of another coding")
        }
    }

    /// Returns nil when there is no memory for it; the answer then goes as it is.
    ///
    /// At zlib's fastest level: callers wait for it.
    static func deflated(_ bytes: [UInt8], to coding: ContentCoding) -> [UInt8]? {
        guard let size = UInt32(exactly: bytes.count) else { return nil }
        let stream = ZlibStream()
        let begun = unsafe deflateInit2_(
            stream.pointer,
            Z_BEST_SPEED,
            Z_DEFLATED,
            coding.windowBits,
            8,
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            ZlibStream.size
        )
        guard begun == Z_OK else { return nil }
        defer { unsafe deflateEnd(stream.pointer) }
        let most = unsafe deflateBound(stream.pointer, UInt(size))
        guard let room = UInt32(exactly: most) else { return nil }
        var status = Z_OK
        let output = unsafe [UInt8](unsafeUninitializedCapacity: Int(room)) { target, count in
            unsafe bytes.withUnsafeBufferPointer { source in
                unsafe stream.take(source, size: size)
                unsafe stream.pointer.pointee.next_out = target.baseAddress
                unsafe stream.pointer.pointee.avail_out = room
                status = unsafe deflate(stream.pointer, Z_FINISH)
            }
            count = unsafe Int(room - stream.pointer.pointee.avail_out)
        }
        return status == Z_STREAM_END ? output : nil
    }
}

extension ContentCoding {
    /// What tells zlib which of its wrappings to use, with the greatest window.
    fileprivate var windowBits: Int32 {
        switch self {
        case .gzip: 15 + 16
        case .deflate: 15
        }
    }
}

/// zlib's state, which must not move: it points to itself.
private struct ZlibStream: ~Copyable {
    static let size = Int32(MemoryLayout<z_stream>.size)

    let pointer: UnsafeMutablePointer<z_stream>

    init() {
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: z_stream())
    }

    deinit { unsafe pointer.deallocate() }

    /// Whether another gzip member begins in what is not read yet, by its first two bytes.
    var isAtMember: Bool {
        unsafe pointer.pointee.avail_in >= 2 && pointer.pointee.next_in[0] == 0x1f
            && pointer.pointee.next_in[1] == 0x8b
    }

    /// zlib only reads what it is given, though its declaration does not say so.
    borrowing func take(_ source: UnsafeBufferPointer<UInt8>, size: UInt32) {
        unsafe pointer.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        unsafe pointer.pointee.avail_in = size
    }
}
