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

    /// The bets that may be called found, when many were placed: e-BH.
    ///
    /// Of those returned at most a part `alpha` is false on average, however the bets depend on each other:
    /// with J bets, the k largest are returned for the largest k whose k-th evidence is at least J/(k alpha)
    /// (Wang and Ramdas 2022, JRSS-B 84). This names slices; it decides no rollback.
    ///
    /// - Parameters:
    ///   - logEvidences: In nats; NaN is no evidence.
    ///   - alpha: Between 0 and 1.
    /// - Returns: Places in the list, the strongest evidence first; none for an alpha out of range.
    package static func discoveries(_ logEvidences: [Double], alpha: Double) -> [Int] {
        guard alpha > 0, alpha < 1 else { return [] }
        let sorted = logEvidences.indices.filter { !logEvidences[$0].isNaN }.sorted {
            logEvidences[$0] != logEvidences[$1] ? logEvidences[$0] > logEvidences[$1] : $0 < $1
        }
        let bets = Double(logEvidences.count)
        let last = sorted.indices.last { rank in
            logEvidences[sorted[rank]] >= logarithm(bets / (Double(rank + 1) * alpha))
        }
        return last.map { Array(sorted[...$0]) } ?? []
    }
}
