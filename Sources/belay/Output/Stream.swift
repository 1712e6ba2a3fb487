import Foundation

/// Where a command writes: results to one stream, everything said about them to the other.
enum Stream {
    case output
    case talk

    private var handle: FileHandle { self == .output ? .standardOutput : .standardError }

    var isTerminal: Bool { isatty(handle.fileDescriptor) == 1 }

    /// Columns of the terminal; nil where lines may be of any length.
    var width: Int? {
        guard isTerminal else { return nil }
        var size = winsize()
        guard ioctl(handle.fileDescriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes at once, so that what is piped arrives line by line; a reader who has left is no error.
    func write(_ text: String) {
        try? handle.write(contentsOf: Data(text.utf8))
    }

    /// False when nobody reads any more, so that a list without end need not be fetched for no one.
    func write(_ bytes: Data) -> Bool {
        do {
            try handle.write(contentsOf: bytes)
            return true
        } catch {
            return false
        }
    }

    func line(_ text: String) { write(text + "\n") }
}
