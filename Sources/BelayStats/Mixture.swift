/// The capital of five bettors who watch the same outcomes and differ only in boldness.
///
/// Nobody knows the size of a regression in advance, and the best stake depends on it. Five stakes, each
/// twice the one before, lose at most about a tenth of the growth between two of them, and averaging the five
/// capitals costs at most log 5 nats. The average of nonnegative supermartingales is one too, so it keeps
/// their guarantee: P(average ever ≥ 1/alpha) ≤ alpha (Ville).
///
/// **Drip.** A bettor who holds the whole capital from the start loses it slowly while the candidate is
/// healthy, and must win it back when the candidate degrades later. With the drip he starts with 0.8 and
/// receives the remaining 0.2 over time, `γ_t = 0.2 c / ((t + c)(t + c + 1))` before observation t, c =
/// 2,000. Capital in play plus capital still to come is a supermartingale started at 1; only the former is
/// reported.
struct Mixture: Equatable, Sendable {
    /// Stakes in standard deviations of one outcome, from timid to bold.
    static var boldness: PerBettor { PerBettor(1.0 / 32, 1.0 / 16, 1.0 / 8, 1.0 / 4, 1.0 / 2) }
    /// The largest part of the capital that one outcome may take: every factor is at least 0.1.
    static var largestLoss: Double { 0.9 }

    private static var dripped: Double { 0.2 }
    private static var dripPace: Double { 2_000 }

    let drip: Bool
    private(set) var observations: Int
    private(set) var maximumLogEvidence: Double
    private var logCapital: PerBettor

    init(drip: Bool) {
        let start = Self.logStart(drip: drip)
        self.drip = drip
        observations = 0
        maximumLogEvidence = start
        logCapital = PerBettor(repeating: start)
    }

    /// The logarithm of the capital in play before the first outcome.
    static func logStart(drip: Bool) -> Double { drip ? logarithm(1 - dripped) : 0 }

    var logEvidence: Double { logCapital.logarithmOfMean }

    /// Multiplies each bettor's capital by what one tick's outcomes made of it.
    ///
    /// All capital that drips during the tick is committed at its start, before any factor. Capital committed
    /// before the outcomes is a predictable bet, and it lets a tick be settled from counts, in which the
    /// order of the outcomes is gone. It asks one thing of the caller: the size of a tick may depend on time,
    /// load and outcomes shared by both arms, but not on which requests were sent to the candidate.
    ///
    /// - Parameters:
    ///   - count: Observations in the tick.
    ///   - growth: For each bettor the sum of the logarithms of the tick's factors.
    mutating func settle(count: Int, growth: PerBettor) {
        let before = observations
        observations = before.addingSaturated(max(count, 0))
        let fresh = drip ? logarithm(Self.capitalDripped(from: before, to: observations)) : -.infinity
        for index in PerBettor.indices {
            logCapital[index] = logarithmOfSum(logCapital[index], fresh) + growth[index]
        }
        maximumLogEvidence = max(maximumLogEvidence, logEvidence)
    }

    /// Each bettor's boldness over the deviation of one outcome, held at a limit.
    static func stakes(deviation: Double, limit: Double) -> PerBettor {
        var stakes = boldness
        for index in PerBettor.indices { stakes[index] = min(stakes[index] / deviation, limit) }
        return stakes
    }

    /// The sum of `γ_t` for t in `start ..< end`.
    ///
    /// It telescopes to `0.2 c (1/(start + c) − 1/(end + c))`, written here without the cancellation.
    static func capitalDripped(from start: Int, to end: Int) -> Double {
        let (first, last) = (Double(start) + dripPace, Double(end) + dripPace)
        return dripped * (dripPace / first) * ((Double(end) - Double(start)) / last)
    }
}

extension Mixture: Codable {
    private enum CodingKeys: String, CodingKey {
        case drip, observations, maximumLogEvidence, logCapital
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        drip = try values.decode(Bool.self, forKey: .drip)
        observations = try values.decode(Int.self, forKey: .observations)
        maximumLogEvidence = try values.decode(Double.self, forKey: .maximumLogEvidence)
        let capital = try values.decode([Double].self, forKey: .logCapital)
        guard observations >= 0, maximumLogEvidence.isFinite, capital.allSatisfy(\.isFinite),
            let capital = PerBettor(capital)
        else { throw DecodingError.invalid("not the capital of a running bet", from: decoder) }
        logCapital = capital
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(drip, forKey: .drip)
        try values.encode(observations, forKey: .observations)
        try values.encode(maximumLogEvidence, forKey: .maximumLogEvidence)
        try values.encode(logCapital.numbers, forKey: .logCapital)
    }
}
