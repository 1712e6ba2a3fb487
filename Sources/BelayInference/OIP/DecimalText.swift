extension GrowingBytes {
    /// Writes all digits, and a minus.
    mutating func append(number value: some FixedWidthInteger) {
        if value < 0 { append(UInt8(ascii: "-")) }
        var rest = UInt64(value.magnitude)
        guard rest > 9 else { return append(UInt8(ascii: "0") + UInt8(rest)) }
        var length = 20
        while length > 2, rest < powersOfTen[length - 1] { length -= 1 }
        reserve(20)
        for offset in stride(from: length - 1, through: 0, by: -1) {
            store(UInt8(ascii: "0") + UInt8(rest % 10), at: offset)
            rest /= 10
        }
        commit(length)
    }

    /// Writes `0.001`, `12.5` or `300.0`.
    ///
    /// The digits are brought to 17 (9, where they are few), the first of which stands alone and the others
    /// in words of eight. Zeros that this adds lie behind the number, or are those that it needs.
    @inline(__always)
    mutating func append(_ decimal: ShortestDecimal, isNegative: Bool) {
        if isNegative { append(UInt8(ascii: "-")) }
        reserve(48)
        let point = decimal.count + decimal.exponent
        var offset = 1
        if point <= 0 {
            store(0x3030_3030_3030_2e30 as UInt64, at: 0)
            offset = 2 - point
        }
        if decimal.count <= 9, point < 9 {
            let value = decimal.digits &* powersOfTen[9 - decimal.count]
            store(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / 100_000_000), at: offset)
            store(text(ofEight: value % 100_000_000), at: offset + 1)
        } else {
            let value = decimal.digits &* powersOfTen[17 - decimal.count]
            let (head, low) = value.quotientAndRemainder(dividingBy: 100_000_000)
            store(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: head / 100_000_000), at: offset)
            store(text(ofEight: head % 100_000_000), at: offset + 1)
            store(text(ofEight: low), at: offset + 9)
        }
        guard point > 0 else { return commit(offset + decimal.count) }
        moveForward(point, from: 1)
        store(UInt8(ascii: "."), at: point)
        commit(max(decimal.count + 1, point + 2))
    }
}

/// The characters of a number below 10⁸, the first in the lowest byte.
///
/// Halves of four digits, quarters of two and eighths of one are each split by one multiplication: the
/// constants are 2²⁰/100 and 2¹⁰/10, rounded up, and right for all numbers of four and of two digits.
@inline(__always)
private func text(ofEight value: UInt64) -> UInt64 {
    let fours = value / 10_000 | (value % 10_000) << 32
    let hundreds = (fours &* 10_486) >> 20 & 0x0000_007f_0000_007f
    let pairs = hundreds | (fours &- hundreds &* 100) << 16
    let tens = (pairs &* 103) >> 10 & 0x000f_000f_000f_000f
    return tens | (pairs &- tens &* 10) << 8 | 0x3030_3030_3030_3030
}
