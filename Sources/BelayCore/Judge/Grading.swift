import BelayStats

/// A class that a ratio is of, among those that a policy names.
struct ClassFocus: Hashable {
    let index: Int
    let classes: Int

    func cell(_ code: Int) -> (predicted: Bool, actual: Bool)? {
        guard let cell = LabelCell(code: code, classes: classes) else { return nil }
        return (cell.prediction == index, cell.label == index)
    }

    /// The four counts of the class against the rest.
    func binary(_ tally: CodeTally) -> Confusion.Binary {
        var counts = [0, 0, 0, 0]
        for (code, count) in tally.counts {
            guard let cell = cell(code) else { continue }
            let place = (cell.actual ? 0 : 1) + (cell.predicted ? 0 : 2)
            counts[place] = counts[place].addingSaturated(count)
        }
        return Confusion.Binary(
            truePositives: counts[0],
            falsePositives: counts[1],
            falseNegatives: counts[2],
            trueNegatives: counts[3]
        )
    }
}

/// How a coded outcome becomes badness from 0 to 1, fixed before the outcomes that it grades.
enum Grading: Equatable {
    /// Code 1 is bad.
    case bad
    /// Slower than a quantile of stable's past; the candidate is granted its margin.
    case slower(Exceedance)
    /// Slower than a limit: in a higher bucket.
    case above(bucket: Int)
    /// Predicted another class than the label says.
    case wrong(classes: Int)
    /// Of the answers whose label is the class, those that say otherwise.
    case missed(ClassFocus)
    /// The part of a ratio that one answer is charged with.
    case linear(LinearLoss, ClassFocus)
    /// A part of the largest magnitude that is told apart.
    case magnitude(most: Double)
    /// What is missing to the best score, as a part of it.
    case score(best: Double)

    /// Nil for an outcome that does not enter the metric.
    func badness(of code: Int, candidate: Bool) -> Double? {
        switch self {
        case .bad: return code == 1 ? 1 : 0
        case .slower(let exceedance): return exceedance.exceeds(bucket: code, candidate: candidate) ? 1 : 0
        case .above(let bucket): return code > bucket ? 1 : 0
        case .wrong(let classes):
            guard classes > 0 else { return code == 1 ? 1 : 0 }
            return LabelCell(code: code, classes: classes).map { $0.agrees ? 0 : 1 }
        case .missed(let focus):
            guard let cell = focus.cell(code), cell.actual else { return nil }
            return cell.predicted ? 0 : 1
        case .linear(let loss, let focus):
            return focus.cell(code).map { loss.badness(predicted: $0.predicted, actual: $0.actual) }
        case .magnitude(let most): return min(Magnitude.value(of: code) / most, 1)
        case .score(let best): return 1 - min(Magnitude.value(of: code) / best, 1)
        }
    }
}
