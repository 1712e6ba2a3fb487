import Foundation
import Glibc
import Synchronization

/// The log's totals in a page of memory that outlives the process.
///
/// A store into it costs nothing and is not lost, however the process ends: the page belongs to the kernel.
/// That is what makes the account exact after `kill -9`. It is in a file system that is memory where there is
/// one, for event loops store into it and must not wait for a disk; the log's folder has a copy of it
/// (``RunPageCopy``) and its number. Elsewhere it is the file `counters` of the log's folder itself.
///
/// After a power cut, or when that memory went with a container, the counts may be older than the log. Not
/// for several threads at once; whoever holds it brings the lock.
final class RunPage {
    /// Answers are accounted for apart by what becomes of them when a process dies.
    enum Track: Int, CaseIterable {
        /// Given at once, logged a moment later: lost when it was not.
        case served
        /// Given once on disk: when it is not there, nobody was given it.
        case held
        /// Given to nobody.
        case shadow
    }

    /// A total since the log began; what is logged is counted by the log itself.
    enum Field: Int, CaseIterable { case answered, dropped, sampledOut, failed, lost }

    private static let magic: UInt64 = 0x4245_4c41_594c_4f47
    private static let layout: UInt64 = 1

    /// Words before the totals: magic, layout, 1 while a process runs, hash of the boot id.
    private enum Word: Int { case magic, layout, isRunning, boot, totals }

    private static let totals =
        Word.totals.rawValue..<Word.totals.rawValue + Track.allCases.count * Field.allCases.count
    /// In the folder's file, behind the totals: which page in memory they are a copy of; 0 for none.
    static let number = totals.upperBound

    private let page: MappedPage
    /// What the folder has of the page; nil when the page is the folder's own.
    let copy: RunPageCopy?

    /// How the process before ended.
    enum Ending: Equatable {
        case none, closed, killed
        case machineWentDown
        /// It was killed, and the memory that it counted in is gone as well.
        case forgotten
    }

    let ending: Ending

    /// Opens the file, making it when it is missing, and marks it as running.
    ///
    /// - Parameters:
    ///   - path: Of the file in the log's folder.
    ///   - memory: A folder of a file system that is memory; nil to count in the file itself.
    /// - Throws: When the file cannot be made, or there is no space for it.
    init(path: String, memory: String? = nil) throws(InferenceLogError) {
        let file = try MappedPage(path: path, .any)
        let boot = XXH64.hash(
            Array((try? String(contentsOfFile: Self.bootPath, encoding: .utf8))?.utf8 ?? "".utf8)
        )
        let former = file.words[Self.number]
        var isTaken = false
        var ending = Self.ending(of: file, boot: boot)
        if ending == .none { memset(file.words, 0, MappedPage.bytes) }
        if ending == .killed, former != 0 {
            if let memory, let left = try? MappedPage(path: Self.path(former, in: memory), .left),
                left.words[Self.number] == former
            {
                Self.copyTotals(from: left, to: file)
                isTaken = true
            } else {
                ending = .forgotten
            }
        }
        self.ending = ending
        file.words[Word.magic.rawValue] = Self.magic
        file.words[Word.layout.rawValue] = Self.layout
        file.words[Word.boot.rawValue] = boot
        file.words[Word.isRunning.rawValue] = 1
        if let memory, let page = Self.page(in: memory) {
            Self.copyTotals(from: file, to: page)
            page.note(home: path)
            file.words[Self.number] = page.words[Self.number]
            file.synchronise()
            copy = try RunPageCopy(path: path, of: page.path)
            self.page = page
        } else {
            file.words[Self.number] = 0
            file.synchronise()
            page = file
            copy = nil
        }
        // Only now, for until then its counts are in no other file.
        if let memory, isTaken { unlink(Self.path(former, in: memory)) }
    }

    private static let bootPath = "/proc/sys/kernel/random/boot_id"

    private static func ending(of file: borrowing MappedPage, boot: UInt64) -> Ending {
        guard file.words[Word.magic.rawValue] == magic, file.words[Word.layout.rawValue] == layout else {
            return .none
        }
        guard file.words[Word.isRunning.rawValue] != 0 else { return .closed }
        return file.words[Word.boot.rawValue] == boot ? .killed : .machineWentDown
    }

    private static func path(_ number: UInt64, in folder: String) -> String {
        "\(folder)/\(prefix)\(String(number, radix: 16))"
    }

    static let prefix = "belay-counters-"

    /// Every run counts in a page of its own, so that a copied data folder shares none with the original.
    private static func page(in folder: String) -> MappedPage? {
        let chosen = UInt64.random(in: 1...UInt64.max)
        guard let page = try? MappedPage(path: path(chosen, in: folder), .new) else { return nil }
        page.words[number] = chosen
        return page
    }

    fileprivate static func copyTotals(from one: borrowing MappedPage, to other: borrowing MappedPage) {
        for index in totals { other.words[index] = one.words[index] }
    }

    subscript(track: Track, field: Field) -> Int {
        get { Int(truncatingIfNeeded: page.words[Self.index(track, field)]) }
        set { page.words[Self.index(track, field)] = UInt64(truncatingIfNeeded: newValue) }
    }

    /// Every total, as ``RunPageCopy/take(_:)`` wants them.
    var content: [UInt64] { Self.totals.map { page.words[$0] } }

    /// The log ended in order; a copy has to be closed as well.
    func markClosed() { Self.close(page) }

    private static func index(_ track: Track, _ field: Field) -> Int {
        totals.lowerBound + track.rawValue * Field.allCases.count + field.rawValue
    }

    fileprivate static func store(_ content: [UInt64], in page: borrowing MappedPage) {
        // What explains answers before the answers: killed in between, they are a lower bound.
        for (index, word) in zip(totals, content).reversed() { page.words[index] = word }
    }

    fileprivate static func close(_ page: borrowing MappedPage) {
        page.words[Word.isRunning.rawValue] = 0
        page.words[number] = 0
        page.synchronise()
    }
}

/// What the log's folder has of a page that is in memory; for the writer's thread, because it may wait for
/// the disk.
final class RunPageCopy: Sendable {
    private let file: Mutex<MappedPage>
    private let original: String

    fileprivate init(path: String, of original: String) throws(InferenceLogError) {
        file = Mutex(try MappedPage(path: path, .any))
        self.original = original
    }

    func take(_ content: [UInt64]) { file.withLock { RunPage.store(content, in: $0) } }

    /// The log ended in order, with these totals; the page in memory is needed no more.
    func close(_ content: [UInt64]) {
        file.withLock { file in
            RunPage.store(content, in: file)
            RunPage.close(file)
        }
        unlink(original)
    }
}

extension RunPage {
    /// Answers that left, or were about to, and are neither in the log nor counted as anything else.
    func missing(_ track: Track, logged: Int) -> Int {
        let known = [Field.dropped, .sampledOut, .failed, .lost].reduce(logged) { $0 &+ self[track, $1] }
        return self[track, .answered] &- known
    }

    /// Settles the account with what the log holds, so that the equation is true again.
    ///
    /// - Returns: What the run before left behind; nil after an ending in order.
    func settle(with tail: LogTail) -> LogGap? {
        let logged: [Track: Int] = [.served: tail.served, .held: tail.held, .shadow: tail.shadow]
        var missing: [Track: Int] = [:]
        for track in Track.allCases {
            let number = self.missing(track, logged: logged[track, default: 0])
            missing[track] = max(0, number)
            if number < 0 {
                // The log knows more than the page: a page older than the log, or none before today's.
                self[track, .answered] -= number
            } else {
                self[track, .lost] += number
            }
        }
        let gap = LogGap(
            lost: missing[.served, default: 0],
            withheld: missing[.held, default: 0],
            shadows: missing[.shadow, default: 0],
            isExact: ending == .killed || ending == .closed || ending == .none
        )
        switch ending {
        case .killed, .machineWentDown, .forgotten: return gap
        case .none, .closed: return gap.isEmpty ? nil : gap
        }
    }
}

extension RunPage {
    /// The account over all runs, with so many answers that wait now.
    func totals(waiting: Int) -> LogTotals {
        func sum(_ field: Field) -> Int { self[.served, field] &+ self[.held, field] }
        // What waited for the disk when a process was killed was never an answer.
        let answered = sum(.answered) &- self[.held, .lost]
        let lost = self[.served, .lost]
        return LogTotals(
            answered: answered,
            logged: answered &- sum(.dropped) &- sum(.sampledOut) &- sum(.failed) &- lost &- waiting,
            dropped: sum(.dropped),
            sampledOut: sum(.sampledOut),
            failed: sum(.failed),
            lost: lost,
            waiting: waiting
        )
    }

    /// Where the log would stand if it held everything that is not counted as anything else.
    var assumedTail: LogTail {
        func logged(_ track: Track) -> Int { max(0, missing(track, logged: 0)) }
        let (held, shadow) = (logged(.held), logged(.shadow))
        return LogTail(position: logged(.served) + held + shadow, held: held, shadow: shadow)
    }
}
