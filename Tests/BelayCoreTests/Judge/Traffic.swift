import BelayCore
import BelayStats

/// One release with its judge, fed in ticks as control feeds it.
struct Trial {
    var release: Release
    var judge: Judge
    var now = noon
    var step = 0

    /// A release of version 2 against version 1 that has entered its first step.
    init(_ policy: Policy, id: ReleaseID = ReleaseID(1), profile: StableProfile? = nil) throws {
        let proposal = Proposal(
            release: id,
            endpoint: prod,
            candidate: number(2),
            stable: number(1),
            policy: policy,
            salt: Salt(1),
            profile: profile
        )
        release = Release(proposal: proposal, by: ann, at: noon, reason: nil)
        try release.apply(.entered(step: 0), at: noon)
        judge = Judge(of: release)
    }

    var ruling: Ruling { judge.rule(on: release, now: now) }

    func report(_ name: String) -> GuardReport? { ruling.reports.first { $0.name == name } }
    func verdict(_ name: String) -> Verdict? { report(name)?.verdict }

    mutating func wait(_ duration: Duration) { now = now.advanced(by: duration) }

    mutating func enterNextStep() throws {
        step += 1
        try release.apply(.entered(step: step), at: now)
    }

    func tick(_ counts: [Count], step: Int? = nil) -> EvidenceTick {
        var evidence = EvidenceCounts()
        for count in counts {
            let key = EvidenceKey(
                release: release.id,
                metric: count.metric,
                arm: count.arm,
                share: count.share ?? release.share,
                bad: count.bad
            )
            evidence.add(key, count.number)
        }
        return EvidenceTick(release: release.id, at: now, step: step ?? self.step, counts: evidence)
    }

    mutating func count(_ counts: Count...) { judge.settle(tick(counts)) }

    /// What one of the arms answered.
    struct Count {
        let metric: Metric
        let arm: Arm
        let bad: Bool
        let number: Int
        let share: Share?

        init(_ metric: Metric, _ arm: Arm, bad: Bool, _ number: Int, share: Share? = nil) {
            self.metric = metric
            self.arm = arm
            self.bad = bad
            self.number = number
            self.share = share
        }
    }

    /// Requests that are each sent to an arm by one coin and fail by another.
    mutating func serve(
        _ requests: Int = 50,
        stable: Double,
        candidate: Double,
        metric: Metric = .errorRate,
        _ generator: inout SplitMix64
    ) {
        let candidates = binomial(requests, release.share.fraction, &generator)
        let stables = requests - candidates
        let (bad, badOfStable) = (
            binomial(candidates, candidate, &generator), binomial(stables, stable, &generator)
        )
        count(
            Count(metric, .stable, bad: false, stables - badOfStable),
            Count(metric, .stable, bad: true, badOfStable),
            Count(metric, .candidate, bad: false, candidates - bad),
            Count(metric, .candidate, bad: true, bad)
        )
    }
}

/// How many of `count` coins fall on the side that has this probability, by inversion of the distribution.
private func binomial(_ count: Int, _ probability: Double, _ generator: inout SplitMix64) -> Int {
    var (chance, factor, exponent) = (1.0, 1 - probability, count)
    while exponent > 0 {
        if exponent % 2 == 1 { chance *= factor }
        factor *= factor
        exponent /= 2
    }
    let odds = probability / (1 - probability)
    var left = Double.random(in: 0..<1, using: &generator) - chance
    var fallen = 0
    while left >= 0, fallen < count {
        chance *= odds * Double(count - fallen) / Double(fallen + 1)
        fallen += 1
        left -= chance
    }
    return fallen
}
