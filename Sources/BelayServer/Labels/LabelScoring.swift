import BelayCore
import BelayInference
import BelayInferenceLog
import BelayStats
import Foundation

/// What a label shows of an answer, under one policy and one signature.
///
/// Pure: an answer as it was recorded and a value as it was sent give coded outcomes, the same whenever they
/// are computed.
struct LabelScoring {
    /// What a label shows, were it to count.
    struct Shown: Equatable {
        var outcomes: [(series: Series, code: Int)] = []
        /// Nil when right and wrong make no sense, as for a quantity.
        var wrong: Bool?

        static func == (one: Shown, other: Shown) -> Bool {
            one.wrong == other.wrong && one.outcomes.elementsEqual(other.outcomes) { $0 == $1 }
        }
    }

    /// Probabilities below this are taken for this, so that no answer costs infinitely much.
    private static let leastProbability = 1e-4
    private static let probabilityOutputs = ["probabilities", "probability", "output_probability"]

    let policy: Policy
    let signature: Signature

    var labels: Policy.Labels { policy.labels }
    private var asked: Set<Series> { Set(policy.guards.map { $0.metric.series(of: $0.focus.feature) }) }

    // MARK: - Truth

    /// Compares a truth with the answer's chosen output.
    ///
    /// An object names outputs: the chosen one is compared if it is among them, else all that are named, and
    /// all must agree.
    func truth(
        _ value: LabelValue,
        isTabular: Bool,
        answer: AnswerRecord
    ) throws(LabelFault) -> Shown {
        let outputs = try self.outputs(of: answer)
        let chosen = signature.prediction(chosen: labels.output)
        if case .outputs(let members) = value {
            guard let chosen, let member = members[chosen.name] else {
                return try agreement(members, outputs)
            }
            return try shown(member, isTabular, chosen.name, outputs)
        }
        guard let chosen else { throw .noPrediction }
        return try shown(value, isTabular, chosen.name, outputs)
    }

    private func outputs(of answer: AnswerRecord) throws(LabelFault) -> [String: Tensor] {
        do throws(InferenceError) {
            let response = try OIPResponse.decode(
                answer.response,
                headerLength: answer.responseHeaderLength,
                limits: .standard
            )
            return Dictionary(response.outputs.map { ($0.name, $0.tensor) }) { first, _ in first }
        } catch {
            throw .notComparable(
                answer.isTruncated
                    ? "the log kept only a part of the answer" : error.explanation.summary
            )
        }
    }

    private func agreement(
        _ members: [String: LabelValue],
        _ outputs: [String: Tensor]
    ) throws(LabelFault) -> Shown {
        guard !members.isEmpty else { throw .noPrediction }
        var agrees = true
        for (name, member) in members.sorted(by: { $0.key < $1.key }) {
            let output = try tensor(name, outputs)
            let isRight = try judged(typed(member, false, for: output), output)
            agrees = agrees && isRight
        }
        let cell = LabelCell(prediction: nil, label: nil, agrees: agrees, classes: labels.namedClasses.count)
        return Shown(outcomes: [(.labels, cell.code)], wrong: !agrees)
    }

    private func shown(
        _ value: LabelValue,
        _ isTabular: Bool,
        _ name: String,
        _ outputs: [String: Tensor]
    ) throws(LabelFault) -> Shown {
        let output = try tensor(name, outputs)
        let label = typed(value, isTabular, for: output)
        var shown = Shown()
        if labels.kind != .regression {
            let cell = try cell(label, output)
            shown.outcomes.append((.labels, cell.code))
            shown.wrong = !cell.agrees
            shown.outcomes += probabilityLosses(label, outputs)
        }
        if isQuantity(output) {
            let losses = errors(label, output)
            if labels.kind == .regression, losses.isEmpty {
                throw .notComparable("The label is not as many numbers as the prediction has.")
            }
            shown.outcomes += losses
        }
        return shown
    }

    private func tensor(_ name: String, _ outputs: [String: Tensor]) throws(LabelFault) -> Tensor {
        guard let tensor = outputs[name] else {
            throw .notComparable("The answer does not contain the output '\(name.prefix(80))'.")
        }
        return tensor
    }

    private func judged(_ label: LabelValue, _ output: Tensor) throws(LabelFault) -> Bool {
        do throws(InferenceError) {
            return try judgeLabel(label, against: output)
        } catch {
            throw .notComparable(error.explanation.summary)
        }
    }

    /// What a table's text is, given what it is compared with.
    private func typed(_ value: LabelValue, _ isTabular: Bool, for output: Tensor) -> LabelValue {
        guard isTabular, case .text(let text) = value else { return value }
        guard output.type != .bytes else { return value }
        if text.hasPrefix("["), let list = LabelValue(canonical: text) { return list }
        if let flag = ["true": true, "false": false][text.lowercased()] { return .bool(flag) }
        // Swift reads hexadecimal, too.
        guard !text.contains(where: { "xX".contains($0) }), let number = Double(text), number.isFinite
        else { return value }
        return Int128(text) == nil ? .number(number) : LabelValue(digits: text)
    }

    // MARK: - Classes

    /// Only the label of a single prediction has a class; a batch is right or wrong as a whole.
    private func cell(_ label: LabelValue, _ output: Tensor) throws(LabelFault) -> LabelCell {
        if let scored = try scored(label, output) { return scored }
        let agrees = try judged(label, output)
        let names = labels.namedClasses
        guard output.count == 1, let only = label.flattened.first else {
            return LabelCell(prediction: nil, label: nil, agrees: agrees, classes: names.count)
        }
        let predicted = names.firstIndex { name in
            output.text(at: 0).map { $0 == name } ?? output.number(at: 0).map { Self.is($0, name) } ?? false
        }
        let truth = agrees ? predicted : names.firstIndex { Self.is(only, $0) }
        return LabelCell(
            prediction: predicted,
            label: truth,
            agrees: agrees || predicted != nil && predicted == truth,
            classes: names.count
        )
    }

    static func `is`(_ label: LabelValue, _ name: String) -> Bool {
        switch label {
        case .text(let text): text == name
        case .number(let number): Self.is(number, name)
        case .integer(let whole): String(whole) == name
        case .bool(let flag): Self.is(flag ? 1 : 0, name)
        case .list, .outputs: false
        }
    }

    private static func `is`(_ number: Double, _ name: String) -> Bool {
        switch name.lowercased() {
        case "true": number == 1
        case "false": number == 0
        default: Double(name) == number
        }
    }

    // MARK: - Losses

    private func isQuantity(_ output: Tensor) -> Bool {
        switch labels.kind {
        case .regression: true
        case .binary, .multiclass: false
        case nil:
            labels.threshold == nil && [.fp16, .fp32, .fp64].contains(output.type)
                || !asked.isDisjoint(with: [.loss(.absoluteError), .loss(.squaredError)])
        }
    }

    /// The mean over a batch of what the prediction is off by; empty when it cannot be said.
    private func errors(_ label: LabelValue, _ output: Tensor) -> [(series: Series, code: Int)] {
        let truths = label.flattened
        guard truths.count == output.count, !truths.isEmpty else { return [] }
        var (absolute, squared) = (0.0, 0.0)
        for (index, truth) in truths.enumerated() {
            guard let wanted = truth.number, let given = output.number(at: index) else { return [] }
            absolute += abs(given - wanted)
            squared += (given - wanted) * (given - wanted)
        }
        let count = Double(truths.count)
        return coded(.absoluteError, absolute / count) + coded(.squaredError, squared / count)
    }

    private func probabilityLosses(
        _ label: LabelValue,
        _ outputs: [String: Tensor]
    ) -> [(series: Series, code: Int)] {
        let names = labels.probability.map { [$0] } ?? Self.probabilityOutputs
        guard let probabilities = names.lazy.compactMap({ outputs[$0] }).first,
            [.fp16, .fp32, .fp64].contains(probabilities.type)
        else { return [] }
        let truths = label.flattened
        guard !truths.isEmpty, probabilities.count.isMultiple(of: truths.count) else { return [] }
        let columns = probabilities.count / truths.count
        var (logLoss, brier) = (0.0, 0.0)
        for (row, truth) in truths.enumerated() {
            var given: [Double] = []
            for column in 0..<columns {
                guard let number = probabilities.number(at: row * columns + column),
                    (-1e-6...1 + 1e-6).contains(number)
                else { return [] }
                given.append(min(max(number, 0), 1))
            }
            if let only = given.first, columns == 1 { given = [1 - only, only] }
            guard let actual = column(of: truth, among: given.count, isOne: columns == 1) else { return [] }
            logLoss -= log(max(given[actual], Self.leastProbability))
            for (column, probability) in given.enumerated() {
                let off = probability - (column == actual ? 1 : 0)
                // Half the sum, so that two classes give the square of the one probability's error.
                brier += off * off / 2
            }
        }
        let count = Double(truths.count)
        return coded(.logLoss, logLoss / count) + coded(.brier, brier / count)
    }

    /// Which probability is the true class's.
    ///
    /// The classes of the policy name them in their order; the positive class comes last of two; else the
    /// label is the number of its column.
    private func column(of truth: LabelValue, among columns: Int, isOne: Bool) -> Int? {
        if !isOne, !labels.classes.isEmpty {
            let index = labels.classes.firstIndex { Self.is(truth, $0) }
            return labels.classes.count == columns ? index : nil
        }
        if columns == 2, let positive = labels.positive ?? (isOne ? "1" : nil) {
            return Self.is(truth, positive) ? 1 : 0
        }
        switch truth {
        case .number(let number):
            return Int(exactly: number).flatMap { (0..<columns).contains($0) ? $0 : nil }
        case .bool(let flag): return columns == 2 ? (flag ? 1 : 0) : nil
        case .integer, .text, .list, .outputs: return nil
        }
    }

    private func coded(_ loss: Series.Loss, _ value: Double) -> [(series: Series, code: Int)] {
        Magnitude.code(of: value).map { [(.loss(loss), $0)] } ?? []
    }
}

// MARK: - Opinions

extension LabelScoring {
    private static let thumbs: [String: Bool] = [
        "up": true, "true": true, "yes": true, "1": true, "down": false, "false": false, "no": false,
        "0": false,
    ]

    /// A thumb in any of its forms, or a score from 0 up.
    static func opinion(_ value: LabelValue, isScore: Bool) throws(LabelFault) -> Shown {
        switch value {
        case .bool(let approves): return thumb(approves)
        case .text(let text):
            if let approves = thumbs[text.lowercased()] { return thumb(approves) }
            guard let number = Double(text) else { throw .badFeedback }
            return try opinion(.number(number), isScore: isScore)
        case .integer(let whole): return try opinion(.number(Double(whole)), isScore: isScore)
        case .number(let number):
            if !isScore, number == 0 || number == 1 { return thumb(number == 1) }
            guard number.isFinite, let code = Magnitude.code(of: number) else { throw .badFeedback }
            return Shown(outcomes: [(.score, code)], wrong: nil)
        case .list, .outputs: throw .badFeedback
        }
    }

    private static func thumb(_ approves: Bool) -> Shown {
        Shown(outcomes: [(.flags, approves ? 0 : 1)], wrong: nil)
    }
}
