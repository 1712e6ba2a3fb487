import BelayCore
import Foundation
import GRDB
import Testing

@testable import BelayInferenceLog

@Suite("The label database of Belay 0.1")
struct LabelMigrationTests {
    private let folder: TemporaryFolder
    private let fixture: Fixture
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        fixture = try Fixture()
        path = "\(folder.path)/labels.sqlite"
    }

    /// As 0.1 made it, with the rows that 0.1 would have written.
    private func writeOld() throws {
        let database = try DatabaseQueue(path: path)
        try database.inDatabase { database in
            try database.execute(
                sql: """
                    CREATE TABLE label (
                        position INTEGER PRIMARY KEY, id TEXT NOT NULL, model TEXT NOT NULL,
                        kind TEXT NOT NULL, value TEXT NOT NULL, at INTEGER, received_at INTEGER NOT NULL,
                        version INTEGER, release INTEGER, arm TEXT, share INTEGER, unit INTEGER,
                        wrong INTEGER, acceptance TEXT NOT NULL
                    ) STRICT;
                    CREATE INDEX label_by_id ON label (model, id, kind);
                    CREATE INDEX label_by_version ON label (model, version);
                    CREATE INDEX label_by_release ON label (release) WHERE acceptance = 'evidence';
                    CREATE UNIQUE INDEX label_one_per_unit ON label (release, unit)
                        WHERE acceptance = 'evidence' AND unit IS NOT NULL;
                    """
            )
            let time = fixture.start.milliseconds
            let rows: [[(any DatabaseValueConvertible)?]] = [
                ["a", "outcome", "1", 1, "candidate", 100_000, 7, 1, "evidence"],
                ["b", "outcome", "1", 1, "candidate", 100_000, 7, 0, "unit_counted"],
                ["c", "outcome", "1", 1, "stable", 100_000, nil, 0, "evidence"],
                ["c", "outcome", "2", 1, "stable", 100_000, nil, 1, "revised"],
                ["d", "outcome", "1", nil, "stable", 0, nil, 0, "unjoined"],
            ]
            for row in rows {
                try database.execute(
                    sql: """
                        INSERT INTO label (id, kind, value, release, arm, share, unit, wrong, acceptance,
                            model, received_at, version)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'fraud', ?, 2)
                        """,
                    arguments: StatementArguments(row + [time])
                )
            }
        }
        try database.close()
    }

    @Test func evidenceCoverageAndWhatCountedOnceAreCarriedOver() async throws {
        try writeOld()
        let store = try LabelStore(path: path)
        var expected = EvidenceCounts()
        expected.add(fixture.key(.labels, 1), 1)
        expected.add(fixture.key(.labels, 0, share: .all), 1)
        expected.add(fixture.key(.labels, 0, arm: .stable), 1)
        #expect(try await store.evidence(of: ReleaseID(1)) == expected)

        let stable = CoverageKey(version: fixture.two, arm: .stable, at: fixture.start)
        let coverage = try await store.coverage(of: fixture.fraud)
        #expect(coverage[stable] == LabelCoverage(labelled: 2, judged: 2, wrong: 1, revised: 1))

        let acceptances = try await store.accept([
            fixture.label("a", "1"), fixture.label("a", "2"), fixture.label("e", "1", unit: 7),
        ]).map(\.acceptance)
        #expect(acceptances == [.repeated, .revised(from: "1"), .unitCounted])
        #expect(try await store.history(id: "c", model: fixture.fraud).map(\.value) == ["1", "2"])
    }

    @Test func openingTwiceChangesNothing() async throws {
        try writeOld()
        let first = try await LabelStore(path: path).evidence(of: ReleaseID(1))
        let second = try await LabelStore(path: path).evidence(of: ReleaseID(1))
        #expect(first == second && !first.isEmpty)
    }
}
