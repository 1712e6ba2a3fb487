import Foundation
import Testing

@testable import BelayInferenceLog

/// The page that answers are counted in, when it is not in the log's folder.
@Suite("Counts in memory")
struct RunPageTests {
    private let folder: TemporaryFolder
    private let memory: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        memory = try TemporaryFolder()
    }

    private var path: String { "\(folder.path)/counters" }

    private func page(of folder: TemporaryFolder, in memory: String?) throws -> RunPage {
        try RunPage(path: "\(folder.path)/counters", memory: memory)
    }

    @Test func whatIsCountedIsNotInTheFolderUntilTheWriterPutsItThere() throws {
        let page = try page(of: folder, in: memory.path)
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        page[.served, .answered] += 7
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
        let copy = try #require(page.copy)
        copy.take(page.content)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) != before)
    }

    @Test func aKilledRunIsCountedToTheLastFromItsMemory() throws {
        do {
            let page = try page(of: folder, in: memory.path)
            page[.served, .answered] += 7
        }
        let next = try page(of: folder, in: memory.path)
        #expect(next.ending == .killed)
        #expect(next[.served, .answered] == 7)
        #expect(try memory.names.count == 1, "the former run's page is gone")
    }

    /// As when a container is killed, and its memory with it.
    @Test func withoutTheMemoryTheCountIsTheFoldersAndALowerBound() throws {
        do {
            let page = try page(of: folder, in: memory.path)
            page[.served, .answered] += 7
            page.copy?.take(page.content)
            page[.served, .answered] += 2
        }
        for name in try memory.names { try FileManager.default.removeItem(atPath: "\(memory.path)/\(name)") }
        let next = try page(of: folder, in: memory.path)
        #expect(next.ending == .forgotten)
        #expect(next[.served, .answered] == 7)
        let gap = try #require(next.settle(with: LogTail(position: 5)))
        #expect(gap.interval.atLeast == 2)
        #expect(gap.interval.atMost == nil)
    }

    @Test func whatEndedInOrderNeedsNoMemory() throws {
        do {
            let page = try page(of: folder, in: memory.path)
            page[.served, .answered] += 7
            page.copy?.close(page.content)
        }
        #expect(try memory.names == [])
        let next = try page(of: folder, in: nil)
        #expect(next.ending == .closed)
        #expect(next[.served, .answered] == 7)
    }

    @Test func twoRunsOnCopiesOfAFolderShareNoCounts() throws {
        let page = try page(of: folder, in: memory.path)
        page[.served, .answered] += 7
        page.copy?.take(page.content)
        let copied = try folder.crashImage()
        let other = try self.page(of: copied, in: memory.path)
        #expect(other.ending == .forgotten, "the page is a living process's")
        #expect(other[.served, .answered] == 7)
        other[.served, .answered] += 1
        page[.served, .answered] += 2
        #expect((page[.served, .answered], other[.served, .answered]) == (9, 8))
        #expect(try memory.names.count == 2)
    }

    @Test(arguments: ["link", "short", "foreign"])
    func whatIsNotTheRunsPageIsNotTakenForIt(kind: String) throws {
        do {
            let page = try page(of: folder, in: memory.path)
            page[.served, .answered] += 7
        }
        let name = try #require(memory.names.first)
        let left = "\(memory.path)/\(name)"
        switch kind {
        case "link":
            try FileManager.default.moveItem(atPath: left, toPath: "\(folder.path)/elsewhere")
            try FileManager.default.createSymbolicLink(
                atPath: left,
                withDestinationPath: "\(folder.path)/elsewhere"
            )
        case "short": try Data([1, 2, 3]).write(to: URL(fileURLWithPath: left))
        default: try Data(repeating: 1, count: 4096).write(to: URL(fileURLWithPath: left))
        }
        let next = try page(of: folder, in: memory.path)
        #expect(next.ending == .forgotten)
        #expect(next[.served, .answered] == 0)
    }

    @Test func pagesOfFoldersThatAreGoneAreSweptAndOthersAreNot() throws {
        let (gone, killed) = (try TemporaryFolder(), try TemporaryFolder())
        for folder in [gone, killed] {
            let page = try page(of: folder, in: memory.path)
            page[.served, .answered] += 3
        }
        let living = try page(of: folder, in: memory.path)
        #expect(try memory.names.count == 3)
        try FileManager.default.removeItem(atPath: gone.path)
        try Data(repeating: 0xff, count: 4096).write(
            to: URL(fileURLWithPath: "\(memory.path)/belay-counters-0")
        )
        RunPage.sweep(memory.path)
        #expect(try memory.names.count == 4, "the disk may only not be mounted")
        RunPage.sweep(memory.path, patience: .zero)
        #expect(try memory.names.count == 3, "a killed one's, a living one's, and what is none")
        let next = try page(of: killed, in: memory.path)
        #expect((next.ending, next[.served, .answered]) == (.killed, 3))
        #expect(living[.served, .answered] == 0)
    }

    @Test func withoutSuchAFolderTheFileItselfCounts() async throws {
        let log = try InferenceLog(
            folder: folder.path,
            limits: .standard,
            memory: "\(memory.path)/missing"
        )
        #expect(log.opening.countsOnDisk)
        await log.close()
        let page = try page(of: folder, in: nil)
        #expect(page.copy == nil)
        #expect(page.ending == .closed)
    }
}
