import BelayControl
import BelayCore
import BelayStore
import Testing

/// What is left when a story is over.
private struct Ending: Equatable {
    /// Kind and subject of each, sorted: a fence is recorded by whatever round or command comes first.
    let entries: [String]
    let serving: [String]
    let releases: [String]
    let quarantine: [String]
    let loaded: Set<VersionID>
    /// Requests reach exactly the loaded versions, by the table that the state demands.
    let isEnacted: Bool

    init(_ stage: Stage) async throws {
        // Both loops go round until nothing is left to do, however the story broke off.
        for _ in 0..<3 { try await stage.round() }
        let state = stage.store.standing.state
        let held = await stage.conductor.state
        entries = stage.store.entries(after: 0, limit: .max).map { "\($0.stored.kind) \($0.stored.subject)" }
            .sorted()
        serving = state.endpoints.values.map { endpoint in
            let stable = endpoint.stable.map { "\($0.version) since \($0.since)" } ?? "nothing"
            return "\(endpoint.id): \(stable), \(endpoint.automatic), fence \(endpoint.unfenced != nil)"
        }.sorted()
        releases = state.releases.values.sorted { $0.id < $1.id }.map { "\($0.id) \($0.phase)" }
        quarantine = state.models.values.flatMap(\.quarantine).sorted().map(\.short)
        loaded = stage.process.loader.loaded
        isEnacted =
            held == state && stage.publisher.current == state.routeTable && stage.publisher.visible == loaded
    }
}

@Suite("Crashes of control")
struct CrashTests {
    /// Every story, killed at every append on each side of it, ends as if nothing had happened.
    @Test(arguments: releaseStories + rollbackStories + judgeStories)
    func whereverTheProcessDiesTheStoryEndsTheSame(_ story: Story) async throws {
        let shelf = try Shelf()
        for blow in [Fate.Blow.beforeAppend, .beforeAnswer, .afterAnswer] {
            let undisturbed = Stage(shelf: shelf, fate: Fate(blow, at: 0))
            _ = try await Director(undisturbed).perform(story)
            let appends = undisturbed.fate.appends
            let expected = try await Ending(undisturbed)
            #expect(expected.isEnacted)
            for point in 1...appends {
                let stage = Stage(shelf: shelf, fate: Fate(blow, at: point))
                _ = try await Director(stage).perform(story)
                #expect(try await Ending(stage) == expected, "\(blow), append \(point) of \(appends)")
                #expect(stage.publisher.violations == [], "\(blow), append \(point) of \(appends)")
            }
        }
    }
}
