import BelayCore
import GRDB

/// One transaction of the label store: decides what each label is, and keeps the sums in step.
struct LabelKeeping {
    private static let firstPause: Int64 = 1000

    private let database: Database
    private let mostWaiting: Int
    private var waiting: Int
    private var evidence = EvidenceCounts()
    private var coverage: [ModelName: [CoverageKey: LabelCoverage]] = [:]
    private var slices: [SliceOwner: Set<String>] = [:]

    private struct SliceOwner: Hashable {
        let release: ReleaseID
        let feature: String
    }

    /// What is known of a labelled answer.
    private struct Known {
        let key: CoverageKey
        var counted: LabelLine = []
        var wrong: Bool?
        var isCorrected = false
        var isNew = true
    }

    /// A label that was kept before.
    private struct Earlier {
        let position: Int64
        let kind: LabelKind?
        let line: LabelLine
        let value: String
        let at: Int64?
        let source: String?
        let name: String?
        let isFinal: Bool
        let acceptance: String

        var isWaiting: Bool { acceptance == LabelAcceptance.waitingName }
        var isJoined: Bool { isFinal && !isWaiting }

        func says(_ statement: LabelStatement) -> Bool {
            kind == statement.kind && value == statement.value && at == statement.at?.milliseconds
                && source == statement.source && name == statement.name
                && (isFinal || !statement.isFinal)
        }
    }

    init(_ database: Database, mostWaiting: Int) throws {
        self.database = database
        self.mostWaiting = mostWaiting
        waiting = try Self.waiting(database)
    }

    static func waiting(_ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "SELECT count(*) FROM label WHERE acceptance = 'waiting'") ?? 0
    }

    mutating func accept(_ record: LabelRecord) throws -> LabelReceipt {
        let statement = record.statement
        var earlier = try earlier(statement)
        if let twin = earlier.first(where: { $0.says(statement) }) {
            guard twin.isWaiting, record.answer != nil else { return receipt(.repeated) }
            try remove(twin)
            earlier.removeAll { $0.position == twin.position }
        }
        guard earlier.count < LabelStore.mostPerAnswer else { return receipt(.crowded) }
        guard let answer = record.answer else {
            guard waiting < mostWaiting else { return receipt(.full) }
            waiting += 1
            try insert(record, .waiting)
            return receipt(.waiting)
        }
        guard statement.isFinal else {
            try insert(record, .draft)
            return receipt(.draft)
        }
        var known = try known(statement, answer)
        let judged = try judge(record, answer, earlier, &known)
        for key in judged.evidence { evidence.add(key, 1) }
        try insert(record, judged.acceptance)
        try note(record, judged.acceptance, &known)
        return judged
    }

    /// Writes the sums; after this the transaction may be committed.
    mutating func finish() throws {
        for (key, number) in evidence.counts { try add(key, number) }
        for (model, parts) in coverage {
            for (key, change) in parts { try add(change, to: key, of: model) }
        }
    }

    private func receipt(_ acceptance: LabelAcceptance) -> LabelReceipt {
        LabelReceipt(acceptance: acceptance, evidence: [])
    }
}

// MARK: - Judging

extension LabelKeeping {
    private mutating func judge(
        _ record: LabelRecord,
        _ answer: LabelledAnswer,
        _ earlier: [Earlier],
        _ known: inout Known
    ) throws -> LabelReceipt {
        let statement = record.statement
        let line = record.line
        // One truth an answer; of opinions, one an answer and source.
        let same = earlier.filter { other in
            other.isJoined && other.line == line && (line == .truth || other.source == statement.source)
        }
        let wasCounted = line == .truth ? known.counted.contains(.truth) : !same.isEmpty
        guard let release = answer.release, answer.side != .pinned, !record.outcomes.isEmpty, !wasCounted
        else {
            guard let newest = same.first?.value, newest != statement.value else { return receipt(.kept) }
            return receipt(.revised(from: newest))
        }
        if line != .truth, let source = statement.source {
            guard try claim(source, in: release) else { return receipt(.capped) }
        }
        let share = try chance(answer, release, line, known)
        var keys: [EvidenceKey] = []
        for outcome in record.outcomes {
            for slice in [nil] + (try outcome.slices.map { try bounded($0, in: release) }) {
                keys.append(
                    EvidenceKey(
                        release: release,
                        series: outcome.series,
                        slice: slice,
                        arm: answer.side,
                        share: share.share,
                        code: outcome.code
                    )
                )
            }
        }
        known.counted.insert(line)
        // Opinions are no part of it: people flag what is bad, so that they come unequally is what flags say.
        if line == .truth, !known.counted.contains(.labelled) {
            keys.append(
                EvidenceKey(
                    release: release,
                    series: .labelled,
                    slice: nil,
                    arm: answer.side,
                    share: try chance(answer, release, .labelled, known).share,
                    code: 0
                )
            )
            known.counted.insert(.labelled)
        }
        return LabelReceipt(acceptance: share.isFresh ? .evidence : .unitCounted, evidence: keys)
    }

    /// With which probability the candidate could have got this outcome, given what was counted before.
    ///
    /// A unit that was counted in the release leaves no coin to bet on, and neither does an answer.
    private func chance(
        _ answer: LabelledAnswer,
        _ release: ReleaseID,
        _ line: LabelLine,
        _ known: Known
    ) throws -> (share: Share, isFresh: Bool) {
        let certain: Share = answer.side == .candidate ? .all : .none
        var isFresh = !known.counted.contains(line)
        guard answer.share > .none, answer.share < .all else { return (certain, isFresh) }
        if let unit = answer.unit, isFresh {
            isFresh = try claim(unit, line, answer.epochs, in: release)
        }
        return (isFresh ? answer.share : certain, isFresh)
    }

    /// Spends a unit's coin; false when it was spent in any epoch that the answer may belong to.
    private func claim(
        _ unit: UnitHash,
        _ line: LabelLine,
        _ epochs: ClosedRange<Int>,
        in release: ReleaseID
    ) throws -> Bool {
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO unit (release, unit, line, epoch) SELECT ?1, ?2, ?3, ?5
                WHERE NOT EXISTS (
                    SELECT 1 FROM unit WHERE release = ?1 AND unit = ?2 AND line = ?3
                        AND epoch BETWEEN ?4 AND ?5
                )
                """
        )
        try statement.execute(arguments: [
            release.value, Int64(bitPattern: unit.value), line.rawValue, epochs.lowerBound,
            epochs.upperBound,
        ])
        return database.changesCount > 0
    }

    private func claim(_ source: String, in release: ReleaseID) throws -> Bool {
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO source (release, source, number) VALUES ($1, $2, 1)
                ON CONFLICT (release, source) DO UPDATE SET number = number + 1 WHERE number < $3
                """
        )
        // The name is not kept with the evidence, only which one it was.
        let hash = String(UnitHash(bytes: source.utf8).value, radix: 16)
        try statement.execute(arguments: [release.value, hash, LabelStore.mostFeedbackPerSource])
        return database.changesCount > 0
    }

    /// The slice itself while its feature has few values in the release; afterwards, that of the others.
    private mutating func bounded(_ slice: RequestSlice, in release: ReleaseID) throws -> RequestSlice {
        let owner = SliceOwner(release: release, feature: slice.feature)
        var values =
            try slices[owner]
            ?? Set(
                String.fetchAll(
                    database,
                    sql: "SELECT value FROM slice WHERE release = $1 AND feature = $2",
                    arguments: [release.value, slice.feature]
                )
            )
        if !values.contains(slice.value), values.count < LabelStore.mostSliceValues {
            values.insert(slice.value)
            try database.execute(
                sql: "INSERT INTO slice (release, feature, value) VALUES ($1, $2, $3)",
                arguments: [release.value, slice.feature, slice.value]
            )
        }
        slices[owner] = values
        return values.contains(slice.value)
            ? slice : RequestSlice(feature: slice.feature, value: RequestSlice.others)
    }
}

// MARK: - Rows

extension LabelKeeping {
    /// What was said about the answer before, newest first.
    private func earlier(_ statement: LabelStatement) throws -> [Earlier] {
        let query = try database.cachedStatement(
            sql: """
                SELECT position, kind, line, value, at, source, name, final, acceptance FROM label
                WHERE model = $1 AND id = $2 ORDER BY position DESC
                """
        )
        return try Row.fetchAll(query, arguments: [statement.model.text, statement.id]).map { row in
            Earlier(
                position: row["position"],
                kind: LabelKind(rawValue: row["kind"]),
                line: LabelLine(rawValue: row["line"]),
                value: row["value"],
                at: row["at"],
                source: row["source"],
                name: row["name"],
                isFinal: row["final"],
                acceptance: row["acceptance"]
            )
        }
    }

    private func known(_ statement: LabelStatement, _ answer: LabelledAnswer) throws -> Known {
        let query = try database.cachedStatement(
            sql:
                "SELECT version, arm, day, counted, wrong, corrected FROM answer WHERE model = $1 AND id = $2"
        )
        let fresh = Known(key: CoverageKey(version: answer.version, arm: answer.arm, at: answer.at))
        guard let row = try Row.fetchOne(query, arguments: [statement.model.text, statement.id]),
            let version = VersionNumber(row["version"] as Int), let arm = Arm(rawValue: row["arm"])
        else { return fresh }
        return Known(
            key: CoverageKey(version: version, arm: arm, day: row["day"]),
            counted: LabelLine(rawValue: row["counted"]),
            wrong: row["wrong"],
            isCorrected: row["corrected"],
            isNew: false
        )
    }

    private mutating func note(
        _ record: LabelRecord,
        _ acceptance: LabelAcceptance,
        _ known: inout Known
    ) throws {
        var change = LabelCoverage()
        if known.isNew { change.labelled = 1 }
        if case .revised = acceptance { change.revised = 1 }
        let isCorrection = record.statement.kind == .corrected
        if let wrong = record.wrong, isCorrection || !known.isCorrected {
            if known.wrong == nil { change.judged = 1 }
            change.wrong = (wrong ? 1 : 0) - (known.wrong == true ? 1 : 0)
            known.wrong = wrong
            known.isCorrected = isCorrection
        }
        let model = record.statement.model
        if change != LabelCoverage() {
            coverage[model, default: [:]][known.key, default: LabelCoverage()] =
                (coverage[model]?[known.key] ?? LabelCoverage()) + change
        }
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO answer (model, id, version, arm, day, counted, wrong, corrected)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                ON CONFLICT (model, id) DO UPDATE SET counted = excluded.counted, wrong = excluded.wrong,
                    corrected = excluded.corrected
                """
        )
        try statement.execute(arguments: [
            model.text, record.statement.id, known.key.version.value, known.key.arm.rawValue, known.key.day,
            known.counted.rawValue, known.wrong, known.isCorrected,
        ])
    }

    private mutating func remove(_ twin: Earlier) throws {
        waiting -= 1
        try database.execute(sql: "DELETE FROM label WHERE position = $1", arguments: [twin.position])
    }

    private func insert(_ record: LabelRecord, _ acceptance: LabelAcceptance) throws {
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO label (
                    id, model, kind, value, at, received_at, version, release, arm, share, unit, wrong,
                    acceptance, answered_at, source, name, note, final, weight, tabular, score, line, next_try
                ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                    $19, $20, $21, $22, $23)
                """
        )
        let (said, answer) = (record.statement, record.answer)
        let nextTry = acceptance == .waiting ? said.receivedAt.milliseconds + Self.firstPause : nil
        try statement.execute(arguments: [
            said.id, said.model.text, said.kind.rawValue, said.value, said.at?.milliseconds,
            said.receivedAt.milliseconds, answer?.version.value, answer?.release?.value, answer?.arm.rawValue,
            answer?.share.partsPerMillion, answer?.unit.map { Int64(bitPattern: $0.value) }, record.wrong,
            acceptance.name, answer?.at.milliseconds, said.source, said.name, said.note, said.isFinal,
            said.weight, said.isTabular, said.isScore, record.line.rawValue, nextTry,
        ])
    }

    private func add(_ key: EvidenceKey, _ number: Int) throws {
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO evidence (release, series, feature, value, arm, share, code, number)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                ON CONFLICT (release, series, feature, value, arm, share, code)
                DO UPDATE SET number = number + excluded.number
                """
        )
        try statement.execute(arguments: [
            key.release.value, key.series.description, key.slice?.feature ?? "", key.slice?.value ?? "",
            key.arm.rawValue, key.share.partsPerMillion, key.code, number,
        ])
    }

    private func add(_ change: LabelCoverage, to key: CoverageKey, of model: ModelName) throws {
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO coverage (model, version, arm, day, labelled, judged, wrong, revised)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                ON CONFLICT (model, version, arm, day) DO UPDATE SET
                    labelled = labelled + excluded.labelled, judged = judged + excluded.judged,
                    wrong = wrong + excluded.wrong, revised = revised + excluded.revised
                """
        )
        try statement.execute(arguments: [
            model.text, key.version.value, key.arm.rawValue, key.day, change.labelled, change.judged,
            change.wrong, change.revised,
        ])
    }
}
