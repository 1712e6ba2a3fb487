import Foundation

/// Draws of one simulated release, all of which follow from a seed.
///
/// The generator is that of the library (SplitMix64), repeated here so that the optimiser sees it.
struct Chance {
    private var state: UInt64

    /// - Parameters:
    ///   - seed: Of the whole bench.
    ///   - place: Tells apart the cases and runs; any mixture of numbers.
    init(seed: UInt64, _ place: Int...) {
        state = seed
        for number in place { state = next() ^ (UInt64(truncatingIfNeeded: number) &* 0xD6E8_FEB8_6659_FD93) }
        _ = next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// 0 … 1, without 1.
    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    mutating func tossed(_ probability: Double) -> Bool { uniform() < probability }

    mutating func index(below count: Int) -> Int { Int(uniform() * Double(count)) }

    mutating func exponential(mean: Double) -> Double { -mean * log(1 - uniform()) }

    mutating func normal() -> Double {
        (-2 * log(1 - uniform())).squareRoot() * cos(2 * .pi * uniform())
    }

    /// Marsaglia and Tsang 2000, for a shape of 1 or more.
    mutating func gamma(shape: Double) -> Double {
        let d = shape - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = normal()
            let cube = 1 + c * x
            guard cube > 0 else { continue }
            let v = cube * cube * cube
            if log(1 - uniform()) < 0.5 * x * x + d - d * v + d * log(v) { return d * v }
        }
    }

    mutating func beta(_ first: Double, _ second: Double) -> Double {
        let x = gamma(shape: first)
        return x / (x + gamma(shape: second))
    }
}
