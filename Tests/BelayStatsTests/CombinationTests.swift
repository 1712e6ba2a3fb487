import BelayStats
import Testing

@Suite("Combination")
struct CombinationTests {
    @Test func noEvidenceIsMinusInfinity() {
        #expect(Combination.logWeightedSum([]) == -.infinity)
        #expect(Combination.logWeightedSum([(1, -.infinity), (0.5, -.infinity)]) == -.infinity)
    }

    @Test func addsEvidenceNotLogarithms() {
        // 0.25 · 8 + 0.75 · 4 = 5
        let combined = Combination.logWeightedSum([(0.25, 2.0794415416798357), (0.75, 1.3862943611198906)])
        #expect(agree(combined, 1.6094379124341003))
    }

    @Test func aVanishedTermLeavesTheOthersUntouched() {
        let combined = Combination.logWeightedSum([(0.5, -.infinity), (0.5, 3)])
        #expect(agree(combined, 3 - 0.6931471805599453))
    }

    @Test func evidenceBeyondTheRangeOfNumbersStaysFinite() {
        let combined = Combination.logWeightedSum([(0.5, 5_000), (0.5, 5_000), (0.5, -5_000)])
        #expect(agree(combined, 5_000))
    }

    @Test func termsThatAreNoNumbersAddNothing() {
        let combined = Combination.logWeightedSum([
            (.nan, 9), (-1, 9), (0, 9), (.infinity, 9), (0.5, .nan), (1, 2),
        ])
        #expect(agree(combined, 2))
        #expect(Combination.logWeightedSum([(1, .infinity), (1, -.infinity)]) == .infinity)
    }

    @Test func neverFallsBelowBonferroni() {
        var generator = SplitMix64(seed: 3)
        for _ in 0..<200 {
            let terms = (0..<8).map { _ in (0.125, Double.random(in: -50...50, using: &generator)) }
            let largest = terms.map { $0.1 - 2.0794415416798357 }.max() ?? 0
            #expect(Combination.logWeightedSum(terms) >= largest - 1e-12)
        }
    }
}
