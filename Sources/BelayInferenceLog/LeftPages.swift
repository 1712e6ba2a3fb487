import Foundation
import Glibc

extension RunPage {
    /// Pages that are looked at for being left behind.
    private static let mostLeft = 1000

    /// How long a page is kept whose folder is not there: its disk may only not be mounted.
    static let patience = Duration.seconds(7 * 86_400)

    /// Removes pages of killed runs whose folders are gone, or go on with another page.
    ///
    /// It looks at other servers' folders, whose disks may hang: for a thread that nobody waits for.
    static func sweep(_ memory: String, patience: Duration = patience) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: memory)) ?? []
        for name in names.lazy.filter({ $0.hasPrefix(prefix) }).prefix(mostLeft) {
            // Looked at without its lock, or its own run, which may be starting, would not get it.
            guard let page = try? MappedPage(path: "\(memory)/\(name)", .seen), isLeft(page, patience),
                let left = try? MappedPage(path: page.path, .left), isLeft(left, patience)
            else { continue }
            unlink(left.path)
        }
    }

    private static func isLeft(_ page: borrowing MappedPage, _ patience: Duration) -> Bool {
        guard let home = page.home else { return false }
        if home.isGone { return page.age >= patience }
        return home.number.map { $0 != page.words[number] } == true
    }
}

/// Which file a page in memory belongs to.
private struct Home {
    let path: String

    var isGone: Bool {
        var status = stat()
        return stat(path, &status) != 0 && errno == ENOENT
    }

    /// Which page the file names; nil when it cannot be read.
    var number: UInt64? {
        let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var word: UInt64 = 0
        let size = MemoryLayout<UInt64>.size
        return pread(file, &word, size, off_t(RunPage.number * size)) == size ? word : nil
    }

    /// In which view of the file systems paths are meant: another container has other files by the same path.
    static var view: UInt64 {
        var status = stat()
        return stat("/proc/self/ns/mnt", &status) == 0 ? UInt64(status.st_ino) : 0
    }
}

extension MappedPage {
    /// Since its file was made or last counted as changed.
    fileprivate var age: Duration {
        var status = stat()
        guard stat(path, &status) == 0 else { return .zero }
        return .seconds(time(nil) - status.st_mtim.tv_sec)
    }

    /// Words for the view and for how long the path is, and then the path.
    private static var place: (view: Int, length: Int, path: Int) { (64, 65, 66) }

    borrowing func note(home path: String) {
        let text = Array(URL(fileURLWithPath: path).standardizedFileURL.path.utf8)
        guard text.count <= Self.bytes - Self.place.path * 8 else { return }
        memcpy(words + Self.place.path, text, text.count)
        words[Self.place.length] = UInt64(text.count)
        words[Self.place.view] = Home.view
    }

    /// Nil when there is none, or it is another view's.
    fileprivate var home: Home? {
        let length = words[Self.place.length]
        guard length > 0, length <= Self.bytes - Self.place.path * 8,
            words[Self.place.view] == Home.view
        else { return nil }
        let bytes = UnsafeRawBufferPointer(start: words + Self.place.path, count: Int(length))
        return Home(path: String(decoding: bytes, as: UTF8.self))
    }
}
