/// How often each of many small keys was counted: a hash table without hashing of strings, and without
/// allocation once it has its size.
///
/// Open addressing with linear probing, at most half full, so a count is found in one or two looks. It holds
/// no more keys than outcomes were counted between two collections.
struct CountTable {
    /// Bits of a key; the highest marks a place that is taken.
    static let keyBits = 63
    private static let taken: UInt64 = 1 << 63
    private static let smallest = 64

    private var keys: [UInt64] = []
    private var counts: [Int] = []
    private(set) var count = 0

    /// Adds one to the count of a key below 2⁶³.
    mutating func add(_ key: UInt64) {
        if count * 2 >= keys.count { grow() }
        let slot = slot(of: key | Self.taken)
        if counts[slot] == 0 {
            keys[slot] = key | Self.taken
            count += 1
        }
        counts[slot] &+= 1
    }

    func forEach(_ body: (_ key: UInt64, _ count: Int) -> Void) {
        for slot in keys.indices where counts[slot] > 0 { body(keys[slot] & ~Self.taken, counts[slot]) }
    }

    private func slot(of marked: UInt64) -> Int {
        let mask = keys.count - 1
        // Fibonacci hashing: the high bits of the product depend on all bits of the key.
        var slot = Int(truncatingIfNeeded: (marked &* 0x9e37_79b9_7f4a_7c15) >> 32) & mask
        while keys[slot] != marked, keys[slot] != 0 { slot = (slot + 1) & mask }
        return slot
    }

    private mutating func grow() {
        let (oldKeys, oldCounts) = (keys, counts)
        let size = max(Self.smallest, keys.count * 2)
        keys = Array(repeating: 0, count: size)
        counts = Array(repeating: 0, count: size)
        for index in oldKeys.indices where oldCounts[index] > 0 {
            let slot = slot(of: oldKeys[index])
            keys[slot] = oldKeys[index]
            counts[slot] = oldCounts[index]
        }
    }
}
