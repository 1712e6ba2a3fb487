import BelayCore
import BelayInferenceLog

/// Counts answers by whom they are about, for the lowest hashes from one on, in bounded memory.
///
/// There may be more people than memory has room for. So one way through the log counts only the `most`
/// lowest hashes: whoever is above all of those that are kept is passed over, and counted another time. A
/// hash that is kept to the end was never passed over, so its count is whole.
struct SubjectTally {
    private struct Count {
        var answers = 0
        var lastID = ""
        var lastAt = Timestamp(milliseconds: 0)

        mutating func add(_ record: AnswerRecord) {
            answers += 1
            (lastID, lastAt) = (record.id, record.at)
        }
    }

    private let from: UInt64
    private let most: Int
    /// Beyond it nobody is counted; `UInt64.max` until somebody is passed over.
    private var bound = UInt64.max
    private var isWhole = true
    private var people: [UInt64: Count] = [:]
    /// Answers that name nobody, which come before all others.
    private var nobody = Count()

    /// `most` is above 0.
    init(from: UInt64, most: Int) {
        self.from = from
        self.most = max(most, 1)
    }

    /// People in memory, twice `most` at the most.
    var count: Int { people.count }

    mutating func add(_ record: AnswerRecord) {
        guard let hash = (record.subject ?? record.unit)?.value else {
            if from == 0 { nobody.add(record) }
            return
        }
        guard hash >= from, hash <= bound else { return }
        people[hash, default: Count()].add(record)
        if people.count >= 2 * most { trim() }
    }

    /// The lowest hashes in order, and where to go on; nil when those were all.
    var page: (subjects: [SubjectView], next: UInt64?) {
        var whole = self
        whole.trim()
        var subjects = whole.people.sorted { $0.key < $1.key }.map { hash, count in
            SubjectView(UnitHash(hash), answers: count.answers, lastID: count.lastID, lastAt: count.lastAt)
        }
        if nobody.answers > 0 {
            let view = SubjectView(
                nil,
                answers: nobody.answers,
                lastID: nobody.lastID,
                lastAt: nobody.lastAt
            )
            subjects.insert(view, at: 0)
        }
        let next = whole.isWhole || whole.bound == .max ? nil : whole.bound + 1
        return (subjects, next)
    }

    private mutating func trim() {
        guard people.count > most else { return }
        let kept = people.keys.sorted().prefix(most)
        guard let last = kept.last else { return }
        people = people.filter { $0.key <= last }
        (bound, isWhole) = (last, false)
    }
}
