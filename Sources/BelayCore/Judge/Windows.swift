/// How many answers an arm gave within the last minutes, in sixty slots.
struct AnswersWindow: Equatable {
    static let standardMilliseconds: Int64 = 60_000
    private static let slots: Int64 = 60

    private struct Slot: Equatable {
        let number: Int64
        var answers = 0.0
    }

    private let slotMilliseconds: Int64
    private var slots: [Slot] = []
    private var first: Timestamp?
    private(set) var last: Timestamp?

    init(milliseconds: Int64?) {
        slotMilliseconds = max((milliseconds ?? Self.standardMilliseconds) / Self.slots, 1)
    }

    private var length: Int64 { slotMilliseconds * Self.slots }

    /// Takes in answers of the candidate, each weighted by what it would have got of all requests.
    mutating func settle(_ answers: [Outcome], at time: Timestamp) {
        first = first ?? time
        let number = time.milliseconds / slotMilliseconds
        var weight = 0.0
        for outcome in answers where outcome.candidate && outcome.code == 0 && outcome.isTossed {
            weight += Double(outcome.count) / outcome.share.fraction
            last = time
        }
        if let newest = slots.last, newest.number >= number {
            slots[slots.count - 1].answers += weight
        } else {
            slots.append(Slot(number: number, answers: weight))
        }
        slots.removeAll { $0.number <= number - Self.slots }
    }

    /// Answers per second that the arm would give with all requests; nil before the window is full.
    func rate(at now: Timestamp) -> Double? {
        guard let first, now.since(first) >= .milliseconds(length) else { return nil }
        let newest = now.milliseconds / slotMilliseconds
        let sum = slots.filter { $0.number > newest - Self.slots }.reduce(0) { $0 + $1.answers }
        return sum / (Double(length) / 1000)
    }
}

/// What a monitor elsewhere said of each arm within the last minutes.
///
/// There is no bet on it, for nobody knows what the monitor counts: the middle reading of the window is held
/// against the limit, once there are as many as the guard asks for. One absurd reading moves a mean anywhere.
struct QueryWindow: Equatable {
    private static let mostReadings = 1000
    static let fewestReadings = 3
    /// A monitor that has said nothing for so long is not heard any more.
    static let longestSilence = Duration.seconds(60)

    private let milliseconds: Int64
    private var readings: [EvidenceTick.Reading] = []

    init(milliseconds: Int64?) {
        self.milliseconds = max(milliseconds ?? AnswersWindow.standardMilliseconds, 1)
    }

    mutating func settle(_ new: [EvidenceTick.Reading]) {
        readings += new
        readings.removeFirst(max(readings.count - Self.mostReadings, 0))
    }

    struct Middle: Equatable {
        let value: Double
        let count: Int
        let last: Timestamp
    }

    /// What the monitor said instead of the newest number of an arm; nil when it said one.
    func problem(of arm: Arm) -> String? { readings.last { $0.arm == arm }?.problem }

    /// The median; of an even number the one of the two in the middle that is nearer to nought.
    func middle(of arm: Arm, at now: Timestamp) -> Middle? {
        let seen = readings.compactMap { reading -> (Double, Timestamp)? in
            guard reading.arm == arm, let value = reading.value else { return nil }
            let age = now.since(reading.at)
            return age >= .zero && age <= .milliseconds(milliseconds) ? (value, reading.at) : nil
        }
        guard let last = seen.map(\.1).max() else { return nil }
        let values = seen.map(\.0).sorted()
        let (low, high) = (values[(values.count - 1) / 2], values[values.count / 2])
        return Middle(value: abs(low) < abs(high) ? low : high, count: seen.count, last: last)
    }
}
