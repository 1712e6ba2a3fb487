#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The natural logarithm; −∞ at zero.
///
/// The C mathematics library is imported in this file only. Its functions may differ in the last bit between
/// platforms, so a replay is exact to the bit on one platform and to about 1e-15 between two.
func logarithm(_ number: Double) -> Double { log(number) }

/// `logarithm(1 + number)` without the loss of digits near zero.
func logarithmOfOnePlus(_ number: Double) -> Double { log1p(number) }

func exponential(_ number: Double) -> Double { exp(number) }

/// The logarithm of a sum whose terms are known by their logarithms.
///
/// The largest term is factored out, so no exponential overflows and −∞ (a term of zero) is harmless.
/// An empty sum is zero, hence −∞.
func logarithmOfSum(_ logarithms: [Double]) -> Double {
    guard let largest = logarithms.max(), largest.isFinite else { return logarithms.max() ?? -.infinity }
    var sum = 0.0
    for term in logarithms { sum += exponential(term - largest) }
    return largest + logarithm(sum)
}

/// The same for two terms, with one exponential.
func logarithmOfSum(_ first: Double, _ second: Double) -> Double {
    let larger = max(first, second)
    let smaller = min(first, second)
    guard larger.isFinite, smaller > -.infinity else { return larger }
    return larger + logarithmOfOnePlus(exponential(smaller - larger))
}

extension Int {
    /// The sum of two counts, held at `Int.max` instead of trapping.
    func addingSaturated(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        guard overflow else { return sum }
        return other > 0 ? .max : .min
    }
}

extension DecodingError {
    /// The refusal of stored numbers that no computation here could have produced.
    static func invalid(_ description: String, from decoder: any Decoder) -> DecodingError {
        .dataCorrupted(Context(codingPath: decoder.codingPath, debugDescription: description))
    }
}
