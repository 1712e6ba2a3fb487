import Testing

@Suite("Scenarios")
struct ScenarioTests {
    @Test(arguments: releaseStories + rollbackStories + judgeStories)
    func theTranscriptIsAsWritten(_ story: Story) async throws {
        let stage = Stage(shelf: try Shelf())
        let transcript = try await Director(stage).perform(story)
        #expect(transcript == story.transcript, "the transcript was:\n\(transcript)")
        #expect(stage.publisher.violations == [])
    }
}
