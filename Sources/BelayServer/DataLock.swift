import Foundation
import Glibc

/// Holds the data directory for this process, until the process ends.
///
/// The lock is the kernel's (`flock`), so a killed process leaves none behind; the file names the holder.
struct DataLock: ~Copyable {
    private let descriptor: Int32

    init(directory: String) throws(ServerError) {
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw .dataUnusable(path: directory, reason: "it cannot be made")
        }
        let path = "\(directory)/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw .dataUnusable(path: directory, reason: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            close(descriptor)
            let pid = holder.trimmingCharacters(in: .whitespacesAndNewlines)
            throw .dataInUse(path: directory, pid: pid.isEmpty ? "unknown" : pid)
        }
        let line = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = write(descriptor, line, line.count)
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
