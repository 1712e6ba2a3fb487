import Foundation
import Glibc

extension RunPage {
    /// Pages that are looked at for being left behind.
    private static let mostLeft = 1000

    /// Removes pages of killed runs whose folders are gone, or go on with another page.
    static func sweep(_ memory: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: memory)) ?? []
        for name in names.lazy.filter({ $0.hasPrefix(prefix) }).prefix(mostLeft) {
            guard let left = try? MappedPage(path: "\(memory)/\(name)", .left), let home = left.home else {
                continue
            }
            if home.isGone || home.number.map({ $0 != left.words[number] }) == true { unlink(left.path) }
        }
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
        guard let file = try? MappedPage(path: path, .any) else { return nil }
        return file.words[RunPage.number]
    }

    /// In which view of the file systems paths are meant: another container has other files by the same path.
    static var view: UInt64 {
        var status = stat()
        return stat("/proc/self/ns/mnt", &status) == 0 ? UInt64(status.st_ino) : 0
    }
}

extension MappedPage {
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
