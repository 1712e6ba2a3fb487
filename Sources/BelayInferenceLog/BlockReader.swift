import BelayCore

/// What is wrong with a block.
struct BlockFault: Error, Equatable {
    let reason: String
}

/// Reads a block back; nothing in it is trusted before its checksum holds, and no number in it after.
struct BlockReader {
    /// The place of the block's first answer.
    let position: Int
    let count: Int
    let model: ModelName
    private let keys: ArraySlice<UInt8>

    /// Reads the keys as they were stored, with their checksum.
    init(position: Int, count: Int, model: ModelName, keys: [UInt8]) throws(BlockFault) {
        self.position = position
        self.count = count
        self.model = model
        self.keys = try Self.checked(keys, position)
        let (bytes, overflow) = count.multipliedReportingOverflow(by: BlockLayout.keyBytes)
        guard count > 0, !overflow, self.keys.count == bytes else {
            throw BlockFault(reason: "it does not hold \(count) keys")
        }
    }

    /// Whether these are a block's answers as they were sealed for that position.
    static func isWhole(_ stored: [UInt8], _ position: Int) -> Bool {
        (try? checked(stored, position)) != nil
    }

    /// The bytes without their checksum, which must be right.
    private static func checked(_ bytes: [UInt8], _ position: Int) throws(BlockFault) -> ArraySlice<UInt8> {
        let content = bytes.dropLast(BlockLayout.checksumBytes)
        guard bytes.count >= BlockLayout.checksumBytes else { throw BlockFault(reason: "it is too short") }
        let isRight = bytes.withUnsafeBytes { bytes in
            bytes.get(UInt64.self, at: content.count)
                == BlockLayout.checksum(bytes.prefix(content.count), position)
        }
        guard isRight else { throw BlockFault(reason: "its checksum is wrong") }
        return content
    }

    /// What is known of the answer `index`, 0 ..< ``count``.
    func key(_ index: Int) throws(BlockFault) -> AnswerKey {
        let key = keys.withUnsafeBytes { bytes in
            let start = index * BlockLayout.keyBytes
            let release = Int(bytes.get(UInt32.self, at: start + 24))
            let flags = BlockLayout.Flags(rawValue: bytes[start + 29])
            return BlockLayout.arm(bytes[start + 28]).map { arm in
                AnswerKey(
                    idHash: bytes.get(UInt64.self, at: start),
                    unit: flags.contains(.unit) ? UnitHash(bytes.get(UInt64.self, at: start + 8)) : nil,
                    subject: flags.contains(.subject)
                        ? UnitHash(bytes.get(UInt64.self, at: start + 16)) : nil,
                    release: release == 0 ? nil : ReleaseID(release),
                    arm: arm,
                    kind: flags.contains(.shadow) ? .shadow : .served,
                    isErased: flags.contains(.erased)
                )
            }
        }
        guard let key else { throw BlockFault(reason: "the key \(index) names no arm") }
        return key
    }

    /// The hash of each id, in order.
    var idHashes: [UInt64] {
        keys.withUnsafeBytes { bytes in
            (0..<count).map { bytes.get(UInt64.self, at: $0 * BlockLayout.keyBytes) }
        }
    }

    /// The answers that are wanted, in order, each with its index in the block.
    ///
    /// The others are passed over unread. `stored` is the block's `answers` with the checksum.
    func answers(
        _ stored: [UInt8],
        where isWanted: (Int) -> Bool = { _ in true }
    ) throws(BlockFault) -> [(index: Int, record: AnswerRecord)] {
        let content = try Self.checked(stored, position)
        var records: [(index: Int, record: AnswerRecord)] = []
        var start = 0
        for index in 0..<count {
            guard let end = Self.end(content, start) else {
                throw BlockFault(reason: "the answer \(index) has no end")
            }
            if isWanted(index) {
                guard let record = answer(try key(index), content[start..<end]) else {
                    throw BlockFault(reason: "the answer \(index) is malformed")
                }
                records.append((index, record))
            }
            start = end
        }
        guard start == content.count else { throw BlockFault(reason: "it is longer than its answers") }
        return records
    }

    private static func end(_ content: ArraySlice<UInt8>, _ start: Int) -> Int? {
        guard content.count - start >= BlockLayout.headBytes else { return nil }
        let length = content.withUnsafeBytes { Int($0.get(UInt32.self, at: start)) }
        guard length >= BlockLayout.headBytes, length <= content.count - start else { return nil }
        return start + length
    }

    /// Nil when the bytes are no answer.
    private func answer(_ key: AnswerKey, _ content: ArraySlice<UInt8>) -> AnswerRecord? {
        content.withUnsafeBytes { head in
            var rest = head[BlockLayout.headBytes...]
            guard let id = rest.text(head.get(UInt16.self, at: 4)),
                let fallback = rest.optional(head.get(UInt16.self, at: 6)),
                let code = rest.optional(head.get(UInt16.self, at: 66)),
                let trace = rest.optional(head.get(UInt16.self, at: 68)),
                let request = rest.take(Int(head.get(UInt32.self, at: 40))),
                let response = rest.take(Int(head.get(UInt32.self, at: 52))), rest.isEmpty,
                let version = VersionNumber(Int(head.get(UInt32.self, at: 32))),
                let share = Share(partsPerMillion: Int(head.get(UInt32.self, at: 36)))
            else { return nil }
            return AnswerRecord(
                id: id,
                kind: key.kind,
                at: Timestamp(milliseconds: head.get(Int64.self, at: 8)),
                model: model,
                version: version,
                release: key.release,
                arm: key.arm,
                share: share,
                epoch: Epoch(Int(head.get(Int64.self, at: 24))),
                trace: trace.text,
                unit: key.unit,
                subject: key.subject,
                latencyMicroseconds: head.get(Int64.self, at: 16),
                status: Int(head.get(UInt16.self, at: 64)),
                code: code.text,
                fallback: fallback.text,
                request: Array(request),
                requestLength: Int(head.get(UInt32.self, at: 44)),
                requestHeaderLength: head.length(at: 48),
                response: Array(response),
                responseLength: Int(head.get(UInt32.self, at: 56)),
                responseHeaderLength: head.length(at: 60),
                isErased: key.isErased
            )
        }
    }
}

/// A text that may be absent.
private struct OptionalText {
    let text: String?
}

extension UnsafeRawBufferPointer {
    fileprivate func get<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type,
        at offset: Int
    ) -> Number {
        Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }

    fileprivate func length(at offset: Int) -> Int? {
        let value = get(UInt32.self, at: offset)
        return value == BlockLayout.absent32 ? nil : Int(value)
    }
}

extension Slice<UnsafeRawBufferPointer> {
    /// The next `length` bytes; nil when there are fewer.
    fileprivate mutating func take(_ length: Int) -> Slice<UnsafeRawBufferPointer>? {
        guard length <= count else { return nil }
        defer { self = dropFirst(length) }
        return prefix(length)
    }

    fileprivate mutating func text(_ length: UInt16) -> String? {
        take(Int(length)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Nil when there are fewer bytes than that; a text of nil when the length says so.
    fileprivate mutating func optional(_ length: UInt16) -> OptionalText? {
        guard length != BlockLayout.absent16 else { return OptionalText(text: nil) }
        return text(length).map { OptionalText(text: $0) }
    }
}
