/// A number as it stood in the JSON: exactly `± significand × 10^exponent`, before any rounding.
///
/// Kept decimal until the element's type is known, because the same digits are an integer for one input and
/// a rounded float for another.
struct JSONNumber {
    /// Longer ones are refused; no float needs more, and they would cost time to round.
    static let mostCharacters = 1_024

    fileprivate(set) var isNegative = false
    /// Never ends in a decimal zero, unless it is zero.
    fileprivate(set) var significand: UInt64 = 0
    fileprivate(set) var exponent = 0
    /// False when there were more digits than `significand` can hold; only the text is exact then.
    fileprivate(set) var isExact = true
    /// Where it stands in the document.
    fileprivate(set) var range = 0..<0
    /// Zeros that may turn out to be trailing.
    private var zeros = 0

    /// The nearest double, ties to even, as Python's `float` rounds; infinite when too large.
    func double(in document: [UInt8]) -> Double {
        if isExact, significand <= 1 << 53, abs(exponent) <= 22 {
            // Both factors are exact doubles, so the one operation rounds once.
            let (magnitude, power) = (Double(significand), powersOfTen[abs(exponent)])
            let value = exponent < 0 ? magnitude / power : magnitude * power
            return isNegative ? -value : value
        }
        if isExact, -27..<0 ~= exponent { return isNegative ? -quotient : quotient }
        return Double(String(decoding: document[range], as: UTF8.self)) ?? .nan
    }

    /// What Python writes, 17 digits and a point, by one division of 128 bits by 64.
    ///
    /// `10ⁿ` is `5ⁿ × 2ⁿ`, and `5ⁿ` fits; both sides are shifted so that the quotient has 64 bits. A
    /// remainder leaves its trace in the last of them, far below the 53 that stay, so turning it into a
    /// double rounds once and rightly. No such number is small enough to be subnormal.
    private var quotient: Double {
        let divisor = powersOfFive[-exponent]
        let (up, down) = (significand.leadingZeroBitCount, divisor.leadingZeroBitCount)
        let (dividend, aligned) = (significand << up, divisor << down)
        let isHalved = dividend >= aligned
        let (quotient, remainder) = aligned.dividingFullWidth(
            isHalved ? (dividend >> 1, dividend << 63) : (dividend, 0)
        )
        let scale = down - up + exponent - (isHalved ? 63 : 64)
        return Double(sign: .plus, exponent: scale, significand: Double(quotient | (remainder == 0 ? 0 : 1)))
    }

    /// The integer this is, `1e3` and `1.0` included; nil when it has a fraction or does not fit.
    func integer<Integer: FixedWidthInteger>(_: Integer.Type) -> Integer? {
        guard isExact else { return nil }
        guard significand != 0 else { return 0 }
        guard 0...19 ~= exponent else { return nil }
        var magnitude = significand
        for _ in 0..<exponent {
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            magnitude = product
        }
        guard isNegative else { return Integer(exactly: magnitude) }
        // The magnitude of the least Int64 has no positive Int64.
        let negative = magnitude == 1 << 63 ? Int64.min : Int64(exactly: magnitude).map { -$0 }
        return negative.flatMap { Integer(exactly: $0) }
    }
}

extension JSONNumber {
    /// Adds one digit, and `scale` to the exponent: −1 behind the point.
    fileprivate mutating func append(_ digit: UInt8, scale: Int) {
        exponent += scale
        guard digit != 0 else {
            zeros += 1
            return
        }
        while zeros > 0 {
            shift(adding: 0)
            zeros -= 1
        }
        shift(adding: UInt64(digit))
    }

    private mutating func shift(adding digit: UInt64) {
        guard isExact else { return }
        let (product, tooLong) = significand.multipliedReportingOverflow(by: 10)
        let (sum, tooLarge) = product.addingReportingOverflow(digit)
        if tooLong || tooLarge {
            isExact = false
        } else {
            significand = sum
        }
    }

    fileprivate mutating func finish(range: Range<Int>, power: Int) {
        self.range = range
        exponent = significand == 0 ? 0 : exponent + zeros + power
    }
}

/// 5⁰ … 5²⁷, all that fit 64 bits.
private let powersOfFive: [UInt64] = (0...27).reduce(into: [1]) { powers, index in
    if index > 0 { powers.append(powers[index - 1] * 5) }
}

/// 10⁰ … 10²², the powers of ten that are exact doubles.
private let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]

extension JSONScanner {
    /// Reads one number by RFC 8259's grammar.
    mutating func number() throws(InferenceError) -> JSONNumber {
        _ = peek()
        let start = position
        var number = JSONNumber()
        number.isNegative = take("-")
        if !take("0") { try digits(of: &number, scale: 0) }
        if take(".") { try digits(of: &number, scale: -1) }
        let power = take("e") || take("E") ? try power() : 0
        guard position - start <= JSONNumber.mostCharacters else {
            throw .tooLarge(what: "characters in one number", limit: JSONNumber.mostCharacters)
        }
        number.finish(range: start..<position, power: power)
        return number
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func digit() -> UInt8? {
        guard position < bytes.count else { return nil }
        let digit = bytes[position] &- UInt8(ascii: "0")
        guard digit <= 9 else { return nil }
        position += 1
        return digit
    }

    private mutating func digits(of number: inout JSONNumber, scale: Int) throws(InferenceError) {
        guard let first = digit() else { throw notANumber() }
        number.append(first, scale: scale)
        while let next = digit() { number.append(next, scale: scale) }
    }

    private mutating func power() throws(InferenceError) -> Int {
        let isNegative = take("-")
        if !isNegative { _ = take("+") }
        guard let first = digit() else { throw notANumber() }
        var power = Int(first)
        // Saturates far outside every type's range; the text keeps the digits.
        while let next = digit() { power = min(power * 10 + Int(next), 1_000_000) }
        return isNegative ? -power : power
    }

    private func notANumber() -> InferenceError {
        let isName = ["NaN", "Infinity", "inf", "nan"].contains { bytes[position...].starts(with: $0.utf8) }
        return failure(
            expected: isName
                ? "a finite number: NaN and Infinity are not JSON, and no model is asked about them"
                : "a number"
        )
    }
}
