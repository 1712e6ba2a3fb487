import Foundation
import Glibc
import Testing

extension EndToEnd {
    @Suite("Kill -9", .serialized)
    struct Kills {
        private enum Act: CaseIterable {
            case release, promote, rollback, labels
        }

        /// When the server dies: after so many round trips on another connection since the act was sent.
        ///
        /// Counted in answers instead of in time, so that a seed means the same on a slow machine.
        private struct Moment {
            let act: Act
            let roundTrips: Int
        }

        private static let seed: UInt64 = 20_261_123
        private static let moments = 12

        /// A release takes its gates' time, the other acts a few round trips.
        private static func moments(seed: UInt64) -> [Moment] {
            var state = seed
            return (0..<moments).map { index in
                // Knuth's constants for a linear congruence; only the upper bits are any good.
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let act = Act.allCases[index % Act.allCases.count]
                let most: UInt64 = act == .release ? 60 : 8
                return Moment(act: act, roundTrips: Int((state >> 33) % most))
            }
        }

        @Test func theStoryGoesOnWhereverTheServerWasKilled() async throws {
            try await withTestBed { bed in
                var server = try await bed.serve()
                try await server.serveFirst("demo")
                try await server.registerTwos("demo", Kills.moments)
                for (index, moment) in Kills.moments(seed: Kills.seed).enumerated() {
                    let comment = "seed \(Kills.seed), moment \(index): \(moment)"
                    server = try await survive(
                        moment,
                        version: index + 2,
                        on: server,
                        Comment(rawValue: comment)
                    )
                }
                #expect(try await server.stop(SIGTERM) == 0)
                let verified = try await bed.run(["audit", "verify", "--data", bed.data])
                #expect(verified.code == 0, "\(verified)")
            }
        }

        /// Lets the server die during an act on `version`, and returns its successor, which serves version 1.
        private func survive(
            _ moment: Moment,
            version: Int,
            on server: Server,
            _ comment: Comment
        ) async throws -> Server {
            let prefix = "kill-\(version)"
            let releaseBody = #"{"version": \#(version), "policy": \#(Kills.policy)}"#
            let releasing = ("/v1/endpoints/demo/releases", releaseBody)
            var id: String?
            if moment.act != .release {
                let started = try await server.ask("POST", releasing.0, releaseBody)
                id = try #require(started.json["id"] as? String, comment)
                _ = try await server.awaitPhase(id ?? "", ["canary"])
            }
            let (path, body) =
                switch moment.act {
                case .release: releasing
                case .promote: ("/v1/releases/\(id ?? "")/promote", "{}")
                case .rollback: ("/v1/endpoints/demo/rollback", "{}")
                case .labels: ("/v1/labels", labels("demo", prefix, times: 10, value: 2))
                }
            if moment.act == .labels { _ = try await server.infer("demo", times: 10, prefix: prefix) }
            let acknowledged = try await kill(server, during: (path, body), after: moment.roundTrips)
            #expect(acknowledged.map { $0.status < 300 } ?? true, comment)

            let verified = try await server.bed.run(["audit", "verify", "--data", server.bed.data])
            #expect(verified.code == 0, "\(comment): \(verified)")
            let next = try await server.bed.serve()
            switch moment.act {
            case .release: id = acknowledged?.json["id"] as? String
            case .promote where acknowledged != nil:
                #expect(try await phase(id, on: next) == "settled", comment)
            case .rollback where acknowledged != nil:
                #expect(try await phase(id, on: next) == "rolled_back", comment)
            case .labels:
                let counted = acknowledged?.json["counted"] as? Int ?? 0
                let again = try await next.ask("POST", "/v1/labels", body).json["counted"] as? Int ?? 0
                #expect(counted + again <= 10, "a label counts once; \(comment)")
            default: break
            }
            try await bringToAnEnd(id, version: version, on: next, releasing, comment)
            return next
        }

        /// Sends the act, kills the server after so many round trips, and returns the answer if it had come.
        private func kill(
            _ server: Server,
            during act: (path: String, body: String),
            after roundTrips: Int
        ) async throws -> HTTPAnswer? {
            let answer = try await onOwnThread {
                let acting = try HTTPConnection(to: server.control)
                let counting = try HTTPConnection(to: server.control)
                defer {
                    acting.close()
                    counting.close()
                }
                try acting.send("POST", act.path, Data(act.body.utf8))
                for _ in 0..<roundTrips { _ = try counting.exchange("GET", "/v1/status", Data()) }
                server.process.signal(SIGKILL)
                return try? acting.receive()
            }
            let code = try await server.process.end()
            #expect(code == -SIGKILL)
            return answer
        }

        /// The release goes on until it ends, a rollback works, and what was withdrawn stays so.
        private func bringToAnEnd(
            _ id: String?,
            version: Int,
            on server: Server,
            _ releasing: (path: String, body: String),
            _ comment: Comment
        ) async throws {
            var id = id
            if id == nil {
                // Nobody was told whether it began: either it did, or it can begin now.
                let endpoint = try await server.ask("GET", "/v1/endpoints/demo").json
                id = (endpoint["release"] as? [String: Any])?["id"] as? String
                if id == nil {
                    id = try await server.ask("POST", releasing.path, releasing.body).json["id"] as? String
                }
            }
            let release = try #require(id, comment)
            let ends: Set = ["settled", "rolled_back"]
            let ended = try await eventually("\(release) ended; \(comment)", attempts: 400) {
                for answer in try await server.infer("demo", times: 50) {
                    #expect(answer.status == 200, comment)
                }
                let phase = try await phase(release, on: server)
                return ends.contains(phase) ? phase : nil
            }
            if ended == "settled" {
                #expect(try await server.infer("demo").map(value) == [2], comment)
                let back = try await server.ask("POST", "/v1/endpoints/demo/rollback", "{}")
                #expect(back.json["from"] as? Int == version && back.json["to"] as? Int == 1, comment)
                #expect(back.json["fence"] as? String == "complete", "\(back.text); \(comment)")
            }
            let endpoint = try await server.ask("GET", "/v1/endpoints/demo").json
            #expect((endpoint["serving"] as? [String: Any])?["version"] as? Int == 1, comment)
            #expect((endpoint["withdrawn"] as? [Int])?.contains(version) == true, comment)
            #expect(try await server.infer("demo", times: 20).allSatisfy { value($0) == 1 }, comment)
        }

        private func phase(_ release: String?, on server: Server) async throws -> String {
            let view = try await server.ask("GET", "/v1/releases/\(release ?? "")")
            return view.json["phase"] as? String ?? view.text
        }

        private static let policy = """
            {"belay": 1, "model": "demo", \
            "rollout": {"steps": [{"canary": "50%", "for": "0s", "min_samples": 20}]}, \
            "guards": [{"metric": "error_rate", "max_rise": "5%"}]}
            """
    }
}
