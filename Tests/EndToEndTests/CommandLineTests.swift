import Foundation
import Testing

extension EndToEnd {
    /// What scripts rely on: the keys of `-o json`, and results on standard output with nothing beside them.
    @Suite("The command line", .serialized)
    struct CommandLine {
        @Test func theSameBytesAgainAreTheSameVersion() async throws {
            try await withServer { server in
                let first = try await server.belay(
                    "register",
                    "demo",
                    fixture("constant-1.onnx"),
                    "-o",
                    "json"
                )
                #expect(first.code == 0, "\(first)")
                #expect(Set(first.json.keys) == ["model", "version", "digest", "created"])
                #expect(first.json["version"] as? Int == 1 && first.json["created"] as? Bool == true)
                let digest = first.json["digest"] as? String ?? ""
                #expect(digest.hasPrefix("sha256:"))

                let again = try await server.belay(
                    "register",
                    "demo",
                    fixture("constant-1.onnx"),
                    "-o",
                    "json"
                )
                #expect(again.code == 0)
                #expect(again.json["version"] as? Int == 1 && again.json["created"] as? Bool == false)
                #expect(again.json["digest"] as? String == digest)
            }
        }

        @Test func aFolderIsAVersionTooAndServes() async throws {
            try await withServer { server in
                let outcome = try await server.belay(
                    "register",
                    "folder",
                    fixture("external-data"),
                    "--label",
                    "1.5.0",
                    "--metric",
                    "auc=0.94",
                    "--param",
                    "depth=6",
                    "--note",
                    "made by hand",
                    "-o",
                    "json"
                )
                #expect(outcome.code == 0, "\(outcome)")
                let released = try await server.belay("release", "folder@1.5.0", "--wait")
                #expect(released.code == 0, "\(released)")

                let listed = try await server.belay("versions", "folder", "-o", "json")
                let version = (listed.json["versions"] as? [[String: Any]])?.first ?? [:]
                #expect(version["label"] as? String == "1.5.0" && version["state"] as? String == "serving")
                #expect(version["metrics"] as? [String: Double] == ["auc": 0.94])
                #expect(version["params"] as? [String: String] == ["depth": "6"])
                #expect(version["note"] as? String == "made by hand")
            }
        }

        @Test func aReleaseIsPromotedHeldResumedAndTakenBack() async throws {
            try await withServer { server in
                try await server.serveFirst("demo")
                try await server.registerTwos("demo", 1)
                let policy = try server.bed.file("belay.yaml", PolicyFile.lasting("demo"))

                let released = try await server.belay("release", "demo@2", "--policy", policy, "-m", "a try")
                #expect(released.code == 0, "\(released)")
                #expect(released.output.contains("canary 50%"), "without --wait it still awaits the gates")

                let held = try await server.belay("hold", "r2", "-m", "lunch", "-o", "json")
                #expect(held.code == 0, "\(held)")
                #expect((held.json["held"] as? [String: Any])?["why"] as? String == "lunch")
                #expect(try await server.belay("hold", "r2").code == 6, "it is held already")
                #expect(try await server.belay("resume", "r2").code == 0)
                let promoted = try await server.belay("promote", "r2", "-o", "json")
                #expect(promoted.code == 0 && promoted.json["phase"] as? String == "settled", "\(promoted)")
                #expect(try await server.infer("demo").map(value) == [2])

                let back = try await server.belay("rollback", "demo", "-m", "worse", "-o", "json")
                #expect(back.code == 0, "\(back)")
                let receipt: Set = [
                    "model", "from", "to", "cause", "epoch", "acknowledged_in_ms", "replayed", "cut_off",
                    "drained", "fence", "done_at",
                ]
                #expect(Set(back.json.keys) == receipt)
                #expect(back.json["from"] as? Int == 2 && back.json["to"] as? Int == 1)
                #expect(back.json["fence"] as? String == "complete")
                #expect(try await server.infer("demo").map(value) == [1])

                let why = try await server.belay("why", "r2")
                #expect(
                    why.code == 0 && why.output.contains("lunch") && why.output.contains("worse"),
                    "\(why)"
                )
                let releases = try await server.belay("releases", "demo", "-o", "json")
                let phases = (releases.json["releases"] as? [[String: Any]])?.map { $0["phase"] as? String }
                #expect(phases == ["settled", "settled"], "what was promoted stays so: \(releases)")
                let versions = try await server.belay("versions", "demo", "-o", "json")
                let states = (versions.json["versions"] as? [[String: Any]])?.map { $0["state"] as? String }
                #expect(
                    states?.sorted { ($0 ?? "") < ($1 ?? "") } == ["serving", "withdrawn"],
                    "\(versions)"
                )
            }
        }

        @Test func statusSaysWhatServesAndWhatIsTried() async throws {
            try await withServer { server in
                try await server.serveFirst("demo")
                try await server.registerTwos("demo", 1)
                let policy = try server.bed.file("belay.yaml", PolicyFile.lasting("demo"))
                _ = try await server.belay("release", "demo@2", "--policy", policy)
                _ = try await server.infer("demo", times: 60)
                let endpoint: [String: Any] = try await eventually("the guard had numbers", attempts: 200) {
                    let status = try await server.belay("status", "demo", "-o", "json")
                    #expect(status.code == 0)
                    let endpoint = (status.json["endpoints"] as? [[String: Any]])?.first ?? [:]
                    return errorRate(endpoint)["n"] as? Int ?? 0 > 0 ? endpoint : nil
                }
                #expect(
                    Set(endpoint.keys).isSuperset(
                        of: ["model", "serving", "release", "standbys", "withdrawn", "automatic"]
                    )
                )
                let serving = endpoint["serving"] as? [String: Any] ?? [:]
                #expect(Set(serving.keys).isSuperset(of: ["version", "since", "proven"]))
                let release = endpoint["release"] as? [String: Any] ?? [:]
                let parts: Set = ["id", "candidate", "phase", "step", "share", "guards"]
                #expect(Set(release.keys).isSuperset(of: parts))
                let figures: Set = ["name", "verdict", "value", "limit", "n"]
                #expect(Set(errorRate(endpoint).keys).isSuperset(of: figures), "\(endpoint)")
            }
        }

        private func errorRate(_ endpoint: [String: Any]) -> [String: Any] {
            let guards = (endpoint["release"] as? [String: Any])?["guards"] as? [[String: Any]] ?? []
            return guards.first { $0["metric"] as? String == "error_rate" } ?? [:]
        }

        @Test func labelsComeFromAFileOrStandardInput() async throws {
            try await withServer { server in
                try await server.serveFirst("demo")
                _ = try await server.infer("demo", times: 4, prefix: "early")
                let text = labels("demo", "early", times: 2, value: 1)
                let file = try server.bed.file("labels.ndjson", text)
                let first = try await server.belay("label", "demo", file, "-o", "json")
                #expect(first.code == 0 && first.json["accepted"] as? Int == 2, "\(first)")
                let again = try await server.belay("label", "demo", "-", "-o", "json", input: text)
                #expect(again.code == 0 && again.json["repeated"] as? Int == 2, "\(again)")

                let early = labels("demo", "not-yet", times: 1, value: 1)
                let waiting = try await server.belay("label", "demo", "-", "-o", "json", input: early)
                #expect(waiting.code == 0 && waiting.json["waiting"] as? Int == 1, "\(waiting)")
                let hopeless = labels("nobody", "early", times: 1, value: 1)
                let rejected = try await server.belay("label", "demo", "-", input: hopeless)
                #expect(rejected.code == 1 && rejected.errors.contains("label.unknown-model"), "\(rejected)")
            }
        }

        @Test func tablesFeedbackAndCoverage() async throws {
            try await withServer { server in
                try await server.serveFirst("demo")
                _ = try await server.infer("demo", times: 5, prefix: "row")
                let rows = "id,value,note\r\nrow-0,1,\"two\nlines\"\r\nrow-1,2,\r\nrow-9\r\nrow-2,1,\r\n"
                let file = try server.bed.file("labels.csv", rows)
                let sent = try await server.belay("label", "demo", file, "--source", "a & b", "-o", "json")
                #expect(sent.code == 1 && sent.json["counted"] as? Int == 3, "\(sent)")
                #expect(sent.errors.contains("labels.csv:5 ") && sent.errors.contains("label.unreadable"))
                let again = try await server.belay("label", "demo", file, "--source", "a & b", "-o", "json")
                #expect(again.json["repeated"] as? Int == 3, "\(again)")
                let piped = try await server.belay(
                    "label",
                    "demo",
                    "-",
                    "--format",
                    "csv",
                    "--kind",
                    "corrected",
                    "-o",
                    "json",
                    input: "id,value\nrow-1,1"
                )
                #expect(piped.code == 0 && piped.json["joined"] as? Int == 1, "\(piped)")

                let thumb = try await server.belay("feedback", "demo", "row-3", "down", "--note", "odd")
                #expect(thumb.code == 0 && thumb.output.contains("1 accepted, of which 1 count"), "\(thumb)")
                let score = try await server.belay("feedback", "demo", "row-3", "4.5", "-o", "json")
                #expect(score.code == 0 && score.json["counted"] as? Int == 1, "\(score)")
                #expect(try await server.belay("feedback", "nobody", "row-3", "up").code == 1)
                #expect(try await server.belay("feedback", "demo", "row-3", "meh").code == 64)

                let coverage = try await server.belay("label", "--coverage", "demo", "-o", "json")
                let part = (coverage.json["parts"] as? [[String: Any]])?.first ?? [:]
                #expect(coverage.code == 0 && part["labelled"] as? Int == 4, "\(coverage)")
                #expect(part["answers"] as? Int == 5 && part["wrong"] as? Int == 0, "the correction counts")
                let table = try await server.belay("label", "demo", "--coverage")
                #expect(table.code == 0 && table.output.contains("80.0 %"), "\(table)")
                #expect(try await server.belay("label", "demo").code == 64)
            }
        }

        @Test func doctorAndAuditFindNothingWrong() async throws {
            try await withServer { server in
                try await server.serveFirst("demo")
                let doctor = try await server.belay("doctor", "-o", "json")
                let checks = doctor.json["checks"] as? [[String: Any]] ?? []
                let names = Set(checks.compactMap { $0["name"] as? String })
                #expect(
                    doctor.code == 0 && names.isSuperset(of: ["server", "runtime", "ledger"]),
                    "\(doctor)"
                )

                let beside = try await server.belay(
                    "audit",
                    "verify",
                    "--data",
                    server.bed.data,
                    "-o",
                    "json"
                )
                #expect(beside.code == 0 && beside.json["ok"] as? Bool == true, "\(beside)")
                let asked = try await server.belay("audit", "verify", "-o", "json")
                #expect(asked.code == 0 && asked.json["head"] as? String == beside.json["head"] as? String)
            }
        }
    }
}
