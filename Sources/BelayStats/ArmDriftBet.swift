/// A bet that the candidate's values fall into other bins than the stable version's.
///
/// The router tossed a coin for each request; if the versions answer alike, the answer says nothing about
/// how the coin fell. Capital is staked on the arms' estimated shares differing:
/// `log E += log(p_A(x)/p̄(x))` with `p̄ = w p_candidate + (1 − w) p_stable`. Given the value x, the factor's
/// mean over the coin is exactly 1, whatever the estimates and however the requests drift with the hour
/// (Turner, Ly and Grünwald 2024, for more than two outcomes). The prior serves the first estimates only.
///
/// Estimates are those of the tick's start, and counts are sorted first, so that neither the number of
/// counters nor the order of delivery changes a bit.
package struct ArmDriftBet: Equatable, Sendable {
    /// What the bins are expected to receive; twenty values strong, and about speed only.
    package let prior: Shares
    /// Whether a fifth of the capital is held back for drifts that start late; see ``AllocationBet``.
    package let drip: Bool
    /// Values that carried information, over all ticks.
    package private(set) var observations: Int
    /// The logarithm of the evidence that the arms differ, in nats.
    package private(set) var logEvidence: Double
    /// The largest ``logEvidence`` at the end of any tick.
    package private(set) var maximumLogEvidence: Double
    private var candidate: SharesEstimate
    private var stable: SharesEstimate

    package init(prior: Shares, drip: Bool = true) {
        self.prior = prior
        self.drip = drip
        observations = 0
        logEvidence = Mixture.logStart(drip: drip)
        maximumLogEvidence = logEvidence
        candidate = SharesEstimate(bins: prior.count)
        stable = SharesEstimate(bins: prior.count)
    }

    /// Takes in the counted values of one tick.
    ///
    /// Cells with a share of 0 or 1, or a bin that the prior does not have, are passed over.
    package mutating func settle(_ cells: [Cell]) {
        let seen = Cell.merged(cells.filter { $0.isInformative && $0.bin < prior.count })
        guard !seen.isEmpty else { return }
        let growth = seen.reduce(0) { $0 + Double($1.count) * odds($1) }
        for cell in seen {
            if cell.candidate {
                candidate.add(cell.bin, cell.count)
            } else {
                stable.add(cell.bin, cell.count)
            }
        }
        let before = observations
        observations = seen.reduce(before) { $0.addingSaturated($1.count) }
        if drip {
            let fresh = Mixture.capitalDripped(from: before, to: observations)
            logEvidence = logarithmOfSum(logEvidence, logarithm(fresh))
        }
        logEvidence += growth
        maximumLogEvidence = max(maximumLogEvidence, logEvidence)
    }

    private func odds(_ cell: Cell) -> Double {
        let ofCandidate = candidate.share(cell.bin, prior: prior)
        let ofStable = stable.share(cell.bin, prior: prior)
        let ofBoth = cell.share * ofCandidate + (1 - cell.share) * ofStable
        return logarithm((cell.candidate ? ofCandidate : ofStable) / ofBoth)
    }
}

extension ArmDriftBet {
    /// How often one bin was met in one tick, for one arm at one share.
    package struct Cell: Equatable, Sendable {
        package let candidate: Bool
        package let bin: Int
        /// Probability, 0 … 1, with which the request was sent to the candidate, as it was when routed.
        package let share: Double
        package let count: Int

        /// Returns nil for a share outside 0 … 1, NaN included, or a negative bin or count.
        package init?(candidate: Bool, bin: Int, share: Double, count: Int) {
            guard bin >= 0, (0...1).contains(share), count >= 0 else { return nil }
            self.init(accepting: candidate, bin: bin, share: share, count: count)
        }

        private init(accepting candidate: Bool, bin: Int, share: Double, count: Int) {
            self.candidate = candidate
            self.bin = bin
            self.share = share
            self.count = count
        }

        fileprivate var isInformative: Bool { share > 0 && share < 1 && count > 0 }

        fileprivate static func merged(_ cells: [Self]) -> [Self] {
            var merged: [Self] = []
            for cell in cells.sorted(by: precedes) {
                guard let last = merged.last, !precedes(last, cell) else {
                    merged.append(cell)
                    continue
                }
                let count = last.count.addingSaturated(cell.count)
                merged[merged.count - 1] =
                    Self(accepting: last.candidate, bin: last.bin, share: last.share, count: count)
            }
            return merged
        }

        private static func precedes(_ first: Self, _ second: Self) -> Bool {
            guard first.share == second.share else { return first.share < second.share }
            guard first.candidate == second.candidate else { return second.candidate }
            return first.bin < second.bin
        }
    }
}

extension ArmDriftBet: Codable {
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        prior = try values.decode(Shares.self, forKey: .prior)
        drip = try values.decode(Bool.self, forKey: .drip)
        observations = try values.decode(Int.self, forKey: .observations)
        logEvidence = try values.decode(Double.self, forKey: .logEvidence)
        maximumLogEvidence = try values.decode(Double.self, forKey: .maximumLogEvidence)
        candidate = try values.decode(SharesEstimate.self, forKey: .candidate)
        stable = try values.decode(SharesEstimate.self, forKey: .stable)
        guard observations >= 0, logEvidence.isFinite, maximumLogEvidence.isFinite,
            candidate.counts.count == prior.count, stable.counts.count == prior.count
        else { throw DecodingError.invalid("not the state of a bet on two arms' shares", from: decoder) }
    }
}
