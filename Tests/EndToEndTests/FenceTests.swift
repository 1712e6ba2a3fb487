import Foundation
import Testing

extension EndToEnd {
    @Suite("The fence", .serialized)
    struct Fence {
        private static let clients = 16
        private static let rollbacks = 26

        /// A version whose rollback was acknowledged, and when the receipt had been read.
        private struct Receipt {
            let withdrawn: Int
            let readAt: UInt64
        }

        @Test func noRequestSentAfterTheReceiptIsAnsweredByTheWithdrawnVersion() async throws {
            try await withServer { server in
                try await server.serveFirst("demo")
                try await server.registerTwos("demo", Fence.rollbacks)
                let load = Load(on: server, model: "demo", clients: Fence.clients)
                var receipts: [Receipt] = []
                for version in 2..<(2 + Fence.rollbacks) {
                    receipts.append(try await releaseAndTakeBack(version, on: server, under: load))
                }
                let last = load.count
                _ = try await eventually("traffic went on after the last receipt") {
                    load.count > last + 20 * Fence.clients ? true : nil
                }
                check(try await load.stop(), against: receipts)
                let verified = try await server.belay("audit", "verify", "--data", server.bed.data)
                #expect(verified.code == 0, "\(verified)")
            }
        }

        /// Every other version is taken back during its release, the rest after their promotion.
        private func releaseAndTakeBack(_ version: Int, on server: Server, under load: Load) async throws
            -> Receipt
        {
            let isPromoted = version.isMultiple(of: 2)
            let rollout =
                isPromoted
                ? #"{"use": "instant"}"# : #"{"steps": [{"canary": "50%", "for": "1h", "min_samples": 20}]}"#
            let policy = #"{"belay": 1, "model": "demo", "rollout": \#(rollout)}"#
            let body = #"{"version": \#(version), "policy": \#(policy)}"#
            let started = try await server.ask("POST", "/v1/endpoints/demo/releases", body)
            let id = try #require(started.json["id"] as? String, "\(started.text)")
            _ = try await server.awaitPhase(id, [isPromoted ? "settled" : "canary"])
            _ = try await eventually("version \(version) answered") {
                load.answers(of: version) > Fence.clients ? true : nil
            }
            let control = server.control
            let (answer, readAt) = try await onOwnThread {
                let connection = try HTTPConnection(to: control)
                defer { connection.close() }
                let answer = try connection.exchange("POST", "/v1/endpoints/demo/rollback", Data("{}".utf8))
                return (answer, moment())
            }
            #expect(answer.json["fence"] as? String == "complete", "\(answer.text)")
            #expect(
                answer.json["from"] as? Int == version && answer.json["to"] as? Int == 1,
                "\(answer.text)"
            )
            return Receipt(withdrawn: version, readAt: readAt)
        }

        private func check(_ asked: [Load.Asked], against receipts: [Receipt]) {
            let readAt = Dictionary(uniqueKeysWithValues: receipts.map { ($0.withdrawn, $0.readAt) })
            var failed = 0
            var late = 0
            var strange = 0
            for request in asked {
                guard let reply = try? request.outcome.get(), reply.status == 200, let version = reply.version
                else {
                    failed += 1
                    continue
                }
                // Version 1 answers 1, every other version answers 2.
                if reply.value != (version == 1 ? 1 : 2) { strange += 1 }
                if let readAt = readAt[version], request.sentAt > readAt { late += 1 }
            }
            #expect(failed == 0, "of \(asked.count) requests")
            #expect(late == 0, "of \(asked.count) requests")
            #expect(strange == 0, "of \(asked.count) requests")
        }
    }
}
