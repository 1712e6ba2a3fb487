import BelayCore
import Foundation
import GRDB

/// Where an id was seen: its hash, and the place of the answer.
struct IDEntry {
    let hash: UInt64
    let position: Int
}

/// The ids of a segment that is still written, looked up by nobody until the first label comes.
///
/// Sorted runs of falling length: a new one is merged with those before it that are no longer than itself, so
/// there are few, and an entry is moved rarely.
struct OpenIndex {
    private var runs: [[IDEntry]] = []
    /// Blocks before this position are in the runs.
    private(set) var next = 0

    /// Takes in the blocks written since the last time.
    mutating func extend(_ database: Database) throws {
        var fresh: [IDEntry] = []
        let rows = try Row.fetchCursor(
            database,
            sql: "SELECT position, count, model, keys FROM block WHERE position >= $1 ORDER BY position",
            arguments: [next]
        )
        while let row = try rows.next() {
            next = Segment.end(row)
            fresh += IDIndex.entries(row)
        }
        guard !fresh.isEmpty else { return }
        var run = fresh.sorted(by: IDIndex.isBefore)
        while let last = runs.last, last.count <= run.count {
            run = IDIndex.merged(last, run)
            runs.removeLast()
        }
        runs.append(run)
    }

    /// The places of answers whose id has this hash, newest first.
    func positions(_ hash: UInt64) -> [Int] {
        var positions: [Int] = []
        for run in runs.reversed() {
            positions += IDIndex.positions(hash, in: run.count) { run[$0] }
        }
        return positions.sorted(by: >)
    }
}

/// The ids of a sealed segment, sorted, in rows of a thousand.
enum IDIndex {
    private static let entryBytes = 16
    private static let rowEntries = 1024
    /// Of an id that is used again and again, so many answers can be found.
    private static let mostOfOneHash = 64

    /// By hash, and for one hash newest first.
    static func isBefore(_ first: IDEntry, _ second: IDEntry) -> Bool {
        first.hash != second.hash ? first.hash < second.hash : first.position > second.position
    }

    /// A block that cannot be read has no ids; whoever reads it is told why.
    static func entries(_ row: Row) -> [IDEntry] {
        guard let keys = row["keys"] as Data?, let model = ModelName(row["model"] as String),
            let reader = try? BlockReader(
                position: row["position"],
                count: row["count"],
                model: model,
                keys: Array(keys)
            )
        else { return [] }
        return reader.idHashes.enumerated().map { IDEntry(hash: $1, position: reader.position + $0) }
    }

    static func merged(_ first: [IDEntry], _ second: [IDEntry]) -> [IDEntry] {
        var result: [IDEntry] = []
        result.reserveCapacity(first.count + second.count)
        var (left, right) = (first[...], second[...])
        while let one = left.first, let other = right.first {
            if isBefore(other, one) {
                result.append(other)
                right.removeFirst()
            } else {
                result.append(one)
                left.removeFirst()
            }
        }
        return result + left + right
    }

    /// The places of a hash among `count` sorted entries, newest first, at most ``mostOfOneHash``.
    static func positions(_ hash: UInt64, in count: Int, _ entry: (Int) -> IDEntry) -> [Int] {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if entry(middle).hash < hash { low = middle + 1 } else { high = middle }
        }
        var positions: [Int] = []
        while low < count, entry(low).hash == hash, positions.count < mostOfOneHash {
            positions.append(entry(low).position)
            low += 1
        }
        return positions
    }

    /// Writes the index of all blocks in the segment.
    static func write(_ database: Database) throws {
        var index = OpenIndex()
        try index.extend(database)
        try database.execute(sql: "DELETE FROM id_index")
        let statement = try database.cachedStatement(
            sql: "INSERT INTO id_index (first, entries) VALUES ($1, $2)"
        )
        var row = Data()
        var first: UInt64 = 0
        var (last, repeats): (UInt64?, Int) = (nil, 0)
        for entry in index.sorted {
            repeats = entry.hash == last ? repeats + 1 : 0
            guard repeats < mostOfOneHash else { continue }
            // Never between two of one hash, so that one row has them all.
            if row.count >= rowEntries * entryBytes, entry.hash != last {
                try statement.execute(arguments: [ordered(first), row])
                row.removeAll(keepingCapacity: true)
            }
            if row.isEmpty { first = entry.hash }
            last = entry.hash
            withUnsafeBytes(of: entry.hash.littleEndian) { row.append(contentsOf: $0) }
            withUnsafeBytes(of: Int64(entry.position).littleEndian) { row.append(contentsOf: $0) }
        }
        if !row.isEmpty { try statement.execute(arguments: [ordered(first), row]) }
    }

    /// Looks a hash up in what ``write(_:)`` wrote.
    static func positions(_ hash: UInt64, _ database: Database) throws -> [Int] {
        let statement = try database.cachedStatement(
            sql: "SELECT entries FROM id_index WHERE first <= $1 ORDER BY first DESC LIMIT 1"
        )
        guard let row = try Data.fetchOne(statement, arguments: [ordered(hash)]) else { return [] }
        return row.withUnsafeBytes { bytes in
            positions(hash, in: bytes.count / entryBytes) { index in
                let start = index * entryBytes
                return IDEntry(
                    hash: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self)),
                    position: Int(
                        Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: start + 8, as: Int64.self))
                    )
                )
            }
        }
    }

    /// SQLite's integers have a sign; this keeps the order.
    private static func ordered(_ hash: UInt64) -> Int64 { Int64(bitPattern: hash ^ (1 << 63)) }
}

extension OpenIndex {
    /// Everything in order.
    fileprivate var sorted: [IDEntry] { runs.reversed().reduce([]) { IDIndex.merged($1, $0) } }
}
