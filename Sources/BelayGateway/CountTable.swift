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

    /// A place for one key; free while its count is 0.
    private struct Slot {
        var key: UInt64 = 0
        var count = 0
    }

    private var slots: [Slot] = []
    private(set) var count = 0

    /// Adds one to the count of a key below 2⁶³.
    mutating func add(_ key: UInt64) {
        if count * 2 >= slots.count { grow() }
        let marked = key | Self.taken
        let place = place(of: marked)
        if slots[place].key == 0 {
            slots[place].key = marked
            count += 1
        }
        slots[place].count &+= 1
    }

    func forEach(_ body: (_ key: UInt64, _ count: Int) -> Void) {
        for slot in slots where slot.count > 0 { body(slot.key & ~Self.taken, slot.count) }
    }

    private func place(of marked: UInt64) -> Int {
        let mask = slots.count - 1
        // Fibonacci hashing: the high bits of the product depend on all bits of the key.
        var place = Int(truncatingIfNeeded: (marked &* 0x9e37_79b9_7f4a_7c15) >> 32) & mask
        while slots[place].key != marked, slots[place].key != 0 { place = (place + 1) & mask }
        return place
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Slot(), count: max(Self.smallest, old.count * 2))
        for slot in old where slot.count > 0 { slots[place(of: slot.key)] = slot }
    }
}
