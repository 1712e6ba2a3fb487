/// The numbers of a policy as people write them, read exactly and without floating point.
enum PolicyQuantity {
    /// Longest text that is looked at; no number in a policy needs more.
    private static let longest = 40
    /// About a year: longer waits are mistakes.
    static let longestMilliseconds: Int64 = 366 * 86_400_000
    static let greatestCount = 1_000_000_000
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// Reads `1%` or `0.5%` in parts per million; nil for what is no percentage, or finer than that.
    static func partsPerMillion(percentage text: String) -> Int? {
        guard let figures = figures(ofPercentage: text), let number = decimal(figures, digits: 4),
            number.isExact
        else { return nil }
        return number.value
    }

    /// Reads `1%` in parts per billion, rounded; nil for what is no percentage.
    static func partsPerBillion(percentage text: String) -> Int? {
        figures(ofPercentage: text).flatMap { decimal($0, digits: 7)?.value }
    }

    private static func figures(ofPercentage text: String) -> Substring? {
        text.hasSuffix("%") && !text.contains(where: \.isLetter) ? text.dropLast() : nil
    }

    /// Reads the fraction `0.01` in parts per billion, rounded.
    static func partsPerBillion(fraction text: String) -> Int? { decimal(text[...], digits: 9)?.value }

    /// Reads a whole number from 0 to ``greatestCount``.
    static func count(_ text: String) -> Int? {
        guard let number = decimal(text[...], digits: 0), number.isExact, number.value <= greatestCount else {
            return nil
        }
        return number.value
    }

    /// Reads `500ms`, `30s`, `15m`, `1h30m` or `7d` in milliseconds.
    ///
    /// Longer units come first, each at most once.
    static func milliseconds(_ text: String, atMost limit: Int64 = longestMilliseconds) -> Int64? {
        guard text.utf8.count <= longest else { return nil }
        var units = units[...]
        var rest = text[...]
        var total: Int64 = 0
        repeat {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let name = rest.dropFirst(digits.count).prefix { $0.isLetter }
            guard let index = units.firstIndex(where: { $0.name == name }), let number = Int64(digits) else {
                return nil
            }
            let (part, isTooLong) = number.multipliedReportingOverflow(by: units[index].milliseconds)
            guard !isTooLong, part <= limit - total else { return nil }
            total += part
            units = units[(index + 1)...]
            rest = rest.dropFirst(digits.count + name.count)
        } while !rest.isEmpty
        return total
    }

    /// Writes a time so that ``milliseconds(_:)`` reads it back: `1h30m`, and `0s` for none.
    static func text(milliseconds: Int64) -> String {
        var rest = milliseconds
        var text = ""
        for unit in units where rest >= unit.milliseconds {
            text += "\(rest / unit.milliseconds)\(unit.name)"
            rest %= unit.milliseconds
        }
        return text.isEmpty ? "0s" : text
    }

    private static let shortTimes: [(name: String, digits: Int)] = [("us", 0), ("ms", 3), ("s", 6)]

    /// Reads the time that one answer takes, `250ms`, `1.5ms`, `80us` or `2s`, in whole microseconds.
    static func microseconds(_ text: String) -> Int? {
        guard let unit = shortTimes.first(where: { text.hasSuffix($0.name) }),
            let number = decimal(text.dropLast(unit.name.count), digits: unit.digits), number.isExact
        else { return nil }
        return number.value
    }

    /// Writes such a time so that ``microseconds(_:)`` reads it back: `1.5ms`.
    static func text(microseconds: Int) -> String {
        if microseconds < 1000 { return "\(microseconds)us" }
        guard !microseconds.isMultiple(of: 1_000_000) else { return "\(microseconds / 1_000_000)s" }
        return text(microseconds, digits: 3) + "ms"
    }

    private static let sizes: [(name: String, digits: Int)] = [
        ("TB", 12), ("GB", 9), ("MB", 6), ("kB", 3), ("B", 0),
    ]

    /// Reads `500MB` or `1.5GB`, in powers of a thousand; nil for what is no whole number of bytes.
    static func bytes(_ text: String) -> Int64? {
        guard let unit = sizes.first(where: { text.hasSuffix($0.name) }),
            let number = decimal(text.dropLast(unit.name.count), digits: unit.digits), number.isExact
        else { return nil }
        return Int64(number.value)
    }

    /// Writes a size so that ``bytes(_:)`` reads it back: `10GB`.
    static func text(bytes: Int64) -> String {
        var (count, unit) = (bytes, sizes.count - 1)
        while unit > 0, count > 0, count % 1000 == 0 { (count, unit) = (count / 1000, unit - 1) }
        return "\(count)\(sizes[unit].name)"
    }

    /// Writes parts per million as `2.5%`.
    static func percentage(partsPerMillion: Int) -> String { percentage(partsPerMillion, digits: 4) }

    /// Writes parts per billion as `0.5%`.
    static func percentage(partsPerBillion: Int) -> String { percentage(partsPerBillion, digits: 7) }

    private static func percentage(_ value: Int, digits: Int) -> String { text(value, digits: digits) + "%" }

    /// Writes `value` divided by ten to the power of `digits`, without zeros at the end.
    private static func text(_ value: Int, digits: Int) -> String {
        var unit = 1
        for _ in 0..<digits { unit *= 10 }
        let fraction = String(value % unit + unit).dropFirst()
        let end = fraction.lastIndex { $0 != "0" }.map { fraction[...$0] } ?? ""
        return "\(value / unit)\(end.isEmpty ? "" : ".")\(end)"
    }

    /// Reads a decimal number, times ten to the power of `digits`.
    ///
    /// Nil when it is negative, no number, or huge.
    private static func decimal(_ text: Substring, digits: Int) -> (value: Int, isExact: Bool)? {
        let parts = text.split(omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        guard text.utf8.count <= longest, parts.count <= 2,
            let exponent = parts.count == 2 ? Int(parts[1]) : 0, (-40...40).contains(exponent)
        else { return nil }
        let halves = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        guard halves.count <= 2,
            halves.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } })
        else { return nil }
        let figures = halves.joined()
        let shift = digits + exponent - (halves.count == 2 ? halves[1].count : 0)
        guard shift < 0 else {
            let zeros = String(repeating: "0", count: shift)
            return Int(figures + zeros).map { ($0, true) }
        }
        let kept = figures.dropLast(-shift)
        let dropped = figures.dropFirst(kept.count)
        // Fewer figures than are dropped: the number is too small to round up, whatever its figures.
        let roundsUp = figures.count >= -shift && (dropped.first ?? "0") >= "5"
        guard let value = kept.isEmpty ? 0 : Int(kept) else { return nil }
        return (value + (roundsUp && value < Int.max ? 1 : 0), dropped.allSatisfy { $0 == "0" })
    }
}

/// Reads a time as policies and command lines write it (`500ms`, `30s`, `1h30m`), in milliseconds.
package func milliseconds(ofTime text: String) -> Int64? { PolicyQuantity.milliseconds(text) }

/// Reads a share as policies and command lines write it (`10%`, `0.5%`).
package func share(ofPercentage text: String) -> Share? {
    PolicyQuantity.partsPerMillion(percentage: text).flatMap(Share.init(partsPerMillion:))
}
