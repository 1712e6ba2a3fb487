package import BelayCore
import Synchronization

/// Makes ids for requests that bring none: UUIDs of version 7 (RFC 9562), which sort by the time they were
/// made.
///
/// Ids that belong together lie together in the log, and none can be foreseen: 62 of the bits are random.
package final class RequestIDs: Sendable {
    private struct State: Sendable {
        var milliseconds: Int64 = 0
        /// Counts the ids of one millisecond, from a random start below 1024.
        var count: UInt64 = 0
        var generator = Entropy()
    }

    private let state = Mutex(State())

    package init() {}

    package func next(at time: Timestamp) -> String {
        let (high, low) = state.withLock { state -> (UInt64, UInt64) in
            let random = state.generator.next()
            if time.milliseconds > state.milliseconds {
                state.milliseconds = time.milliseconds
                state.count = random >> 54
            } else {
                state.count += 1
                // 12 bits are used up: the next ids belong to the next millisecond.
                if state.count > 0xfff { (state.milliseconds, state.count) = (state.milliseconds + 1, 0) }
            }
            let stamp = UInt64(bitPattern: max(0, state.milliseconds)) & 0xffff_ffff_ffff
            return (stamp << 16 | 0x7000 | state.count, random & (1 << 62 - 1) | 1 << 63)
        }
        return text(high, low)
    }

    /// `018f4d2e-7c1a-7b3c-9d4e-5f6a7b8c9d0e`.
    private func text(_ high: UInt64, _ low: UInt64) -> String {
        String(unsafeUninitializedCapacity: 36) { bytes in
            var position = 0
            for digit in 0..<32 {
                if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
                    bytes[position] = UInt8(ascii: "-")
                    position += 1
                }
                let half = digit < 16 ? high : low
                let nibble = UInt8(truncatingIfNeeded: half >> UInt64(60 - digit % 16 * 4)) & 15
                bytes[position] = nibble < 10 ? 0x30 + nibble : 0x57 + nibble
                position += 1
            }
            return 36
        }
    }
}
