import BelayControl
import BelayCore
import BelayInference
import BelayInferenceLog

/// Takes labels, finds the answers they speak of, and turns them into evidence for the version that answered.
///
/// Partial success is normal: every label is kept or rejected on its own, with the reason. A label whose
/// answer is not known yet waits for it. Sending a file twice is harmless.
struct LabelIntake: Sendable {
    /// The log also has answers to write in between.
    private static let lookedUpAtOnce = 500
    /// Labels of one batch that name their answers by what was asked.
    private static let mostMatches = 1000

    let log: InferenceLog
    let labels: LabelStore
    let evidence: EvidenceBox
    let conductor: Conductor
    let now: @Sendable () -> Timestamp
    let counts = LabelCounts()

    /// A label that can be read, at its place in the batch.
    private struct Placed {
        let line: Int
        let body: LabelBody
        let id: String
        /// Nil while it is unknown.
        let answer: AnswerRecord?
    }

    /// Takes a whole request; see ``LabelDelivery/labels()`` for its forms.
    func accept(_ delivery: LabelDelivery) async throws -> LabelsView {
        let bodies = try delivery.labels()
        let state = await conductor.state
        var rejected: [LabelsView.Rejected] = []
        let placed = try await place(bodies, state, &rejected)
        var join = LabelJoin(state: state)
        var (records, lines): ([LabelRecord], [Int]) = ([], [])
        let time = now()
        for place in placed {
            do throws(LabelFault) {
                records.append(try record(place, &join, at: time))
                lines.append(place.line)
            } catch {
                rejected.append(.init(line: place.line, code: error.code, detail: error.detail))
            }
        }
        let receipts = try await keep(records)
        var view = LabelsView(batch: delivery.batch)
        for (index, receipt) in receipts.enumerated() {
            if let fault = records[index].fault(given: receipt.acceptance) {
                rejected.append(.init(line: lines[index], code: fault.code, detail: fault.detail))
            } else {
                view.count(receipt.acceptance)
            }
        }
        view.rejected = rejected.sorted { $0.line < $1.line }
        for fault in view.rejected {
            let model = (try? bodies[fault.line - 1].get())?.model
            counts.refuse(fault, of: model.flatMap { state.models[$0] == nil ? nil : $0 }, at: time)
        }
        return view
    }

    private func keep(_ records: [LabelRecord]) async throws -> [LabelReceipt] {
        let receipts = try await labels.accept(records)
        for key in receipts.lazy.flatMap(\.evidence) { evidence.add(key, 1) }
        for (record, receipt) in zip(records, receipts) where receipt.acceptance.isJoined {
            if let version = record.answer?.version { counts.add(VersionID(record.statement.model, version)) }
        }
        return receipts
    }

    private func record(
        _ place: Placed,
        _ join: inout LabelJoin,
        at time: Timestamp
    ) throws(LabelFault) -> LabelRecord {
        let statement = place.body.statement(id: place.id, receivedAt: time)
        if statement.kind == .feedback {
            // What is no opinion is not worth waiting with.
            _ = try LabelScoring.opinion(place.body.value, isScore: statement.isScore)
        }
        guard let answer = place.answer else { return LabelRecord(statement, answer: nil) }
        return try join.record(statement, value: place.body.value, answer: answer)
    }
}

// MARK: - Finding answers

extension LabelIntake {
    /// Looks up each model's answers at once: one reading of the log for a batch instead of one a label.
    private func place(
        _ bodies: [Result<LabelBody, LabelFault>],
        _ state: State,
        _ rejected: inout [LabelsView.Rejected]
    ) async throws -> [Placed] {
        var readable: [ModelName: [(line: Int, body: LabelBody)]] = [:]
        for (index, body) in bodies.enumerated() {
            do throws(LabelFault) {
                let body = try body.get()
                guard state.models[body.model] != nil else { throw .unknownModel(body.model.text) }
                readable[body.model, default: []].append((index + 1, body))
            } catch {
                rejected.append(.init(line: index + 1, code: error.code, detail: error.detail))
            }
        }
        var placed: [Placed] = []
        for (model, group) in readable {
            placed += try await named(group, model)
            placed += try await matched(group, model, &rejected)
        }
        // Labels of one batch see those before them.
        return placed.sorted { $0.line < $1.line }
    }

    private func named(
        _ group: [(line: Int, body: LabelBody)],
        _ model: ModelName
    ) async throws -> [Placed] {
        let answers = try await find(group.compactMap(\.body.id), model)
        return group.compactMap { line, body in
            body.id.map { Placed(line: line, body: body, id: $0, answer: answers[$0]) }
        }
    }

    private func find(_ ids: [String], _ model: ModelName) async throws -> [String: AnswerRecord] {
        var answers: [String: AnswerRecord] = [:]
        for start in stride(from: 0, to: ids.count, by: Self.lookedUpAtOnce) {
            let some = ids[start..<min(start + Self.lookedUpAtOnce, ids.count)]
            answers.merge(try await log.find(ids: some, model: model, shadows: false)) { first, _ in first }
        }
        return answers
    }

    private func matched(
        _ group: [(line: Int, body: LabelBody)],
        _ model: ModelName,
        _ rejected: inout [LabelsView.Rejected]
    ) async throws -> [Placed] {
        let asked = group.compactMap { line, body in body.match.map { (line: line, body: body, match: $0) } }
        let within = asked.prefix(Self.mostMatches)
        let found = try await LabelMatching(log: log).answers(to: within.map(\.match), of: model)
        var placed: [Placed] = []
        for (place, result) in zip(within, found) {
            switch result {
            case .success(let answer):
                placed.append(Placed(line: place.line, body: place.body, id: answer.id, answer: answer))
            case .failure(let fault):
                rejected.append(.init(line: place.line, code: fault.code, detail: fault.detail))
            }
        }
        for place in asked.dropFirst(Self.mostMatches) {
            let fault = LabelFault.unreadable("a request may name \(Self.mostMatches) answers by 'match'")
            rejected.append(.init(line: place.line, code: fault.code, detail: fault.detail))
        }
        return placed
    }
}

// MARK: - Waiting

extension LabelIntake {
    /// Waiting labels looked at in one sweep.
    private static let sweptAtOnce = 2000

    /// Joins waiting labels whose answers have become known, and gives up on those that can never count.
    ///
    /// - Returns: How many were joined.
    @discardableResult
    func joinWaiting() async throws -> Int {
        let due = try await labels.due(now: now(), most: Self.sweptAtOnce)
        guard !due.isEmpty else { return 0 }
        var join = LabelJoin(state: await conductor.state)
        var records: [LabelRecord] = []
        for (model, group) in Dictionary(grouping: due, by: \.model) {
            let answers = try await find(group.map(\.id), model)
            for statement in group {
                guard let answer = answers[statement.id] else { continue }
                do throws(LabelFault) {
                    guard let value = LabelValue(canonical: statement.value) else { throw .badFeedback }
                    records.append(try join.record(statement, value: value, answer: answer))
                } catch {
                    // The sender was told that it waits; that it never counted shows in the coverage.
                    try await labels.giveUp(on: statement)
                }
            }
        }
        return try await keep(records).count { $0.acceptance.isJoined }
    }

    /// Gives up on labels that have waited as long as their models' policies say.
    ///
    /// - Returns: How many were removed.
    @discardableResult
    func forgetWaiting() async throws -> Int {
        let state = await conductor.state
        let time = now()
        var removed = 0
        for model in state.models.keys {
            let limit = time.advanced(by: .zero - state.labelWait(of: model))
            removed += try await labels.giveUp(on: model, receivedBefore: limit)
        }
        return removed
    }
}

extension LabelBody {
    fileprivate var id: String? {
        if case .id(let id) = subject { id } else { nil }
    }

    fileprivate var match: LabelMatch? {
        if case .match(let match) = subject { match } else { nil }
    }

    fileprivate func statement(id: String, receivedAt: Timestamp) -> LabelStatement {
        LabelStatement(
            id: id,
            model: model,
            kind: kind,
            value: canonical(value),
            at: at,
            receivedAt: receivedAt,
            source: source,
            name: name,
            note: note,
            isFinal: isFinal,
            weight: weight,
            isTabular: isTabular,
            isScore: isScore
        )
    }
}

extension LabelRecord {
    /// Why the store did not keep it; nil when it did, or had it already.
    fileprivate func fault(given acceptance: LabelAcceptance) -> LabelFault? {
        switch acceptance {
        case .crowded: .tooManyForAnswer(statement.id)
        case .full: .tooManyWaiting
        default: nil
        }
    }
}
