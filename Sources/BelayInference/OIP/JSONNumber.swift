/// A number as it stood in the JSON: exactly `± significand × 10^exponent`, before any rounding.
///
/// Kept decimal until the element's type is known, because the same digits are an integer for one input and
/// a rounded float for another.
struct JSONNumber {
    /// Longer ones are refused; no float needs more, and they would cost time to round.
    static let mostCharacters = 1_024

    let isNegative: Bool
    private(set) var significand: UInt64
    /// 0 when the significand is.
    private(set) var exponent: Int
    /// False when there were more digits than `significand` can hold; only the text is exact then.
    private(set) var isExact = true
    /// Where it stands in the document.
    let range: Range<Int>

    @inline(__always)
    fileprivate init(_ isNegative: Bool, _ significand: UInt64, exponent: Int, range: Range<Int>) {
        self.isNegative = isNegative
        self.significand = significand
        self.exponent = significand == 0 ? 0 : exponent
        self.range = range
    }

    /// The nearest double, ties to even, as Python's `float` rounds; infinite when too large.
    @inline(__always)
    func double(in document: [UInt8]) -> Double {
        if isExact, significand <= 1 << 53, abs(exponent) <= 22 {
            // Both factors are exact doubles, so the one operation rounds once.
            let (magnitude, power) = (Double(significand), exactPowersOfTen[abs(exponent)])
            let value = exponent < 0 ? magnitude / power : magnitude * power
            return isNegative ? -value : value
        }
        return roundedDouble(in: document)
    }

    private func roundedDouble(in document: [UInt8]) -> Double {
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
        guard -19...19 ~= exponent else { return nil }
        let power = powersOfTen[abs(exponent)]
        let magnitude: UInt64
        if exponent < 0 {
            let (whole, rest) = significand.quotientAndRemainder(dividingBy: power)
            guard rest == 0 else { return nil }
            magnitude = whole
        } else {
            let (product, overflow) = significand.multipliedReportingOverflow(by: power)
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
    /// Reads digits one by one, when there are more than 64 bits hold for sure.
    ///
    /// Zeros at the end are taken into the exponent, so that they cost no exactness.
    fileprivate init(_ isNegative: Bool, digits: ArraySlice<UInt8>, power: Int, range: Range<Int>) {
        self.init(isNegative, 0, exponent: 0, range: range)
        var (zeros, scale) = (0, 0)
        for character in digits {
            let digit = character &- UInt8(ascii: "0")
            guard digit <= 9 else {
                if character == UInt8(ascii: ".") { scale = -1 }
                continue
            }
            exponent += scale
            guard digit != 0 else {
                zeros += 1
                continue
            }
            for _ in 0..<zeros { shift(adding: 0) }
            zeros = 0
            shift(adding: UInt64(digit))
        }
        exponent = significand == 0 ? 0 : exponent + zeros + power
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
}

/// 5⁰ … 5²⁷, all that fit 64 bits.
let powersOfFive: [UInt64] = [
    1, 5, 25, 125, 625, 3_125, 15_625, 78_125, 390_625, 1_953_125, 9_765_625, 48_828_125, 244_140_625,
    1_220_703_125, 6_103_515_625, 30_517_578_125, 152_587_890_625, 762_939_453_125, 3_814_697_265_625,
    19_073_486_328_125, 95_367_431_640_625, 476_837_158_203_125, 2_384_185_791_015_625,
    11_920_928_955_078_125, 59_604_644_775_390_625, 298_023_223_876_953_125, 1_490_116_119_384_765_625,
    7_450_580_596_923_828_125,
]

/// 10⁰ … 10¹⁹, all that fit 64 bits.
let powersOfTen: [UInt64] = [
    1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000,
    100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000,
    10_000_000_000_000_000, 100_000_000_000_000_000, 1_000_000_000_000_000_000, 10_000_000_000_000_000_000,
]

/// 10⁰ … 10²², the powers of ten that are exact doubles.
let exactPowersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]

extension JSONScanner {
    /// Reads one number by RFC 8259's grammar.
    @inline(__always)
    mutating func number() throws(InferenceError) -> JSONNumber {
        _ = peek()
        let start = position
        let isNegative = take("-")
        var (significand, whole, fraction): (UInt64, Int, Int) = (0, 0, 0)
        if !take("0") { whole = try digits(into: &significand) }
        if take(".") { fraction = try digits(into: &significand) }
        let end = position
        let power = take("e") || take("E") ? try power() : 0
        guard position - start <= JSONNumber.mostCharacters else {
            throw .tooLarge(what: "characters in one number", limit: JSONNumber.mostCharacters)
        }
        guard whole + fraction <= 19 else {
            return JSONNumber(isNegative, digits: bytes[start..<end], power: power, range: start..<position)
        }
        return JSONNumber(isNegative, significand, exponent: power - fraction, range: start..<position)
    }

    @inline(__always)
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Appends all digits ahead to `significand`, which wraps around beyond 19, and returns how many.
    @inline(__always)
    private mutating func digits(into significand: inout UInt64) throws(InferenceError) -> Int {
        let start = position
        var taken = 8
        while taken == 8 {
            let digits = EightCharacters(bytes, at: position)
            taken = digits.count
            significand = significand &* powersOfTen[taken] &+ digits.value
            position += taken
        }
        guard position > start else { throw notANumber() }
        return position - start
    }

    private mutating func power() throws(InferenceError) -> Int {
        let isNegative = take("-")
        if !isNegative { _ = take("+") }
        let start = position
        var power = 0
        while position < bytes.count {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            // Saturates far outside every type's range; the text keeps the digits.
            power = min(power * 10 + Int(digit), 1_000_000)
            position += 1
        }
        guard position > start else { throw notANumber() }
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

/// The digits among the next eight characters, up to the first that is none; all found at once.
///
/// Eight bytes are one word, the first in its lowest byte. Taking the character 0 from each leaves the digits
/// 0 … 9 and, for anything else, a byte that is greater.
struct EightCharacters {
    /// 0 … 8.
    let count: Int
    private let digits: UInt64

    /// Beyond the end of the document stands nothing, which is no digit.
    @inline(__always)
    init(_ document: [UInt8], at position: Int) {
        var word: UInt64 = 0
        if document.count - position >= 8 {
            let span = document.span
            word = unsafe span.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self)
            word = UInt64(littleEndian: word)
        } else {
            for index in position..<document.count {
                word |= UInt64(document[index]) << UInt64(8 * (index - position))
            }
        }
        self.init(word)
    }

    /// Eight bytes must be there.
    @inline(__always)
    init(_ document: UnsafeBufferPointer<UInt8>, at position: Int) {
        let bytes = UnsafeRawBufferPointer(document)
        let word = unsafe bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
        self.init(UInt64(littleEndian: word))
    }

    @inline(__always)
    private init(_ word: UInt64) {
        let digits = word ^ 0x3030_3030_3030_3030
        // The top bit of a byte comes up where it is above 9. It may come up wrongly after such a byte, but
        // only the first one counts.
        let others = (digits &+ 0x7676_7676_7676_7676 | digits) & 0x8080_8080_8080_8080
        count = others.trailingZeroBitCount / 8
        self.digits = digits
    }

    /// Moves the digits to the end of the word, with zeros before them, and adds up pairs, fours, then all.
    @inline(__always)
    var value: UInt64 {
        let aligned = digits << UInt64(64 - 8 * count)
        let pairs = aligned &* 10 &+ aligned >> 8
        let (low, high) = (pairs & 0x0000_00ff_0000_00ff, pairs >> 16 & 0x0000_00ff_0000_00ff)
        return (low &* 0x000f_4240_0000_0064 &+ high &* 0x0000_2710_0000_0001) >> 32
    }
}
