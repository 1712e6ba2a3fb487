import BelayCore
import BelayTesting

/// The words of one command, read from the left.
struct Words {
    /// A line that is not of the language.
    struct Objection: Error, CustomStringConvertible {
        let description: String
    }

    private let line: Substring
    private var left: ArraySlice<Substring>

    init(_ line: Substring) {
        self.line = line
        left = line.split(separator: " ")[...]
    }

    var objection: Objection { Objection(description: "cannot read: \(line)") }

    /// Everything that has not been read.
    var rest: String { left.joined(separator: " ") }

    mutating func next() throws -> String {
        guard let word = left.popFirst() else { throw objection }
        return String(word)
    }

    /// Whether `word` comes next; reads it if so.
    mutating func take(_ word: String) -> Bool {
        guard left.first.map({ $0 == word }) ?? false else { return false }
        left = left.dropFirst()
        return true
    }

    mutating func number() throws -> Int {
        guard let number = Int(try next()) else { throw objection }
        return number
    }

    mutating func release() throws -> ReleaseID {
        guard let id = ReleaseID(try next()) else { throw objection }
        return id
    }

    /// Reads `10m`, `30s`, `1h` or `200ms`.
    mutating func duration() throws -> Duration {
        let word = try next()
        let digits = word.prefix { $0.isNumber }
        guard let count = Int(digits) else { throw objection }
        switch word.dropFirst(digits.count) {
        case "ms": return .milliseconds(count)
        case "s": return .seconds(count)
        case "m": return .seconds(60 * count)
        case "h": return .seconds(3600 * count)
        default: throw objection
        }
    }

    /// Reads `stable 900 fail 1%`; without `fail`, all are good.
    mutating func sample(_ arm: Arm) throws -> (arm: Arm, number: Int, bad: Int) {
        guard take(arm.rawValue) else { throw objection }
        let answers = try answers()
        return (arm, answers.number, answers.bad)
    }

    /// Reads `900 fail 1%`.
    mutating func answers() throws -> (number: Int, bad: Int) {
        let number = try number()
        guard take("fail") else { return (number, 0) }
        guard let percent = Double(try next().dropLast()) else { throw objection }
        return (number, Int((Double(number) * percent / 100).rounded()))
    }
}

/// A guard by its word: `error_rate`, `accuracy`, and with `:hold` behind it one that only holds.
func guarded(_ word: Substring) throws -> Guard {
    let reaction: Guard.Reaction = word.hasSuffix(":hold") ? .hold : .rollback
    let metric: Metric? =
        word.hasPrefix("accuracy") ? .accuracy : word.hasPrefix("error_rate") ? .errorRate : nil
    let made = metric.flatMap { metric in
        let margin = metric == .accuracy ? 0.02 : 0
        return Guard(
            name: metric.rawValue,
            metric: metric,
            limit: .againstStable(margin: margin),
            minSamples: nil,
            reaction: reaction,
            focus: word.hasSuffix(":fail") ? Guard.Focus(noData: .fail) : Guard.Focus()
        )
    }
    guard let made else { throw Words.Objection(description: "no guard is called \(word)") }
    return made
}
