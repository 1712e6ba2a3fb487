import BelayCore
import Crypto
import Foundation

/// What follows from notices: deliveries, and what is wrong from now on.
struct Plan: Sendable {
    private(set) var deliveries: [Delivery] = []
    /// What is wrong after all of them.
    private(set) var open: [OpenCondition]
    /// Every matter that was ended on the way.
    private(set) var ended: [OpenCondition] = []

    init(open: [OpenCondition]) { self.open = open }

    /// Tells `notice` to each target that wants it, and to each that was told of something which it ends.
    ///
    /// Only services that keep account (PagerDuty, Alertmanager) are told of ends: to people they are notices
    /// like all others.
    mutating func tell(_ notice: Notice, to targets: [NotifyTarget], now: Timestamp) {
        let over = open.filter { condition in
            notice.effect.clears.contains {
                $0.clears(condition.name, topic: condition.topic, at: notice.endpoint)
            }
        }
        open.removeAll { condition in over.contains(condition) }
        ended += over
        for target in targets where target.wants(notice.kind) {
            guard let name = notice.effect.raises, target.via.keepsAccount else {
                add(notice, target, .note, notice.topic, now)
                continue
            }
            let key = target.key
            open.removeAll { $0.target.key == key && $0.topic == notice.topic && $0.name == name }
            open.append(
                OpenCondition(target: target, topic: notice.topic, name: name, notice: notice, toldAt: now)
            )
            add(notice, target, .raise, notice.topic, now)
        }
        clear(over, by: notice, now)
    }

    private mutating func clear(_ over: [OpenCondition], by notice: Notice, _ now: Timestamp) {
        // PagerDuty keeps one account a topic, Alertmanager one a condition.
        for condition in over where condition.target.via == .alertmanager {
            guard !isOpen(condition, byTopic: false) else { continue }
            add(condition.notice, condition.target, .clear, condition.topic, now, because: notice)
        }
        var told: [OpenCondition] = []
        for condition in over where condition.target.via == .pagerduty {
            let isTold = told.contains { $0.target == condition.target && $0.topic == condition.topic }
            guard !isTold, !isOpen(condition, byTopic: true) else { continue }
            told.append(condition)
            add(condition.notice, condition.target, .clear, condition.topic, now, because: notice)
        }
    }

    private func isOpen(_ condition: OpenCondition, byTopic: Bool) -> Bool {
        let key = condition.target.key
        return open.contains {
            $0.target.key == key && $0.topic == condition.topic && (byTopic || $0.name == condition.name)
        }
    }

    private mutating func add(
        _ notice: Notice,
        _ target: NotifyTarget,
        _ act: Delivery.Act,
        _ topic: String,
        _ now: Timestamp,
        because: Notice? = nil
    ) {
        let source = "\(because?.id ?? notice.id)|\(notice.id)|\(act.rawValue)|\(topic)|\(target.key)"
        deliveries.append(
            Delivery(
                id: "ntc_\(digest(source))",
                notice: notice,
                target: target,
                act: act,
                topic: topic,
                dueAt: now
            )
        )
    }
}

extension NotifyTarget.Way {
    /// Whether the service behind it knows what is wrong, not only what was said.
    var keepsAccount: Bool { self == .pagerduty || self == .alertmanager }
}

extension NotifyTarget {
    /// Stands for the place that is told, whatever it is told and how urgently.
    ///
    /// A digest, since an address may be long; it says nothing of a secret, which is not in here.
    package var key: String {
        let place =
            switch url {
            case nil: "standard"
            case .plain(let url): "url \(url)"
            case .secret(let secret): "url in \(secret.name)"
            }
        return digest("\(via.rawValue)|\(place)|\(secret?.name ?? "")|\(format.rawValue)")
    }
}

extension NotifyTarget.Secret {
    /// Where it is, for people; never what it is.
    package var name: String {
        switch self {
        case .environment(let name): "env:\(name)"
        case .file(let path): "file:\(path)"
        }
    }
}

/// The first 128 bits of SHA-256 in hexadecimal.
func digest(_ text: String) -> String {
    SHA256.hash(data: Data(text.utf8)).prefix(16).map { byte in
        let digits = String(byte, radix: 16)
        return byte < 16 ? "0" + digits : digits
    }.joined()
}
