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

    private static let callers = 6
    private static let pause = Duration.milliseconds(12)

    private let data: DemoData
    private let infer: URL
    private let labels: URL
    private let transport = Transport(withoutProxy: "*")
    private let seen = Mutex(Seen())
    private let isOver = Mutex(false)

    /// Returns nil when `inference` (`127.0.0.1:8000`, where the gateway listens) makes no URL.
    init?(data: DemoData, inference: String) {
        guard let infer = URL(string: "http://\(inference)/v2/models/breast-cancer/infer"),
            let labels = URL(string: "http://\(inference)/v1/labels")
        else { return nil }
        self.data = data
        self.infer = infer
        self.labels = labels
    }

    var soFar: Seen { seen.withLock { $0 } }

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
        var batch: [[String: Any]] = []
        var number = 0
        while !isOver.withLock({ $0 }) {
            let row = (number * Self.callers + caller * 97) % data.rows.count
            number += 1
            let id = "demo-\(caller)-\(number)"
            if await ask(row, id: id) {
                batch.append(["id": id, "model": "breast-cancer", "value": data.labels[row]])
            }
            if batch.count == 20 {
                await send(batch)
                batch = []
            }
            try? await clock.sleep(for: Self.pause)
        }
    }

    /// Whether an answer came.
    private func ask(_ row: Int, id: String) async -> Bool {
        let input: [String: Any] = [
            "name": "input", "shape": [1, data.rows[row].count], "datatype": "FP32", "data": data.rows[row],
        ]
        var call = post(to: infer)
        call.headers["Belay-Request-Id"] = id
        do {
            call.body = .bytes(try JSONSerialization.data(withJSONObject: ["inputs": [input]]))
            let answer = try await transport.send(call)
            guard answer.status == 200, let version = answer.headers["belay-version"].flatMap({ Int($0) }),
                try JSONDecoder().decode(Reply.self, from: answer.body).outputs.contains(where: \.isLabel)
            else {
                fail("status \(answer.status): \(String(decoding: answer.body, as: UTF8.self))")
                return false
            }
            let fell = answer.headers["belay-fallback"] != nil
            seen.withLock { seen in
                seen.answers[version, default: 0] += 1
                if fell { seen.fallbacks += 1 }
            }
            return true
        } catch {
            fail("\(error)")
            return false
        }
    }

    private func fail(_ what: String) {
        seen.withLock { seen in
            seen.failures += 1
            seen.firstFailure = seen.firstFailure ?? what
        }
    }

    private func send(_ batch: [[String: Any]]) async {
        guard let body = try? JSONSerialization.data(withJSONObject: batch) else { return }
        var call = post(to: labels)
        call.body = .bytes(body)
        _ = try? await transport.send(call)
    }

    private func post(to url: URL) -> HTTPCall {
        HTTPCall(method: "POST", url: url, headers: ["Content-Type": "application/json"])
    }
}
