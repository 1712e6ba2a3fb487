import Foundation
import Glibc

/// The log's totals in a page of memory that is a file, `counters`.
///
/// A store into it costs nothing and outlives the process, however it ends: the page belongs to the kernel.
/// That is what makes the account exact after `kill -9`. After a power cut it may be older than the log,
/// which the boot id tells. Not for several threads at once; whoever holds it brings the lock.
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

    private static let bytes = 4096
    private static let magic: UInt64 = 0x4245_4c41_594c_4f47
    private static let layout: UInt64 = 1

    /// Words before the totals: magic, layout, 1 while a process runs, hash of the boot id.
    private enum Word: Int { case magic, layout, isRunning, boot, totals }

    private let memory: UnsafeMutableRawPointer

    /// How the process before ended.
    enum Ending: Equatable { case none, closed, killed, machineWentDown }

    let ending: Ending

    /// Opens the file, making it when it is missing or no such file, and marks it as running.
    init(path: String) throws(InferenceLogError) {
        let file = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw .unavailable(path: path, reason: String(cString: strerror(errno))) }
        defer { close(file) }
        // Space is taken now, because a store into a page for which there is none would end the process.
        guard posix_fallocate(file, 0, off_t(Self.bytes)) == 0 else { throw .storageFull(path: path) }
        guard let memory = mmap(nil, Self.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
            memory != MAP_FAILED
        else { throw .unavailable(path: path, reason: String(cString: strerror(errno))) }
        self.memory = memory
        let words = memory.assumingMemoryBound(to: UInt64.self)
        let boot = XXH64.hash(
            Array((try? String(contentsOfFile: Self.bootPath, encoding: .utf8))?.utf8 ?? "".utf8)
        )
        if words[Word.magic.rawValue] != Self.magic || words[Word.layout.rawValue] != Self.layout {
            memset(memory, 0, Self.bytes)
            ending = .none
        } else if words[Word.isRunning.rawValue] == 0 {
            ending = .closed
        } else {
            ending = words[Word.boot.rawValue] == boot ? .killed : .machineWentDown
        }
        words[Word.magic.rawValue] = Self.magic
        words[Word.layout.rawValue] = Self.layout
        words[Word.boot.rawValue] = boot
        words[Word.isRunning.rawValue] = 1
        msync(memory, Self.bytes, MS_SYNC)
    }

    deinit { munmap(memory, Self.bytes) }

    private static let bootPath = "/proc/sys/kernel/random/boot_id"

    subscript(track: Track, field: Field) -> Int {
        get { Int(truncatingIfNeeded: words[Self.index(track, field)]) }
        set { words[Self.index(track, field)] = UInt64(truncatingIfNeeded: newValue) }
    }

    /// The log ended in order; whatever comes after is another run's.
    func markClosed() {
        words[Word.isRunning.rawValue] = 0
        msync(memory, Self.bytes, MS_SYNC)
    }

    private var words: UnsafeMutablePointer<UInt64> { memory.assumingMemoryBound(to: UInt64.self) }

    private static func index(_ track: Track, _ field: Field) -> Int {
        Word.totals.rawValue + track.rawValue * Field.allCases.count + field.rawValue
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
            isExact: ending != .machineWentDown
        )
        switch ending {
        case .killed, .machineWentDown: return gap
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
