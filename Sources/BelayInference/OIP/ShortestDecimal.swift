/// The decimal of fewest digits that reads back as the same float, and of those the nearest to it.
///
/// The standard library finds it too, but gives it as a string. This does the ordinary case, 0.0001 up to
/// 2²⁴ or 2⁵³, where all arithmetic is exact in 128 bits: with `x = c × 2⁻ᵏ`, the floats beside `x` are
/// scaled by a power of ten until whole numbers lie between the points halfway to them, and digits are taken
/// off as long as one is left there.
struct ShortestDecimal {
    /// Does not end in zero.
    private(set) var digits: UInt64
    /// How many digits: 1 … 17.
    private(set) var count: Int
    /// The value is `digits × 10^exponent`.
    private(set) var exponent: Int

    /// Returns nil beyond the ordinary; the sign is passed over.
    init?(_ value: Float) {
        let value = abs(value)
        guard 1e-4..<0x1p24 ~= value else { return nil }
        let bits = value.bitPattern
        let significand = UInt64(bits & 0x7f_ffff | 0x80_0000)
        self.init(significand, exponent: Int(bits >> 23) - 127, width: 23, most: 9, in: UInt64.self)
    }

    init?(_ value: Double) {
        let value = abs(value)
        guard 1e-4..<0x1p53 ~= value else { return nil }
        let bits = value.bitPattern
        let significand = bits & 0xf_ffff_ffff_ffff | 0x10_0000_0000_0000
        self.init(significand, exponent: Int(bits >> 52) - 1_023, width: 52, most: 17, in: UInt128.self)
    }

    /// Takes `significand × 2^(exponent - width)`, of `width` + 1 bits.
    ///
    /// `most` digits are enough for every float of this width; a `Wide` holds `width` + 3 bits and a power of
    /// five, which has 31 bits for 9 digits and 49 for 17.
    @inline(__always)
    private init?<Wide: FixedWidthInteger & UnsignedInteger>(
        _ significand: UInt64,
        exponent: Int,
        width: Int,
        most: Int,
        in _: Wide.Type
    ) {
        // 1233/4096 is just below log₁₀ 2, so there are `most` digits or one more.
        let scale = most - 1 - (exponent * 1_233) >> 12
        // In quarters of the last bit, times 10^scale; the twos of the tens are in the shift.
        let shift = width + 2 - exponent - scale
        guard 1..<64 ~= shift, powersOfFive.indices ~= scale else { return nil }
        let unit = Wide(truncatingIfNeeded: powersOfFive[scale])
        let center = Wide(truncatingIfNeeded: 4 * significand) &* unit
        let isPowerOfTwo = significand == 1 &<< UInt64(truncatingIfNeeded: width)
        let above = Scaled(center &+ unit &* 2, shift)
        let below = Scaled(center &- (isPowerOfTwo ? unit : unit &* 2), shift)
        // Halfway points are read back as the even one of the two.
        let isEven = significand.isMultiple(of: 2)
        let upper = above.whole - (above.rest == 0 && !isEven ? 1 : 0)
        let lower = below.whole + (below.rest == 0 && isEven ? 0 : 1)
        guard lower <= upper else { return nil }
        let middle = Scaled(center, shift)
        digits = 0
        count = middle.whole < powersOfTen[most] ? most : most + 1
        self.exponent = -scale
        shorten(middle, half: 1 &<< UInt64(truncatingIfNeeded: shift &- 1), lower, upper)
    }

    /// A whole number of 10^-scale, and what is left of it in 2^-shift of that.
    private struct Scaled {
        let whole: UInt64
        let rest: UInt64

        @inline(__always)
        init<Wide: FixedWidthInteger & UnsignedInteger>(_ value: Wide, _ shift: Int) {
            whole = UInt64(truncatingIfNeeded: value &>> Wide(truncatingIfNeeded: shift))
            rest = UInt64(truncatingIfNeeded: value) & (1 &<< UInt64(truncatingIfNeeded: shift) &- 1)
        }
    }

    @inline(__always)
    private mutating func shorten(_ center: Scaled, half: UInt64, _ lower: UInt64, _ upper: UInt64) {
        var (nearest, lower, upper) = (center.whole, lower, upper)
        var isAboveHalf = center.rest > half
        var isHalf = center.rest == half
        var isExact = center.rest == 0
        while (lower &+ 9) / 10 <= upper / 10 {
            let last = nearest % 10
            isAboveHalf = last > 5 || (last == 5 && !isExact)
            isHalf = last == 5 && isExact
            isExact = isExact && last == 0
            (nearest, lower, upper) = (nearest / 10, (lower &+ 9) / 10, upper / 10)
            exponent += 1
            count -= 1
        }
        if isAboveHalf || (isHalf && !nearest.isMultiple(of: 2)) { nearest += 1 }
        digits = min(max(nearest, lower), upper)
        // A float just below a power of ten, as 0.01 is one, has lost all its digits before it is rounded up.
        count = max(count, 1)
    }
}
