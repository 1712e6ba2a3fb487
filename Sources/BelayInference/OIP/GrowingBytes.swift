/// Bytes that are written in whole words, into memory that is there already.
///
/// Every store is checked against the end of the memory once, by the standard library.
struct GrowingBytes {
    private var memory: [UInt8] = []
    /// Bytes written; what lies behind them means nothing.
    private(set) var count = 0

    /// All there is; nothing is written after that.
    var bytes: [UInt8] {
        mutating get {
            memory.removeLast(memory.count - count)
            // Kept as long as the request, and perhaps one of thousands: not with much room for nothing.
            guard memory.capacity > 2 * count + 1024 else { return memory }
            return unsafe memory.withUnsafeBufferPointer { unsafe Array($0) }
        }
    }

    /// Makes sure that `more` bytes can be stored behind those that are written.
    @inline(__always)
    mutating func reserve(_ more: Int) {
        if memory.count - count < more { grow(by: more) }
    }

    /// At least to the double, so that many calls do not make many copies.
    @inline(never)
    private mutating func grow(by more: Int) {
        let room = max(count + more, 2 * memory.count, 64)
        memory.reserveCapacity(room)
        memory.append(contentsOf: repeatElement(0, count: room - memory.count))
    }

    /// Little-endian.
    @inline(__always)
    mutating func append<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
        reserve(Value.bitWidth / 8)
        store(value, at: 0)
        count += Value.bitWidth / 8
    }

    mutating func append(contentsOf text: UnsafeBufferPointer<UInt8>) {
        reserve(text.count)
        let range = count..<count + text.count
        unsafe memory.withUnsafeMutableBytes { memory in
            unsafe UnsafeMutableRawBufferPointer(rebasing: memory[range]).copyMemory(
                from: UnsafeRawBufferPointer(text)
            )
        }
        count = range.upperBound
    }

    /// Writes `value` `offset` bytes behind what is written, where room was reserved.
    @inline(__always)
    mutating func store<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, at offset: Int) {
        let start = count + offset
        var span = memory.mutableSpan
        var bytes = unsafe span.mutableBytes
        bytes.storeBytes(of: value.littleEndian, toByteOffset: start, as: Value.self)
    }

    /// Moves `length` bytes that were stored at `offset` forward by one.
    mutating func moveForward(_ length: Int, from offset: Int) {
        for index in count + offset..<count + offset + length { memory[index - 1] = memory[index] }
    }

    /// Counts the next `length` bytes, which were stored, as written.
    @inline(__always)
    mutating func commit(_ length: Int) { count += length }
}
