#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The system's random numbers, fetched some at a time: a call of the system for each would cost as much as
/// routing the request.
struct Entropy: RandomNumberGenerator {
    /// `getentropy` gives 256 bytes at most.
    private static let batch = 32

    private var numbers: [UInt64] = []

    mutating func next() -> UInt64 {
        if let number = numbers.popLast() { return number }
        var fresh = [UInt64](repeating: 0, count: Self.batch)
        guard getentropy(&fresh, Self.batch * MemoryLayout<UInt64>.size) == 0 else {
            var generator = SystemRandomNumberGenerator()
            return generator.next()
        }
        numbers = fresh
        return numbers.removeLast()
    }
}
