import BelayCore
import BelayTesting
import Testing

@testable import BelayStore

@Suite("Chain")
struct ChainTests {
    private let row = StoredEntry(
        sequence: 1,
        at: 1_700_000_000_123,
        actor: "ada",
        kind: "operation.server_started",
        subject: "server",
        reason: nil,
        body: #"{"belay":"0.1.0","process":7}"#,
        previous: .zero,
        hash: .zero
    )

    private func hash(
        at: Int64? = nil,
        actor: String? = nil,
        kind: String? = nil,
        subject: String? = nil,
        reason: String? = nil
    ) -> String {
        StoredEntry(
            sequence: row.sequence,
            at: at ?? row.at,
            actor: actor ?? row.actor,
            kind: kind ?? row.kind,
            subject: subject ?? row.subject,
            reason: reason,
            body: row.body,
            previous: row.previous,
            hash: .zero
        ).demandedHash.hex
    }

    /// Computed with Python's hashlib by the recipe in ``Chain``'s comment, not by this code.
    @Test func theHashIsTheOneThatAnAuditorComputes() {
        #expect(hash() == "e575f0bc372b012aff657610844da6625756a8857af87497a13cf24b38c90dd8")
        #expect(
            hash(reason: "nächste Stufe")
                == "3d8b6cb7036a9258efc0e0cc88420bc8d376cbe0d8147a82dc940b3c7113c8a9"
        )
    }

    @Test func textMovedFromOneColumnToTheNextGivesAnotherHash() {
        let hashes = [
            hash(actor: "ab", kind: "c"), hash(actor: "a", kind: "bc"), hash(kind: "ab", subject: "c"),
            hash(kind: "a", subject: "bc"), hash(), hash(reason: ""), hash(reason: "\u{0}"), hash(at: 0),
            hash(at: -1), hash(subject: "serve"), hash(subject: "server\u{0}"),
        ]
        #expect(Set(hashes).count == hashes.count)
    }

    @Test func aRefusedDraftLeavesTheChainAsItWas() throws {
        var chain = Chain()
        _ = try chain.seal(start(1, at: 5))
        let before = chain
        let event = Event.release(.settled(ReleaseID(1)))
        let draft = EntryDraft(at: Timestamp(milliseconds: 6), actor: .belay, reason: nil, event: event)
        #expect(throws: StoreError.self) { try chain.seal(draft) }
        #expect(chain == before)
    }

    @Test func aNumberThatJSONCannotHoldIsRefused() throws {
        var chain = Chain()
        var world = World()
        try world.perform(.register(Build.version("fraud", bytes: "x", metrics: ["auc": .nan])), at: 1)
        _ = try chain.seal(world.drafts[0])
        let error = #expect(throws: StoreError.self) { try chain.seal(world.drafts[1]) }
        #expect(error?.explanation.code == "ledger.illegal-entry")
    }

    @Test func aTimeBeforeThatOfTheEntryBeforeIsFound() throws {
        var chain = Chain()
        _ = try chain.seal(start(1, at: 5))
        let early = StoredEntry(
            sequence: 2,
            at: 4,
            actor: "belay",
            kind: row.kind,
            subject: "server",
            reason: nil,
            body: row.body,
            previous: chain.head.hash,
            hash: .zero
        ).sealed
        #expect(throws: LedgerProblem(sequence: 2, what: .outOfTime)) { try chain.take(early) }
    }

    @Test func everyErrorHasItsOwnCodeAndSaysWhatToDo() {
        let errors: [StoreError] = [
            .headMoved(expected: .genesis, found: .genesis),
            .illegalEntry(sequence: 1, kind: .held, reason: "r"),
            .entryTooLarge(kind: .held, size: 2, limit: 1),
            .broken(LedgerProblem(sequence: 1, what: .altered)),
            .newerSchema(path: "p", found: 2, known: 1), .storageFull(path: "p"), .busy(path: "p", holder: 7),
            .unavailable(path: "p", reason: "r"),
        ]
        let codes = errors.map(\.explanation.code)
        #expect(Set(codes).count == errors.count)
        #expect(codes.allSatisfy { $0.hasPrefix("ledger.") })
        #expect(
            errors.allSatisfy {
                $0.explanation.summary.hasSuffix(".") && $0.explanation.remedy.hasSuffix(".")
            }
        )
    }
}
