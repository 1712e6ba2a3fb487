import BelayStats

/// The columns of a table that `belay judge` reads.
struct RecordedRows {
    struct Row {
        let candidate: Bool
        /// Nil where shares are not asked for.
        let share: Double?
        let value: Double
    }

    /// Remembered as 16 bytes each.
    static let mostUnits = 20_000_000

    private var reader: CSVReader
    private let arm: Int?
    private let share: Int?
    private let value: Int
    private let unit: Int?
    private let epoch: Int?
    private var units: Set<UnitKey> = []

    /// - Parameters:
    ///   - reader: At its first line.
    ///   - isTwoArmed: Whether the columns `arm` and `w` must be there; without, `w` is not read, and a table
    ///     without `arm` is all the candidate's.
    /// - Throws: ``TableProblem`` for a column that is not there.
    init(_ reader: CSVReader, isTwoArmed: Bool) throws {
        self.reader = reader
        value = try reader.column("value")
        arm = isTwoArmed ? try reader.column("arm") : reader.header.firstIndex(of: "arm")
        share = isTwoArmed ? try reader.column("w") : nil
        unit = reader.header.firstIndex(of: "unit")
        epoch = unit == nil ? nil : reader.header.firstIndex(of: "epoch")
    }

    /// Rows read so far.
    var count: Int { reader.row }

    func problem(_ reason: TableProblem.Reason) -> TableProblem { reader.problem(reason) }

    enum Next {
        case end
        /// An outcome of a unit that has had one in this epoch.
        case repeated
        case row(Row)
    }

    /// Reads a row whole, so that a mistake in a row that is passed over is found too.
    mutating func next() throws -> Next {
        guard try reader.next() else { return .end }
        let isCandidate = try readArm()
        let row = Row(
            candidate: isCandidate,
            share: try share.map { try fraction($0, expected: "the candidate's share, 0 to 1") },
            value: try fraction(value, expected: "badness, 0 to 1")
        )
        guard let unit else { return .row(row) }
        let key = UnitKey(unit: reader[unit], epoch: epoch.map { reader[$0] })
        guard units.insert(key).inserted else { return .repeated }
        guard units.count <= Self.mostUnits else {
            throw reader.problem(.tooLarge("more than \(Self.mostUnits) units"))
        }
        return .row(row)
    }

    private func readArm() throws -> Bool {
        guard let arm else { return true }
        if reader[arm].elementsEqual("candidate".utf8) { return true }
        if reader[arm].elementsEqual("stable".utf8) { return false }
        throw bad(arm, expected: "stable or candidate")
    }

    private func fraction(_ column: Int, expected: String) throws -> Double {
        guard let number = reader.number(column), (0...1).contains(number) else {
            throw bad(column, expected: expected)
        }
        return number
    }

    private func bad(_ column: Int, expected: String) -> TableProblem {
        reader.problem(
            .badField(column: reader.header[column], text: reader.text(column), expected: expected)
        )
    }
}

/// What tells units apart: 128 bits of two keyed hashes, so that a long unit takes no more room than a short
/// one.
private struct UnitKey: Hashable {
    private let first: Int
    private let second: Int

    init(unit: ArraySlice<UInt8>, epoch: ArraySlice<UInt8>?) {
        first = Self.hash(unit, epoch, salt: 1)
        second = Self.hash(unit, epoch, salt: 2)
    }

    private static func hash(_ unit: ArraySlice<UInt8>, _ epoch: ArraySlice<UInt8>?, salt: UInt8) -> Int {
        var hasher = Hasher()
        hasher.combine(salt)
        hasher.combine(unit)
        hasher.combine(epoch)
        return hasher.finalize()
    }
}
