import BelayCore

/// Packs answers of one model into a block.
struct BlockBuilder {
    private(set) var count = 0
    let model: ModelName
    private var firstAt = Timestamp(milliseconds: .max)
    private var lastAt = Timestamp(milliseconds: .min)
    private var releases: [ReleasePart: Int] = [:]
    /// The part that the last answer belonged to, counted apart because it is mostly the next one's too.
    private var run: (part: ReleasePart, count: Int)?
    private var keys: [UInt8] = []
    private var answers: [UInt8] = []

    /// Begins a block that becomes about so large.
    init(model: ModelName, capacity rows: Int, bytes: Int) {
        self.model = model
        // Room for the answer that goes over the size, and for the checksums.
        keys.reserveCapacity(min(rows, bytes / BlockLayout.headBytes) * BlockLayout.keyBytes)
        answers.reserveCapacity(bytes + bytes / 4)
    }

    var bytes: Int { keys.count + answers.count }

    /// Adds an answer; a request or response longer than `bodyBytes` is kept without its tail.
    mutating func append(_ record: AnswerRecord, bodyBytes: Int) {
        count += 1
        firstAt = min(firstAt, record.at)
        lastAt = max(lastAt, record.at)
        note(record)
        appendKey(record)
        appendAnswer(record, bodyBytes: bodyBytes)
    }

    consuming func finish() -> Block {
        settleRun()
        return Block(
            model: model,
            count: count,
            firstAt: firstAt,
            lastAt: lastAt,
            releases: releases,
            keys: keys,
            answers: answers
        )
    }

    private mutating func note(_ record: AnswerRecord) {
        let release = record.release ?? .none
        let part = ReleasePart(release: release, version: record.version, arm: record.arm)
        if run?.part != part {
            settleRun()
            run = (part, 0)
        }
        if record.kind == .served { run?.count += 1 }
    }

    private mutating func settleRun() {
        if let run { releases[run.part, default: 0] += run.count }
        run = nil
    }

    private mutating func appendKey(_ record: AnswerRecord) {
        var flags: BlockLayout.Flags = []
        if record.unit != nil { flags.insert(.unit) }
        if record.subject != nil { flags.insert(.subject) }
        if record.kind == .shadow { flags.insert(.shadow) }
        if record.isErased { flags.insert(.erased) }
        let id = BlockLayout.hash(id: record.id)
        let release = UInt32(clamping: record.release?.value ?? 0)
        withUnsafeTemporaryAllocation(byteCount: BlockLayout.keyBytes, alignment: 8) { key in
            key.put(id, at: 0)
            key.put(record.unit?.value ?? 0, at: 8)
            key.put(record.subject?.value ?? 0, at: 16)
            key.put(release, at: 24)
            key[28] = BlockLayout.code(record.arm)
            key[29] = flags.rawValue
            key.put(UInt16(0), at: 30)
            keys.append(contentsOf: key)
        }
    }

    private mutating func appendAnswer(_ record: AnswerRecord, bodyBytes: Int) {
        let id = Self.length(record.id)
        let (fallback, code) = (record.fallback.map(Self.length), record.code.map(Self.length))
        let trace = record.trace.map(Self.length)
        let request = min(record.request.count, bodyBytes)
        let response = min(record.response.count, bodyBytes)
        let texts = id + (fallback ?? 0) + (code ?? 0) + (trace ?? 0)
        withUnsafeTemporaryAllocation(byteCount: BlockLayout.headBytes, alignment: 8) { head in
            head.put(UInt32(clamping: BlockLayout.headBytes + texts + request + response), at: 0)
            head.put(UInt16(clamping: id), at: 4)
            head.put(fallback.map { UInt16(clamping: $0) } ?? BlockLayout.absent16, at: 6)
            head.put(record.at.milliseconds, at: 8)
            head.put(record.latencyMicroseconds, at: 16)
            head.put(Int64(record.epoch.value), at: 24)
            head.put(UInt32(clamping: record.version.value), at: 32)
            head.put(UInt32(clamping: record.share.partsPerMillion), at: 36)
            head.put(UInt32(clamping: request), at: 40)
            head.put(UInt32(clamping: record.requestLength), at: 44)
            head.put(optional: record.requestHeaderLength, at: 48)
            head.put(UInt32(clamping: response), at: 52)
            head.put(UInt32(clamping: record.responseLength), at: 56)
            head.put(optional: record.responseHeaderLength, at: 60)
            head.put(UInt16(clamping: record.status), at: 64)
            head.put(code.map { UInt16(clamping: $0) } ?? BlockLayout.absent16, at: 66)
            head.put(trace.map { UInt16(clamping: $0) } ?? BlockLayout.absent16, at: 68)
            head.put(UInt16(0), at: 70)
            answers.append(contentsOf: head)
        }
        append(record.id)
        if let fallback = record.fallback { append(fallback) }
        if let code = record.code { append(code) }
        if let trace = record.trace { append(trace) }
        answers.append(contentsOf: record.request.prefix(request))
        answers.append(contentsOf: record.response.prefix(response))
    }

    private static func length(_ text: String) -> Int { min(text.utf8.count, BlockLayout.mostTextBytes) }

    private mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { answers.append(contentsOf: $0.prefix(BlockLayout.mostTextBytes)) }
    }
}

/// Sorts answers into blocks of one model each, in the order they come.
struct BlockPacker {
    private let limits: LogLimits
    private let capacity: Int
    private var full: [Block] = []
    private var open: [BlockBuilder] = []

    /// Begins with no block; about `capacity` answers are to come.
    init(limits: LogLimits, capacity: Int = 0) {
        self.limits = limits
        self.capacity = capacity
    }

    mutating func append(_ record: AnswerRecord) {
        var index = open.firstIndex { $0.model == record.model }
        if let found = index, open[found].bytes >= limits.blockBytes {
            full.append(open.remove(at: found).finish())
            index = nil
        }
        if index == nil {
            open.append(BlockBuilder(model: record.model, capacity: capacity, bytes: limits.blockBytes))
        }
        open[index ?? open.count - 1].append(record, bodyBytes: limits.bodyBytes)
    }

    consuming func finish() -> [Block] { full + open.map { $0.finish() } }
}

extension UnsafeMutableRawBufferPointer {
    fileprivate func put<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number, at offset: Int) {
        storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
    }

    fileprivate func put(optional length: Int?, at offset: Int) {
        // One less than all ones, which says that there is none.
        let value = length.map { Swift.min(UInt32(clamping: $0), BlockLayout.absent32 - 1) }
        put(value ?? BlockLayout.absent32, at: offset)
    }
}
