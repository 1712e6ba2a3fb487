import Testing

@testable import BelayStats

@Suite("Confusion, areas and linear losses")
struct ConfusionTests {
    /// The rows that `Scripts/reference/statistics.py` makes up in the same way.
    static let rows = (0..<400).map { t in
        let actual = (3 * t + t / 5) % 4
        return (actual: actual, predicted: (t * 13) % 7 > 1 ? actual : (actual + t) % 3)
    }

    private func counted() throws -> Confusion {
        var confusion = try #require(Confusion(classes: 5))
        for row in Self.rows { confusion.add(actual: row.actual, predicted: row.predicted) }
        return confusion
    }

    @Test(arguments: Reference.classes)
    func classesAgreeWithScikitLearn(label: Int, expected: [Double]) throws {
        let binary = try counted().binary(label)
        let measured = [binary.precision, binary.recall, binary.f1].map { $0 ?? 0 }
        for (value, number) in zip(measured, expected) { #expect(agree(value, number)) }
    }

    @Test func averagesAgreeWithScikitLearn() throws {
        let confusion = try counted()
        let measured = [
            confusion.accuracy, confusion.macroPrecision, confusion.macroRecall, confusion.macroF1,
        ]
        for (value, number) in zip(measured, Reference.macro) { #expect(agree(try #require(value), number)) }
        let variance = try #require(confusion.binary(1).f1Variance)
        #expect(abs(variance / Reference.f1Variance[0] - 1) < 1e-12)
    }

    @Test func countsAddUp() throws {
        var (first, second) = (try #require(Confusion(classes: 5)), try #require(Confusion(classes: 5)))
        for (index, row) in Self.rows.enumerated() {
            if index % 3 == 0 {
                first.add(actual: row.actual, predicted: row.predicted)
            } else {
                second.add(actual: row.actual, predicted: row.predicted)
            }
        }
        let isMerged = first.merge(second)
        #expect(isMerged)
        #expect(try first == counted())
        let binary = first.binary(2)
        #expect(
            binary.truePositives + binary.falsePositives + binary.falseNegatives + binary.trueNegatives == 400
        )
        let other = try #require(Confusion(classes: 4))
        let isOtherMerged = first.merge(other)
        #expect(!isOtherMerged)
    }

    @Test func whatWasNeverSeenHasNoMeasure() throws {
        var confusion = try #require(Confusion(classes: 2))
        #expect(confusion.accuracy == nil && confusion.macroF1 == nil)
        #expect(confusion.binary(0).precision == nil && confusion.binary(7).recall == nil)
        let counted = [
            confusion.add(actual: 2, predicted: 0), confusion.add(actual: 0, predicted: -1),
            confusion.add(actual: 0, predicted: 0, count: 0),
        ]
        #expect(counted == [false, false, false])
        #expect(Confusion(classes: 1) == nil && Confusion(classes: 257) == nil)
        confusion.add(actual: 0, predicted: 1, count: .max)
        confusion.add(actual: 0, predicted: 1, count: .max)
        confusion.add(actual: 1, predicted: 1, count: .max)
        #expect(confusion.total == .max && confusion.binary(1).precision == 0.5)
    }

    @Test func theAreaAgreesWithScikitLearn() throws {
        var scores = ScoreBins()
        for t in 0..<300 {
            let positive = (t * 37) % 100 + (t * 53) % 60 > 75
            scores.add(score: Double((t * 37) % 100) / 100 + 0.005, positive: positive)
        }
        #expect(agree(try #require(scores.area), Reference.area[0]))
        #expect(abs(try #require(scores.areaVariance) / Reference.area[1] - 1) < 1e-12)
        #expect(ScoreBins().area == nil)
        let counted = [Double.nan, -0.1, 1.1].map { scores.add(score: $0, positive: true) }
        #expect(counted == [false, false, false])
        let isLastBinThere = scores.add(score: 1, positive: true)
        #expect(isLastBinThere)
    }

    /// φD − N is nought on average for a version with the ratio φ: a sum of badness tells the same.
    @Test(arguments: [LinearLoss.Ratio.f1, .precision])
    func theMeanLossIsNeutralAtTheStableRatio(ratio: LinearLoss.Ratio) throws {
        let binary = try counted().binary(1)
        let value = try #require(ratio == .f1 ? binary.f1 : binary.precision)
        let loss = try #require(LinearLoss(ratio, stable: value))
        let badness = Self.rows.map { loss.badness(predicted: $0.predicted == 1, actual: $0.actual == 1) }
        #expect(badness.allSatisfy { (0...1).contains($0) })
        #expect(agree(badness.reduce(0, +) / 400, loss.neutral))
    }

    /// A version whose ratio is lower by a drop is worse by the margin for that drop, on its own density.
    @Test(arguments: [LinearLoss.Ratio.f1, .precision])
    func theMarginForADropIsThatDropsBadness(ratio: LinearLoss.Ratio) throws {
        let binary = try counted().binary(1)
        let value = try #require(ratio == .f1 ? binary.f1 : binary.precision)
        let drop = 0.07
        let loss = try #require(LinearLoss(ratio, stable: value + drop))
        let (found, wrong) = (Double(binary.truePositives), Double(binary.falsePositives))
        let missed = Double(binary.falseNegatives)
        let density = ratio == .f1 ? (2 * found + wrong + missed) / 400 : (found + wrong) / 400
        let margin = try #require(loss.margin(forDrop: drop, density: density))
        let badness = Self.rows.reduce(0.0) {
            $0 + loss.badness(predicted: $1.predicted == 1, actual: $1.actual == 1)
        }
        #expect(agree(badness / 400 - loss.neutral, margin))
    }

    @Test func aRatioOutOfRangeIsRefused() throws {
        for value in [-0.1, 1.1, .nan] { #expect(LinearLoss(.f1, stable: value) == nil) }
        let loss = try #require(LinearLoss(.precision, stable: 0.9))
        #expect(loss.margin(forDrop: .nan, density: 1) == nil)
        #expect(loss.margin(forDrop: 0.1, density: 3) == nil)
    }
}
