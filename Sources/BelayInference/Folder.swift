#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The files below a folder, and whether each is nothing but itself.
///
/// ONNX Runtime follows links when it reads external data, hard ones even when they lead outside, so a
/// version's folder may hold plain files with one name only.
struct Folder {
    static let mostFiles = 10_000
    static let mostDepth = 16

    let path: String

    init(_ path: String) { self.path = path }

    /// The relative paths of all files, checked one by one.
    ///
    /// - Throws: ``InferenceError/modelUnsafe(path:hazard:)`` for a link of either kind, a device or a pipe.
    func plainFiles() throws(InferenceError) -> Set<String> {
        var files: Set<String> = []
        var folders = [""]
        while let folder = folders.popLast() {
            for name in try names(in: folder.isEmpty ? path : "\(path)/\(folder)") {
                let relative = folder.isEmpty ? name : "\(folder)/\(name)"
                switch try kind(of: relative) {
                case .folder: folders.append(relative)
                case .file: files.insert(relative)
                }
                guard files.count + folders.count <= Self.mostFiles,
                    relative.utf8.count(where: { $0 == UInt8(ascii: "/") }) < Self.mostDepth
                else { throw .tooLarge(what: "files in the folder of a version", limit: Self.mostFiles) }
            }
        }
        return files
    }

    private enum Kind { case file, folder }

    private func kind(of relative: String) throws(InferenceError) -> Kind {
        var status = stat()
        guard unsafe lstat("\(path)/\(relative)", &status) == 0 else {
            throw .modelUnreadable(path: relative, reason: systemReason())
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return .folder
        case S_IFLNK: throw .modelUnsafe(path: relative, hazard: .symbolicLink)
        case S_IFREG where status.st_nlink == 1: return .file
        case S_IFREG: throw .modelUnsafe(path: relative, hazard: .hardLink(count: Int(status.st_nlink)))
        default: throw .modelUnsafe(path: relative, hazard: .notARegularFile)
        }
    }

    private func names(in folder: String) throws(InferenceError) -> [String] {
        guard let names = namesOfEntries(inFolder: folder) else {
            throw .modelUnreadable(path: folder, reason: systemReason())
        }
        return names
    }
}

/// The names in a folder, sorted, without `.` and `..`; nil when it cannot be read.
func namesOfEntries(inFolder path: String) -> [String]? {
    guard let directory = unsafe opendir(path) else { return nil }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

/// Whether something that is not a folder stands at `path`; links are followed.
func fileExists(at path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFDIR
}
