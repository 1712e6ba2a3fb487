import Foundation
import Testing

extension EndToEnd {
    /// Every way a command can end badly has a number of its own, and says why on standard error alone.
    @Suite("Exit codes", .serialized)
    struct ExitCodes {
        private func expect(
            _ outcome: Outcome,
            _ code: Int32,
            _ text: String,
            at location: SourceLocation = #_sourceLocation
        ) {
            #expect(outcome.code == code, "\(outcome)", sourceLocation: location)
            #expect(outcome.errors.contains(text), "\(outcome)", sourceLocation: location)
            #expect(outcome.output.isEmpty, "\(outcome)", sourceLocation: location)
        }

        @Test func whatGoesWrongHasItsOwnNumber() async throws {
            try await withServer { server in
                try await server.serveFirst("demo")
                expect(try await server.belay("release", "dmo@1"), 5, "Did you mean 'demo'?")
                expect(try await server.belay("release", "demo@9"), 5, "[version.unknown]")
                expect(try await server.belay("why", "r99"), 5, "[release.unknown]")
                expect(try await server.belay("rollback", "demo"), 10, "[rollback.no-target]")
                expect(try await server.belay("release", "demo@1"), 6, "[version.already-serving]")
                expect(try await server.belay("register", "zip", fixture("zipmap.onnx")), 3, "zipmap=False")
                expect(try await server.belay("register", "demo", "/nowhere.onnx"), 1, "/nowhere.onnx")

                expect(try await server.belay("status", "--colour"), 64, "--colour")
                expect(try await server.belay("rolback", "demo"), 64, "Did you mean 'rollback'?")
                expect(try await server.belay("release", "demo"), 64, "demo")

                let nobody = try await server.bed.run(["status", "--server", "http://127.0.0.1:1"])
                expect(nobody, 1, "[server.no-answer]")
            }
        }

        @Test func aBadPolicyIsNamedWithLineAndColumn() async throws {
            try await withServer { server in
                try await server.serveFirst("demo")
                try await server.registerTwos("demo", 1)
                let text = PolicyFile.quick("demo").replacingOccurrences(
                    of: "min_samples",
                    with: "min_smaples"
                )
                let policy = try server.bed.file("belay.yaml", text)
                let released = try await server.belay("release", "demo@2", "--policy", policy)
                expect(released, 65, "belay.yaml:5:30")
                #expect(released.errors.contains("min_samples"), "the nearest key is suggested: \(released)")
                expect(try await server.belay("policy", "check", policy), 65, "belay.yaml:5:30")
                let other = try server.bed.file("other.yaml", PolicyFile.quick("other"))
                expect(try await server.belay("release", "demo@2", "--policy", other), 65, "other")
            }
        }

        @Test func aModelThatCallersCannotUseIsRefusedByAGate() async throws {
            try await withServer { server in
                try await server.serveFirst("demo")
                _ = try await server.belay("register", "demo", fixture("regressor.onnx"))
                for words in [["release", "demo@2"], ["release", "demo@2", "--wait"]] {
                    let outcome = try await server.bed.run(words + ["-o", "json"], server: server.control)
                    #expect(outcome.code == 3 && outcome.errors.contains("signature"), "\(outcome)")
                    #expect(outcome.json["phase"] as? String == "refused")
                }
                #expect(try await server.infer("demo").map(value) == [1])
            }
        }

        @Test func oneReleaseAtATimeAndNoneOfAWithdrawnVersion() async throws {
            try await withServer { server in
                try await server.serveFirst("demo")
                try await server.registerTwos("demo", 2)
                let policy = try server.bed.file("belay.yaml", PolicyFile.lasting("demo"))
                #expect(try await server.belay("release", "demo@2", "--policy", policy).code == 0)
                expect(try await server.belay("release", "demo@3"), 6, "[release.in-progress]")
                #expect(try await server.belay("rollback", "demo").code == 0)
                expect(try await server.belay("release", "demo@2"), 6, "[version.quarantined]")
                expect(
                    try await server.belay("release", "demo@3", "--automatic"),
                    6,
                    "[endpoint.automatic-suspended]"
                )

                let another = try await server.belay("release", "demo@3", "--wait", "--timeout", "1s")
                #expect(another.code == 9 && another.errors.contains("[wait.timed-out]"), "\(another)")
                // The waiting ended, the release did not.
                _ = try await server.awaitPhase("r3", ["canary"])
            }
        }

        @Test func aGuardThatConvictsEndsTheWaitingWithSeven() async throws {
            try await withServer { server in
                try await server.serveFirst("demo")
                try await server.registerTwos("demo", 1)
                let guards = "[{metric: accuracy, max_drop: 2%}]"
                let policy = try server.bed.file("belay.yaml", PolicyFile.quick("demo", guards: guards))
                let waiting = try server.start(
                    "release",
                    "demo@2",
                    "--policy",
                    policy,
                    "--wait",
                    "-o",
                    "json"
                )
                _ = try await eventually("labels convicted the candidate", attempts: 400) {
                    let prefix = UUID().uuidString
                    _ = try await server.infer("demo", times: 25, prefix: prefix)
                    _ = try await server.label("demo", prefix, times: 25, value: 1)
                    return waiting.process.exitCode
                }
                let outcome = try await waiting.outcome()
                #expect(outcome.code == 7, "\(outcome)")
                #expect(outcome.json["cause"] as? String == "guard:accuracy", "\(outcome)")
                #expect(outcome.errors.contains("accuracy"), "the news go to standard error: \(outcome)")
                let status = try await server.belay("status", "demo", "-o", "json")
                let endpoint = (status.json["endpoints"] as? [[String: Any]])?.first ?? [:]
                #expect(endpoint["withdrawn"] as? [Int] == [2] && endpoint["automatic"] as? Bool == false)
            }
        }

        @Test func aGoodCandidateEndsTheWaitingWithNull() async throws {
            try await withServer { server in
                try await server.serveFirst("demo")
                try await server.registerTwos("demo", 1)
                let policy = try server.bed.file("belay.yaml", PolicyFile.quick("demo"))
                let waiting = try server.start("release", "demo@2", "--policy", policy, "--wait")
                _ = try await eventually("traffic promoted the candidate", attempts: 400) {
                    _ = try await server.infer("demo", times: 200)
                    return waiting.process.exitCode
                }
                let outcome = try await waiting.outcome()
                #expect(outcome.code == 0 && outcome.output.contains("demo@2 serves 100%"), "\(outcome)")
            }
        }
    }
}
