import Foundation
import Glibc
import Testing

extension EndToEnd {
    @Suite("A changed ledger", .serialized)
    struct Tampering {
        /// In no other place of the database than the reason of one release.
        private static let reason = "because-the-tests-say-so"

        @Test func aChangedByteAnywhereInAnEntryIsNamed() async throws {
            try await withServer { server in
                try await server.serveFirst("demo")
                try await server.registerTwos("demo", 1)
                let released = try await server.belay("release", "demo@2", "-m", Tampering.reason)
                #expect(released.code == 0, "\(released)")
                let sequence = try await sequenceOfTheProposal(server)
                #expect(try await server.stop(SIGTERM) == 0)

                let ledger = try Data(contentsOf: URL(fileURLWithPath: "\(server.bed.data)/belay.sqlite"))
                // SQLite keeps a row's texts side by side: kind, subject and reason, then the body.
                let entry = Data("release.proposedr2\(Tampering.reason)".utf8)
                let place = try #require(ledger.range(of: entry))
                #expect(ledger[place.upperBound...].range(of: entry) == nil, "the row stands once")
                let copy = "\(server.bed.folder)/copy"
                try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
                #expect(try await verify(ledger, in: copy, server.bed).code == 0, "the copy itself is good")

                // A byte of the actor before, each sixth of kind, subject and reason, and some of the body.
                let offsets = Array(stride(from: place.lowerBound - 1, to: place.upperBound + 20, by: 6))
                for offset in offsets {
                    // One flip leaves readable text, the other is no longer UTF-8.
                    for flip: UInt8 in [0x01, 0x80] {
                        var changed = ledger
                        changed[offset] ^= flip
                        let outcome = try await verify(changed, in: copy, server.bed)
                        let problem = outcome.json["problem"] as? [String: Any]
                        let comment: Comment = "offset \(offset - place.lowerBound), flip \(flip): \(outcome)"
                        #expect(outcome.code == 1, comment)
                        #expect(problem?["seq"] as? Int == sequence, comment)
                    }
                }
            }
        }

        @Test func aLedgerCutShortIsNotAGoodOne() async throws {
            try await withServer { server in
                try await server.serveFirst("demo")
                #expect(try await server.stop(SIGTERM) == 0)
                let ledger = try Data(contentsOf: URL(fileURLWithPath: "\(server.bed.data)/belay.sqlite"))
                let copy = "\(server.bed.folder)/copy"
                try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
                for length in [0, 100, ledger.count / 2, ledger.count - 4096] {
                    let outcome = try await verify(ledger.prefix(length), in: copy, server.bed)
                    #expect(outcome.code == 1, "\(length) of \(ledger.count) bytes: \(outcome)")
                }
            }
        }

        private func verify(_ ledger: Data, in folder: String, _ bed: TestBed) async throws -> Outcome {
            try ledger.write(to: URL(fileURLWithPath: "\(folder)/belay.sqlite"))
            return try await bed.run(["audit", "verify", "--data", folder, "-o", "json"])
        }

        private func sequenceOfTheProposal(_ server: Server) async throws -> Int {
            let why = try await server.belay("why", "r2", "-o", "json")
            let story = why.json["story"] as? [[String: Any]] ?? []
            let proposal = story.first { $0["reason"] as? String == Tampering.reason }
            return try #require(proposal?["seq"] as? Int, "\(why)")
        }
    }
}
