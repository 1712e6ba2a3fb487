import BelayArtifacts
import BelayCore
import Foundation
import Testing

/// One implementation of the seam, with a way to spoil what it stored.
struct StoreUnderTest: Sendable {
    let store: any ArtifactStore
    let damage: @Sendable (Digest) throws -> Void
}

/// One contract, run against every implementation: the twin is held to what it stands in for.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, directory

    var testDescription: String { rawValue }

    func make(in folder: TemporaryFolder) throws -> StoreUnderTest {
        switch self {
        case .memory:
            let store = InMemoryArtifacts()
            return StoreUnderTest(store: store) { store.damage($0) }
        case .directory:
            let store = try DirectoryArtifacts(root: folder.path)
            return StoreUnderTest(store: store) { digest in
                let name = "sha256/\(digest.hex.prefix(2))/\(digest.hex.dropFirst(2).prefix(2))/\(digest.hex)"
                var bytes = try folder.bytes(of: name)
                bytes[bytes.count / 2] ^= 1
                try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)")
                try folder.write(bytes, to: name)
            }
        }
    }
}

@Suite("Artifact store contract")
struct ArtifactStoreContractTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: StoreKind.allCases, [0, 1, 999, 1000, 262_144, 262_145, 700_000])
    func readsBackWhatItStored(kind: StoreKind, size: Int) async throws {
        let store = try kind.make(in: folder).store
        let bytes = sample(size)
        #expect(try await store.put(sha256(bytes), limit: Int64(size), chunks: chunks(bytes)) == Int64(size))
        #expect(try store.contains(sha256(bytes)) == Int64(size))
        #expect(try store.bytes(of: sha256(bytes), limit: Int64(size)) == bytes)
    }

    @Test(arguments: StoreKind.allCases)
    func bytesThatHashToSomethingElseAreRefusedAndInvisible(kind: StoreKind) async throws {
        let store = try kind.make(in: folder).store
        let (announced, sent) = (sha256(sample(10)), sample(11))
        await #expect(throws: ArtifactError.digestMismatch(expected: announced, found: sha256(sent))) {
            try await store.put(announced, limit: 100, chunks: chunks(sent))
        }
        #expect(try store.contains(announced) == nil)
        #expect(try store.contains(sha256(sent)) == nil)
        #expect(throws: ArtifactError.missing(announced)) { try store.read(announced) }
    }

    @Test(arguments: StoreKind.allCases)
    func oneByteAboveTheLimitIsRefused(kind: StoreKind) async throws {
        let store = try kind.make(in: folder).store
        let bytes = sample(2001)
        await #expect(throws: ArtifactError.tooLarge(limit: 2000)) {
            try await store.put(sha256(bytes), limit: 2000, chunks: chunks(bytes))
        }
        #expect(try store.contains(sha256(bytes)) == nil)
    }

    @Test(arguments: StoreKind.allCases)
    func aSourceThatBreaksLeavesNothingAndItsErrorPassesThrough(kind: StoreKind) async throws {
        let store = try kind.make(in: folder).store
        let bytes = sample(5000)
        await #expect(throws: SourceBroke()) {
            try await store.put(sha256(bytes), limit: 9000, chunks: chunks(bytes, breaking: true))
        }
        #expect(try store.contains(sha256(bytes)) == nil)
    }

    @Test(arguments: StoreKind.allCases)
    func theSameBytesAgainChangeNothingAndOtherBytesAreStillRefused(kind: StoreKind) async throws {
        let store = try kind.make(in: folder).store
        let bytes = sample(3000)
        try await store.put(sha256(bytes), limit: 9000, chunks: chunks(bytes))
        #expect(try await store.put(sha256(bytes), limit: 9000, chunks: chunks(bytes, of: 7)) == 3000)
        await #expect(throws: ArtifactError.self) {
            try await store.put(sha256(bytes), limit: 9000, chunks: chunks(sample(2999)))
        }
        #expect(try store.bytes(of: sha256(bytes), limit: 3000) == bytes)
    }

    @Test(arguments: StoreKind.allCases)
    func oneFlippedBitIsNamedAtTheEndAndHealedByTheGoodBytes(kind: StoreKind) async throws {
        let subject = try kind.make(in: folder)
        let bytes = sample(600_000)
        let digest = sha256(bytes)
        try await subject.store.put(digest, limit: 600_000, chunks: chunks(bytes))
        try subject.damage(digest)
        #expect(throws: ArtifactError.corrupt(digest)) {
            try subject.store.bytes(of: digest, limit: 600_000)
        }
        try await subject.store.put(digest, limit: 600_000, chunks: chunks(bytes))
        #expect(try subject.store.bytes(of: digest, limit: 600_000) == bytes)
    }

    @Test(arguments: StoreKind.allCases)
    func whatWasFoundDamagedIsAskedForAgainUntilItIsGood(kind: StoreKind) async throws {
        let subject = try kind.make(in: folder)
        let bytes = sample(5000)
        let digest = sha256(bytes)
        try await subject.store.put(digest, limit: 5000, chunks: chunks(bytes))
        try subject.damage(digest)
        #expect(try subject.store.contains(digest) == 5000, "nobody has looked yet")
        #expect(throws: ArtifactError.corrupt(digest)) { try subject.store.bytes(of: digest, limit: 5000) }
        #expect(try subject.store.contains(digest) == nil)
        #expect(throws: ArtifactError.corrupt(digest)) { try subject.store.bytes(of: digest, limit: 5000) }
        try await subject.store.put(digest, limit: 5000, chunks: chunks(bytes))
        #expect(try subject.store.contains(digest) == 5000)
    }

    @Test(arguments: StoreKind.allCases)
    func manyWritersOfTheSameBytesAllSucceed(kind: StoreKind) async throws {
        let store = try kind.make(in: folder).store
        let bytes = sample(50_000)
        let sizes = try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await store.put(sha256(bytes), limit: 50_000, chunks: chunks(bytes))
                }
            }
            var sizes: [Int64] = []
            for try await size in group { sizes.append(size) }
            return sizes
        }
        #expect(sizes == Array(repeating: 50_000, count: 8))
        #expect(try store.bytes(of: sha256(bytes), limit: 50_000) == bytes)
    }

    @Test(arguments: StoreKind.allCases)
    func smallFilesAreReadWholeOnlyUpToTheLimit(kind: StoreKind) async throws {
        let store = try kind.make(in: folder).store
        let bytes = sample(100)
        try await store.put(sha256(bytes), limit: 100, chunks: chunks(bytes))
        #expect(throws: ArtifactError.tooLarge(limit: 99)) { try store.bytes(of: sha256(bytes), limit: 99) }
    }
}
