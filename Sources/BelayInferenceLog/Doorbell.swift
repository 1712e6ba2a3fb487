import Glibc

/// Wakes the writer's thread; ringing never blocks, and a ring while nobody waits is not lost.
///
/// A pipe with `poll`, because its waiting time is relative: a condition variable waits for a moment of the
/// wall clock, and a clock set back by an hour would hold a batch back by an hour.
final class Doorbell: Sendable {
    private let listening: Int32
    private let button: Int32

    init() throws(InferenceLogError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw .unavailable(path: "a pipe", reason: String(cString: strerror(errno)))
        }
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        self.listening = ends[0]
        self.button = ends[1]
    }

    deinit {
        close(listening)
        close(button)
    }

    func ring() {
        var byte: UInt8 = 1
        // A full pipe is a bell that rings already.
        _ = write(button, &byte, 1)
    }

    /// Returns at the next ring or after `milliseconds`, and now and then early; −1 waits for a ring alone.
    func wait(milliseconds: Int32) {
        var request = pollfd(fd: listening, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, milliseconds) > 0 else { return }
        var rings = [UInt8](repeating: 0, count: 64)
        while read(listening, &rings, rings.count) == rings.count {}
    }
}
