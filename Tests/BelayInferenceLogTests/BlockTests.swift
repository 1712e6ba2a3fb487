import BelayCore
import Testing

@testable import BelayInferenceLog

@Suite("Blocks of answers")
struct BlockTests {
    private let fixture: Fixture

    init() throws { fixture = try Fixture() }

    /// From the reference implementation, `xxhash.xxh64(text, seed)`.
    @Test(
        arguments: [
            ("", 0, 0xef46_db37_51d8_e999), ("a", 0, 0xd24e_c4f1_a98c_6e5b),
            ("abc", 0, 0x44bc_2cf5_ad77_0999),
            ("0123456789abcdef0123456789abcdef0123456", 7, 0x08f7_3129_2261_ed46),
        ] as [(String, UInt64, UInt64)]
    )
    func theHashIsTheOneThatIsPublished(text: String, seed: UInt64, expected: UInt64) {
        #expect(XXH64.hash(Array(text.utf8), seed: seed) == expected)
    }

    private func records() -> [AnswerRecord] {
        [
            fixture.answer("plain"),
            fixture.answer("é", kind: .shadow, release: 7, arm: .candidate, unit: .max, request: []),
            AnswerRecord(
                id: String(repeating: "i", count: 128),
                at: Timestamp(milliseconds: -1),
                model: fixture.fraud,
                version: fixture.two,
                release: ReleaseID(1_000_000_000),
                arm: .pinned,
                share: .all,
                epoch: Epoch(.max),
                trace: "4bf92f3577b34da6a3ce929d0e0e4736",
                unit: nil,
                subject: UnitHash(0),
                latencyMicroseconds: .max,
                status: 599,
                code: "",
                fallback: "candidate=timeout",
                request: [UInt8](repeating: 9, count: 1000),
                requestLength: 70_000,
                requestHeaderLength: 12,
                response: [1],
                responseHeaderLength: 0,
                isErased: true
            ),
        ]
    }

    private func block(at position: Int) -> Block {
        var builder = BlockBuilder(model: fixture.fraud, capacity: 3, bytes: 100)
        for record in records() { builder.append(record, bodyBytes: 2000) }
        var block = builder.finish()
        block.seal(at: position)
        return block
    }

    @Test func whatGoesIntoABlockComesOut() throws {
        let block = block(at: 40)
        let reader = try BlockReader(position: 40, count: 3, model: fixture.fraud, keys: block.keys)
        #expect(try reader.answers(block.answers).map(\.record) == records())
        #expect(try reader.answers(block.answers) { $0 == 1 }.map(\.index) == [1])
        #expect((block.firstAt, block.lastAt) == (Timestamp(milliseconds: -1), fixture.start))
        let seven = ReleasePart(release: ReleaseID(7), version: fixture.two, arm: .candidate)
        #expect(block.releases[seven] == 0, "a shadow's answer is there and nobody was given it")
        #expect(block.releases.filter { $0.key.release != .none }.values.reduce(0, +) == 1)
        #expect(block.releases.filter { $0.key.release == .none }.values.reduce(0, +) == 1)
    }

    @Test func aCutOrAChangedByteAnywhereIsFound() throws {
        let block = block(at: 40)
        for index in block.keys.indices {
            var keys = block.keys
            keys[index] ^= 1
            for bytes in [keys, Array(block.keys.prefix(index))] {
                #expect(throws: BlockFault.self) {
                    try BlockReader(position: 40, count: 3, model: fixture.fraud, keys: bytes)
                }
            }
        }
        let reader = try BlockReader(position: 40, count: 3, model: fixture.fraud, keys: block.keys)
        for index in block.answers.indices {
            var answers = block.answers
            answers[index] ^= 0x80
            for bytes in [answers, Array(block.answers.prefix(index))] {
                #expect(throws: BlockFault.self) { try reader.answers(bytes) }
            }
        }
    }

    @Test func aBlockInTheWrongPlaceOrWithAnotherCountIsFound() throws {
        let block = block(at: 40)
        for (position, count) in [(41, 3), (40, 2), (40, 4), (40, 0), (40, -1), (40, Int.max)] {
            #expect(throws: BlockFault.self) {
                try BlockReader(position: position, count: count, model: fixture.fraud, keys: block.keys)
            }
        }
    }

    /// With a right checksum, which only a faulty writer would compute, lengths still never trap.
    @Test func everyLengthIsDistrusted() throws {
        let keys = block(at: 0).keys
        let reader = try BlockReader(position: 0, count: 3, model: fixture.fraud, keys: keys)
        let content = block(at: 0).answers.dropLast(8)
        for offset in content.indices {
            var bytes = Array(content)
            bytes[offset] = 0xff
            let checksum = XXH64.hash(bytes, seed: 0)
            for shift in stride(from: 0, to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: checksum >> shift))
            }
            _ = try? reader.answers(bytes)
        }
    }
}
