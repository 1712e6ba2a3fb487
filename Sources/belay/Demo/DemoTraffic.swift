import Foundation
import Synchronization

/// Real requests over HTTP, as applications send them, and the truth about each answer a moment later.
final class DemoTraffic: Sendable {
    /// What callers have seen so far.
    struct Seen: Sendable {
        var answers: [Int: Int] = [:]
        var failures = 0
        var fallbacks = 0
        var firstFailure: String?
    }

    private struct Reply: Decodable {
        struct Output: Decodable {
            let name: String
            let data: [Double]

            var isLabel: Bool { name == "label" }
        }

        let outputs: [Output]
    }

    /// What callers do beside asking.
    enum Habit {
        /// They send the truth about each answer a moment later.
        case labelling
        /// They do not know the truth, and flag what looks wrong to them.
        case flagging
        /// They send labels as before; but whoever measures the mean radius does so in micrometres now.
        case otherUnit
    }

    private static let callers = 6
    private static let pause = Duration.milliseconds(12)

    private let data: DemoData
    private let infer: URL
    private let labels: URL
    private let feedback: URL
    private let transport = Transport(withoutProxy: "*")
    private let seen = Mutex(Seen())
    private let isOver = Mutex(false)
    private let habit = Mutex(Habit.labelling)

    /// Returns nil when `inference` (`127.0.0.1:8000`, where the gateway listens) makes no URL.
    init?(data: DemoData, inference: String) {
        guard let infer = URL(string: "http://\(inference)/v2/models/breast-cancer/infer"),
            let labels = URL(string: "http://\(inference)/v1/labels"),
            let feedback = URL(string: "http://\(inference)/v1/feedback")
        else { return nil }
        self.data = data
        self.infer = infer
        self.labels = labels
        self.feedback = feedback
    }

    var soFar: Seen { seen.withLock { $0 } }

    func change(to new: Habit) { habit.withLock { $0 = new } }

    /// Ends the traffic after the requests that are on their way.
    ///
    /// Not by cancelling: a request cut off in the middle would count as a failure that no caller met.
    func stop() { isOver.withLock { $0 = true } }

    /// Sends requests until it is stopped; each caller labels its answers in small batches.
    func run(clock: some Clock<Duration>) async {
        await withTaskGroup(of: Void.self) { group in
            for caller in 0..<Self.callers {
                group.addTask { await self.call(as: caller, clock: clock) }
            }
        }
    }

    private func call(as caller: Int, clock: some Clock<Duration>) async {
        var truths: [[String: Any]] = []
        var number = 0
        while !isOver.withLock({ $0 }) {
            let row = (number * Self.callers + caller * 97) % data.rows.count
            number += 1
            let id = "demo-\(caller)-\(number)"
            let habit = habit.withLock { $0 }
            if let answer = await ask(row, id: id, in: habit) {
                let truth = data.labels[row]
                if habit != .flagging {
                    truths.append(["id": id, "model": "breast-cancer", "value": truth])
                } else if answer != truth {
                    // Few people say that they are content.
                    await send([["id": id, "model": "breast-cancer", "value": false]], to: feedback)
                }
            }
            if truths.count == 20 || habit == .flagging, !truths.isEmpty {
                await send(truths, to: labels)
                truths = []
            }
            try? await clock.sleep(for: Self.pause)
        }
    }

    /// The label that was answered; nil when no answer came.
    private func ask(_ row: Int, id: String, in habit: Habit) async -> Int? {
        var values = data.rows[row]
        if habit == .otherUnit { values[0] *= 1000 }
        let input: [String: Any] = [
            "name": "input", "shape": [1, values.count], "datatype": "FP32", "data": values,
        ]
        var call = post(to: infer)
        call.headers["Belay-Request-Id"] = id
        do {
            call.body = .bytes(try JSONSerialization.data(withJSONObject: ["inputs": [input]]))
            let reply = try await transport.send(call)
            guard reply.status == 200, let version = reply.headers["belay-version"].flatMap({ Int($0) }),
                let label = try JSONDecoder().decode(Reply.self, from: reply.body).outputs
                    .first(where: \.isLabel),
                let answer = label.data.first.flatMap({ Int(exactly: $0) })
            else {
                fail("status \(reply.status): \(String(decoding: reply.body, as: UTF8.self))")
                return nil
            }
            let fell = reply.headers["belay-fallback"] != nil
            seen.withLock { seen in
                seen.answers[version, default: 0] += 1
                if fell { seen.fallbacks += 1 }
            }
            return answer
        } catch {
            fail("\(error)")
            return nil
        }
    }

    private func fail(_ what: String) {
        seen.withLock { seen in
            seen.failures += 1
            seen.firstFailure = seen.firstFailure ?? what
        }
    }

    private func send(_ batch: [[String: Any]], to place: URL) async {
        guard let body = try? JSONSerialization.data(withJSONObject: batch) else { return }
        var call = post(to: place)
        call.body = .bytes(body)
        _ = try? await transport.send(call)
    }

    private func post(to url: URL) -> HTTPCall {
        HTTPCall(method: "POST", url: url, headers: ["Content-Type": "application/json"])
    }
}
