/// A number from 0 up, as a code: buckets that grow by two percent, so that a value is known within one.
///
/// Code 0 is zero, and everything up to a billionth; the highest stands for everything from 10¹² up.
package enum Magnitude {
    package static let range = 1e-9...1e12
    private static let growth = 1.02

    /// Returns nil for NaN and for numbers below zero.
    package static func code(of value: Double) -> Int? {
        guard value >= 0 else { return nil }
        guard value > range.lowerBound else { return 0 }
        let ratio = min(value, range.upperBound) / range.lowerBound
        return Int((logarithm(ratio) / logarithm(growth)).rounded(.up))
    }

    /// The number that a code stands for: in the middle of its bucket, in the sense of relative error.
    package static func value(of code: Int) -> Double {
        guard code > 0 else { return 0 }
        let upper = range.lowerBound * exponential(Double(min(code, highest)) * logarithm(growth))
        return 2 / (1 + growth) * upper
    }

    package static let highest = code(of: range.upperBound) ?? 0
}
