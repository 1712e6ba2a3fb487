package import BelayCore

/// One notice on its way to one target, and what has become of it.
package struct Delivery: Equatable, Sendable {
    /// What is asked of a service that keeps account of what is wrong.
    package enum Act: String, Codable, Sendable {
        /// It happened; nothing stays wrong.
        case note
        /// It is wrong from now on.
        case raise
        /// Nothing is wrong any more under the topic.
        case clear
    }

    package enum State: String, Codable, CaseIterable, Sendable {
        /// It is tried, or tried again, when it is due.
        case waiting
        case delivered
        /// It was tried as often as the schedule says.
        case failed
        /// It was not tried: the target said that it is gone, or too many were waiting.
        case dropped
    }

    /// The same for every try, so that a receiver can tell a second try from a second notice; 32 hexadecimal
    /// digits behind `ntc_`.
    package let id: String
    package let notice: Notice
    /// As the policy named it when the notice was made.
    package var target: NotifyTarget
    package let act: Act
    /// What it is about; of a notice that ends several matters, one of them.
    package let topic: String
    package var state: State
    package var tries: Int
    package var dueAt: Timestamp
    package var endedAt: Timestamp?
    /// What the newest try came to: the other server's status, or why there was none.
    package var status: Int?
    package var error: String?

    package init(
        id: String,
        notice: Notice,
        target: NotifyTarget,
        act: Act,
        topic: String,
        state: State = .waiting,
        tries: Int = 0,
        dueAt: Timestamp,
        endedAt: Timestamp? = nil,
        status: Int? = nil,
        error: String? = nil
    ) {
        self.id = id
        self.notice = notice
        self.target = target
        self.act = act
        self.topic = topic
        self.state = state
        self.tries = tries
        self.dueAt = dueAt
        self.endedAt = endedAt
        self.status = status
        self.error = error
    }
}

/// Something that is wrong, as one target has been told.
package struct OpenCondition: Equatable, Sendable {
    package let target: NotifyTarget
    package let topic: String
    package let name: String
    /// The notice that raised it.
    package let notice: Notice
    /// When the target was last told that it is still so.
    package let toldAt: Timestamp

    package init(target: NotifyTarget, topic: String, name: String, notice: Notice, toldAt: Timestamp) {
        self.target = target
        self.topic = topic
        self.name = name
        self.notice = notice
        self.toldAt = toldAt
    }
}

/// When what could not be delivered is tried again.
///
/// The schedule of Standard Webhooks: at once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and
/// 24 h, each up to a tenth longer, so that targets that came back are not met by everything at once.
package enum RetrySchedule {
    private static let waits: [Duration] = [
        .seconds(5), .seconds(300), .seconds(1800), .seconds(7200), .seconds(18_000), .seconds(36_000),
        .seconds(50_400), .seconds(72_000), .seconds(86_400),
    ]

    package static let mostTries = waits.count + 1

    /// How long to wait after so many tries; nil when there have been enough.
    ///
    /// The jitter is a function of `seed` and `tries`: the same delivery waits equally long on every run.
    package static func wait(afterTries tries: Int, seed: UInt64) -> Duration? {
        guard waits.indices.contains(tries - 1) else { return nil }
        var bits = seed &+ UInt64(tries) &* 0x9e37_79b9_7f4a_7c15
        bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        bits ^= bits >> 31
        let wait = waits[tries - 1]
        return wait + .milliseconds(wait.wholeMilliseconds / 10 * Int64(bits >> 44) / (1 << 20))
    }
}
