/// Joins the evidence of several bets on one release into one number.
package enum Combination {
    /// The logarithm of the weighted sum of evidences, `log Σ c_j E_j`.
    ///
    /// With weights that sum to at most 1 the sum keeps the guarantee of its terms, however they depend on
    /// each other, provided they watch the same traffic. It is never below the largest `c_j E_j`, which is
    /// what a Bonferroni correction would compare with 1/alpha. The plain maximum of the E_j has no
    /// guarantee.
    ///
    /// Terms without a positive finite weight, or whose evidence is NaN, add nothing. No terms, no evidence:
    /// −∞.
    package static func logWeightedSum(_ terms: [(weight: Double, logEvidence: Double)]) -> Double {
        logarithmOfSum(
            terms.compactMap { weight, logEvidence in
                guard weight > 0, weight.isFinite, !logEvidence.isNaN else { return nil }
                return logarithm(weight) + logEvidence
            }
        )
    }
}
