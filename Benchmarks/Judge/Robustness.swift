import BelayStats
import Foundation

/// Table 4.4: situations that break tests which pool the arms; there is never a difference between them.
enum Situation: Int, CaseIterable, Sendable {
    case diurnal
    case incidents
    case delayByOutcome
    case delayByArm
    case wrongShareLittle
    case wrongShareMore
    case sticky20
    case sticky200
    case stickyFirst

    static let requests = 20_000

    var name: String {
        switch self {
        case .diurnal: "diurnal error 3% ± 90% (period 5,000), w 5→50→20%"
        case .incidents: "shared incidents (40% errors for 300 requests, one in 4,000) over 1%, w 1→25→50%"
        case .delayByOutcome: "labels late, bad ones more so (mean 2,000 against 500 requests), w 5→50→20%"
        case .delayByArm: "labels late, the candidate's more so (assumption broken)"
        case .wrongShareLittle: "true share .12, assumed .10, error 3% (assumption broken)"
        case .wrongShareMore: "true share .15, assumed .10, error 3% (assumption broken)"
        case .sticky20:
            "users of 20 requests, 10% of them bad (50% errors), every request fed (assumption broken)"
        case .sticky200: "the same, 200 requests each (assumption broken)"
        case .stickyFirst: "the same, the first outcome of each user"
        }
    }

    var published: String {
        switch self {
        case .diurnal: "2.8%"
        case .incidents: "2.1%"
        case .delayByOutcome, .delayByArm: "3.9%"
        case .wrongShareLittle: "3.4%"
        case .wrongShareMore: "4.0%"
        case .sticky20: "8.4%"
        case .sticky200: "22%"
        case .stickyFirst: "2.0%"
        }
    }

    /// The largest log E of one release.
    func largest(_ chance: inout Chance) -> Double {
        switch self {
        case .diurnal, .incidents: atOnce(&chance)
        case .delayByOutcome, .delayByArm: late(&chance)
        case .wrongShareLittle, .wrongShareMore: misrouted(&chance)
        case .sticky20, .sticky200, .stickyFirst: sticky(&chance)
        }
    }

    private func atOnce(_ chance: inout Chance) -> Double {
        var bet = AllocationBet.standard()
        let ramp = Ramp.thirds(self == .diurnal ? [0.05, 0.5, 0.2] : [0.01, 0.25, 0.5], of: Self.requests)
        var incidentEnds = 0
        for request in 0..<Self.requests {
            if self == .incidents, chance.tossed(1.0 / 4_000) { incidentEnds = request + 300 }
            let share = ramp.share(at: request)
            bet.take(chance.tossed(share), chance.tossed(rate(request, incidentEnds)) ? 1 : 0, share)
        }
        return bet.maximumLogEvidence
    }

    private func rate(_ request: Int, _ incidentEnds: Int) -> Double {
        guard self == .incidents else { return 0.03 * (1 + 0.9 * sin(2 * .pi * Double(request) / 5_000)) }
        return request < incidentEnds ? 0.4 : 0.01
    }

    /// Outcomes are fed when they arrive, with the share of the moment they were routed.
    private func late(_ chance: inout Chance) -> Double {
        let ramp = Ramp.thirds([0.05, 0.5, 0.2], of: Self.requests)
        var waiting: [(at: Double, candidate: Bool, bad: Bool, share: Double)] = []
        for request in 0..<Self.requests {
            let share = ramp.share(at: request)
            let (isCandidate, isBad) = (chance.tossed(share), chance.tossed(0.03))
            let isSlow = self == .delayByOutcome ? isBad : isCandidate
            let delay = chance.exponential(mean: isSlow ? 2_000 : 500)
            waiting.append((Double(request) + delay, isCandidate, isBad, share))
        }
        var bet = AllocationBet.standard()
        for each in waiting.sorted(by: { $0.at < $1.at }) where each.at < Double(Self.requests) {
            bet.take(each.candidate, each.bad ? 1 : 0, each.share)
        }
        return bet.maximumLogEvidence
    }

    private func misrouted(_ chance: inout Chance) -> Double {
        var bet = AllocationBet.standard()
        let truth = self == .wrongShareLittle ? 0.12 : 0.15
        for _ in 0..<Self.requests { bet.take(chance.tossed(truth), chance.tossed(0.03) ? 1 : 0, 0.1) }
        return bet.maximumLogEvidence
    }

    /// Each request is of some user, who stays with one version.
    private func sticky(_ chance: inout Chance) -> Double {
        let each = self == .sticky200 ? 200 : 20
        var users: [(candidate: Bool, bad: Bool, seen: Bool)] = (0..<Self.requests / each).map { _ in
            (chance.tossed(0.1), chance.tossed(0.1), false)
        }
        var bet = AllocationBet.standard()
        for _ in 0..<Self.requests {
            let user = chance.index(below: users.count)
            let isBad = chance.tossed(users[user].bad ? 0.5 : 0.01)
            if self == .stickyFirst, users[user].seen { continue }
            users[user].seen = true
            bet.take(users[user].candidate, isBad ? 1 : 0, 0.1)
        }
        return bet.maximumLogEvidence
    }
}

func printSituations(_ settings: Settings) async {
    let runs = settings.scaled(2_000)
    let table = MarkdownTable(
        "4.4 False rollback where nothing differs, 20,000 requests (\(runs) runs a case)",
        ["situation", "at α = 5% (published)", "at α = 1%"]
    )
    for situation in Situation.allCases {
        let largest = await settings.simulate(runs, 500 + situation.rawValue, situation.largest)
        table.row(
            situation.name,
            "\(falseRate(largest, alpha: 0.05)) (\(situation.published))",
            falseRate(largest, alpha: 0.01)
        )
    }
}

/// Eight metrics of one release, of which some are worse: 7 % against 5 %.
private func releaseOfEight(_ worse: Int, _ horizon: Int, _ chance: inout Chance) -> (Int?, Int?, [Double]) {
    var bets = (0..<8).map { _ in AllocationBet.standard() }
    var (found, bonferroni): (Int?, Int?) = (nil, nil)
    var largest = [-Double.infinity, -.infinity]
    let threshold = -log(0.05)
    for request in 1...horizon {
        let isCandidate = chance.tossed(0.5)
        for index in bets.indices {
            let rate = isCandidate && index < worse ? 0.07 : 0.05
            bets[index].take(isCandidate, chance.tossed(rate) ? 1 : 0, 0.5)
        }
        let evidence = Combination.logWeightedSum(bets.map { (0.125, $0.logEvidence) })
        let most = (bets.map(\.logEvidence).max() ?? 0) - log(8)
        largest = [max(largest[0], evidence), max(largest[1], most)]
        if found == nil, evidence >= threshold { found = request }
        if bonferroni == nil, most >= threshold { bonferroni = request }
        if worse > 0, found != nil, bonferroni != nil { break }
    }
    return (found, bonferroni, largest)
}

func printEight(_ settings: Settings) async {
    let (runs, nullRuns) = (settings.scaled(300), settings.scaled(1_000))
    let table = MarkdownTable(
        "4.4 Eight metrics at once, 5% errors, w 0.5, α = 5% (\(runs) runs; \(nullRuns) without change)",
        ["case", "release E = mean of eight (published)", "Bonferroni (published)"]
    )
    let nulls = await settings.simulate(nullRuns, 550) { releaseOfEight(0, 20_000, &$0).2 }
    table.row(
        "all equal, 20,000 requests: false rollback at 5%",
        "\(falseRate(nulls.map { $0[0] }, alpha: 0.05)) (3.0%)",
        "\(falseRate(nulls.map { $0[1] }, alpha: 0.05)) (2.7%)"
    )
    table.row(
        "the same at 1%",
        falseRate(nulls.map { $0[0] }, alpha: 0.01),
        falseRate(nulls.map { $0[1] }, alpha: 0.01)
    )
    for (worse, published) in [(1, ("6282", "6284")), (3, ("3596", "3728"))] {
        let results = await settings.simulate(runs, 551 + worse) { chance in
            let (found, bonferroni, _) = releaseOfEight(worse, 60_000, &chance)
            return [found, bonferroni]
        }
        table.row(
            "\(worse) of 8 at 7% against 5%: requests, mean / median",
            "\(Times(results.map { $0[0] }, horizon: 60_000).text) (\(published.0))",
            "\(Times(results.map { $0[1] }, horizon: 60_000).text) (\(published.1))"
        )
    }
}
