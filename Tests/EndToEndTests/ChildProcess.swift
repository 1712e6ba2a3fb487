import Glibc
import Synchronization

/// A process that these tests started, and its exit code once it has one.
///
/// It writes into files instead of pipes: nobody has to drain them, and a failing test can still read them.
final class ChildProcess: Sendable {
    let id: pid_t
    private let ended = Mutex<Int32?>(nil)

    /// Where a process reads and writes.
    struct Streams {
        let input: String
        let output: String
        let errors: String
    }

    struct CouldNotStart: Error {
        let executable: String
        let errno: Int32
    }

    init(_ executable: String, _ arguments: [String], environment: [String: String], _ streams: Streams)
        throws
    {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, streams.input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, streams.output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, streams.errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        // Other suites have sockets open in this process, which a child would inherit and keep open after
        // they have been closed. Closing what is not open is no error here.
        for descriptor in Int32(3)..<1024 { posix_spawn_file_actions_addclose(&actions, descriptor) }
        let words = ([executable] + arguments).map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + variables { free(text) } }
        var id: pid_t = 0
        let result = posix_spawn(&id, executable, &actions, nil, words, variables)
        guard result == 0 else { throw CouldNotStart(executable: executable, errno: result) }
        self.id = id
    }

    /// Does nothing to a process that has been seen to end: its number may be another's by now.
    func signal(_ number: Int32) {
        ended.withLock { code in
            if code == nil { kill(id, number) }
        }
    }

    /// Nil while it runs; the exit code, or minus the number of the signal that ended it.
    var exitCode: Int32? {
        ended.withLock { code in
            if code != nil { return code }
            var status: Int32 = 0
            guard waitpid(id, &status, WNOHANG) == id else { return nil }
            let signal = status & 0x7f
            code = signal == 0 ? (status >> 8) & 0xff : -signal
            return code
        }
    }

    /// Waits for the end.
    func end() async throws -> Int32 {
        do {
            return try await eventually("process \(id) ended") { exitCode }
        } catch {
            signal(SIGKILL)
            throw error
        }
    }
}
