import BelayCore
import BelayStats
import Foundation

/// Coded outcomes of both arms as gateways would count them, each by one coin.
struct Stream {
    var trial: Trial
    private var generator: SplitMix64

    init(_ policy: Policy, profile: StableProfile? = nil, seed: UInt64) throws {
        trial = try Trial(policy, profile: profile)
        generator = SplitMix64(seed: seed)
    }

    /// Routes requests and counts what each arm makes of them; `code` may draw.
    mutating func serve(
        _ requests: Int,
        _ series: Series,
        slice: RequestSlice? = nil,
        answers: Bool = false,
        code: (Bool, inout SplitMix64) -> Int?
    ) {
        var counts = EvidenceCounts()
        let share = trial.release.share
        for _ in 0..<requests {
            let isCandidate = Double.random(in: 0..<1, using: &generator) < share.fraction
            let arm: Arm = isCandidate ? .candidate : .stable
            if answers { counts.add(key(.answers, nil, arm, share, 0), 1) }
            guard let code = code(isCandidate, &generator) else { continue }
            counts.add(key(series, nil, arm, share, code), 1)
            if let slice { counts.add(key(series, slice, arm, share, code), 1) }
        }
        trial.judge.settle(
            EvidenceTick(release: trial.release.id, at: trial.now, step: trial.step, counts: counts)
        )
    }

    private func key(
        _ series: Series,
        _ slice: RequestSlice?,
        _ arm: Arm,
        _ share: Share,
        _ code: Int
    ) -> EvidenceKey {
        EvidenceKey(
            release: trial.release.id,
            series: series,
            slice: slice,
            arm: arm,
            share: share,
            code: code
        )
    }

    /// Serves tick by tick until the judge rolls back or holds; the requests it took, nil if it never did.
    mutating func serve(
        until wanted: String,
        tick: Int = 100,
        most: Int,
        _ series: Series,
        answers: Bool = false,
        code: (Bool, inout SplitMix64) -> Int?
    ) -> Int? {
        for round in 1...(most / tick) {
            serve(tick, series, answers: answers, code: code)
            if trial.ruling.name == wanted { return round * tick }
        }
        return nil
    }
}

extension SplitMix64 {
    mutating func chance(_ probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &self) < probability
    }

    /// A standard normal number (Box and Muller).
    mutating func normal() -> Double {
        let radius = Double.random(in: Double.leastNonzeroMagnitude..<1, using: &self)
        let angle = Double.random(in: 0..<1, using: &self)
        return (-2 * log(radius)).squareRoot() * cos(2 * .pi * angle)
    }
}
