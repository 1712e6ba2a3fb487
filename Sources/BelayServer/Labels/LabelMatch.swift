import BelayCore
import BelayInference
import BelayInferenceLog

/// An answer named by what was asked, when nobody kept its id.
struct LabelMatch: Equatable, Sendable {
    private static let mostPointers = 4
    private static let widest = Duration.seconds(31 * 86_400)

    /// In the order of their texts.
    let pointers: [JSONPointer]
    /// What must stand there, as ``JSONPointer/scalar(in:headerLength:)`` reads it.
    let values: [String]
    let from: Timestamp
    /// Answers before this moment.
    let until: Timestamp

    /// Reads `{"/parameters/account_id": "a-17", "between": ["2026-11-23T00:00:00Z", "…"]}`.
    init(_ tree: JSONTree) throws(LabelFault) {
        guard case .object(var members) = tree else { throw .unreadable("'match' is not an object") }
        guard case .list(let bounds) = members.removeValue(forKey: "between"), bounds.count == 2 else {
            throw .unreadable("'match' has no 'between': [from, until]")
        }
        var times: [Timestamp] = []
        for bound in bounds {
            guard case .text(let text) = bound else { throw .unreadable("'between' holds two times") }
            guard let time = Timestamp(text) else { throw .badTime(text) }
            times.append(time)
        }
        guard let from = times.first, let until = times.last, from < until,
            until.since(from) <= Self.widest
        else { throw .unreadable("'between' is a time and a later one, at most 31 days apart") }
        guard (1...Self.mostPointers).contains(members.count) else {
            throw .unreadable("'match' names 1 to \(Self.mostPointers) values by their JSON pointers")
        }
        var pointers: [JSONPointer] = []
        var values: [String] = []
        for (key, member) in members.sorted(by: { $0.key < $1.key }) {
            guard key.hasPrefix("/"), let pointer = JSONPointer(key) else {
                throw .unreadable("'\(key.prefix(80))' is no JSON pointer like /parameters/account_id")
            }
            pointers.append(pointer)
            values.append(try Self.scalar(member))
        }
        (self.pointers, self.values, self.from, self.until) = (pointers, values, from, until)
    }

    private static func scalar(_ tree: JSONTree) throws(LabelFault) -> String {
        switch tree {
        case .text(let text): return text
        case .bool(let flag): return flag ? "true" : "false"
        case .number(let number):
            if let whole = UInt64(exactly: number) { return String(whole) }
            return Int64(exactly: number).map { String($0) } ?? number.description
        case .integer(let digits): return digits
        case .null, .list, .object: throw .unreadable("'match' compares texts, numbers and booleans")
        }
    }
}

/// Looks through the inference log for answers that matches name: once for all matches of a batch.
struct LabelMatching: Sendable {
    /// Answers looked at for one batch and model.
    static let mostAnswers = 200_000

    private struct Wanted: Hashable {
        let pointers: [JSONPointer]
        let values: [String]
    }

    let log: InferenceLog
    var most = Self.mostAnswers
    /// Different sets of pointers in one batch: each is looked up in every answer.
    static let mostKinds = 4

    /// For each match, in order, the one answer that it names.
    func answers(
        to matches: [LabelMatch],
        of model: ModelName
    ) async throws -> [Result<AnswerRecord, LabelFault>] {
        guard let from = matches.map(\.from).min(), let until = matches.map(\.until).max() else { return [] }
        var filter = AnswerFilter(model: model)
        (filter.since, filter.until) = (from, until)
        let wanted = Dictionary(grouping: matches.indices) { index in
            Wanted(pointers: matches[index].pointers, values: matches[index].values)
        }
        let pointers = Set(wanted.keys.map(\.pointers))
        guard pointers.count <= Self.mostKinds else { return matches.map { _ in .failure(.matchTooWide) } }
        var found: [[AnswerRecord]] = Array(repeating: [], count: matches.count)
        var (cursor, seen) = (await log.answers(matching: filter), 0)
        while let page = try await cursor.next() {
            try Task.checkCancellation()
            for record in page.lazy.map(\.record) {
                seen += record.status < 400 ? 1 : 0
                guard seen <= most else { return matches.map { _ in .failure(.matchTooWide) } }
                for places in pointers {
                    let values = places.compactMap {
                        $0.scalar(in: record.request, headerLength: record.requestHeaderLength)
                    }
                    guard values.count == places.count else { continue }
                    for index in wanted[Wanted(pointers: places, values: values)] ?? []
                    where matches[index].from <= record.at && record.at < matches[index].until {
                        found[index].take(record)
                    }
                }
            }
        }
        return found.map { records in
            guard let only = records.first else { return .failure(.noMatch) }
            return records.count == 1 ? .success(only) : .failure(.ambiguousMatch(records.count))
        }
    }
}

extension [AnswerRecord] {
    /// Takes in an answer that is named; two are as good as more.
    ///
    /// The answer that a request got in the end takes the place of one that a rollback overtook.
    fileprivate mutating func take(_ record: AnswerRecord) {
        if let last, record.supersedes(last) { removeLast() }
        if record.status < 400, count < 2 { append(record) }
    }
}
