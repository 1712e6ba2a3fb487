import BelayCore
import BelayInference
import BelayInferenceLog

/// Scores that become classes by the policy's threshold.
extension LabelScoring {
    /// Compares a label with the class that a score says; nil when the policy has no threshold.
    ///
    /// The output has one number for each label, or two columns, a class each: as the policy's `classes` name
    /// them, else the positive one comes last. A batch is right when every row is.
    ///
    /// - Throws: ``LabelFault/notComparable(_:)`` for text, for other shapes, and for a label that is none of
    ///   the policy's classes, or, without them, not the opposite of a truth value.
    func scored(_ label: LabelValue, _ output: Tensor) throws(LabelFault) -> LabelCell? {
        guard let threshold = labels.threshold, let positive = labels.positive else { return nil }
        let truths = label.flattened
        let columns = truths.isEmpty ? 0 : output.count / truths.count
        guard (1...2).contains(columns), output.count == truths.count * columns else {
            throw .notComparable(
                "The label has \(truths.count) values, and the output has \(output.count) scores for them."
            )
        }
        let column = columns == 1 ? 0 : labels.classes.firstIndex(of: positive) ?? 1
        var agrees = true
        var (said, meant) = (false, false)
        for (row, truth) in truths.enumerated() {
            guard let score = output.number(at: row * columns + column, like: threshold) else {
                throw .notComparable("labels.threshold is for numbers, and the output is text.")
            }
            (said, meant) = (score >= threshold, try isPositive(truth, positive))
            agrees = agrees && said == meant
        }
        let names = labels.namedClasses
        func index(_ isPositive: Bool) -> Int? { names.firstIndex { ($0 == positive) == isPositive } }
        let isOne = truths.count == 1
        return LabelCell(
            prediction: isOne ? index(said) : nil,
            label: isOne ? index(meant) : nil,
            agrees: agrees,
            classes: names.count
        )
    }

    private func isPositive(_ truth: LabelValue, _ positive: String) throws(LabelFault) -> Bool {
        if Self.is(truth, positive) { return true }
        let others = labels.classes.isEmpty ? Self.opposites[positive.lowercased()] : labels.classes
        guard let others else { return false }
        guard others.contains(where: { Self.is(truth, $0) }) else {
            let list = others.joined(separator: ", ")
            throw .notComparable("The label is neither '\(positive)' nor one of \(list).")
        }
        return false
    }

    /// What is not positive where the policy names no classes: for any other positive class, all else.
    private static let opposites = ["1": ["0"], "0": ["1"], "true": ["false"], "false": ["true"]]
}
