import Glibc

/// The few file system calls the module needs, with errors that name path and operation.
///
/// Plain system calls, because durability depends on which descriptor is synchronised and when, and refusing
/// links depends on flags that higher layers hide.
enum FileSystem {
    struct Status: Equatable {
        enum Kind { case file, folder, link, other }

        let kind: Kind
        /// In bytes.
        let size: Int64
        /// How many names the file has.
        let links: Int

        init(_ raw: stat) {
            switch raw.st_mode & S_IFMT {
            case S_IFREG: self.kind = .file
            case S_IFDIR: self.kind = .folder
            case S_IFLNK: self.kind = .link
            default: self.kind = .other
            }
            self.size = Int64(raw.st_size)
            self.links = Int(raw.st_nlink)
        }
    }

    /// What stands at `path` itself, a link included; nil when nothing does.
    static func status(_ path: String) throws(ArtifactError) -> Status? {
        var raw = stat()
        guard lstat(path, &raw) != 0 else { return Status(raw) }
        guard errno != ENOENT, errno != ENOTDIR else { return nil }
        throw failure("look at", path, errno)
    }

    /// What `path` leads to after following links; nil when that is nothing.
    static func target(_ path: String) throws(ArtifactError) -> Status? {
        var raw = stat()
        guard stat(path, &raw) != 0 else { return Status(raw) }
        guard errno != ENOENT, errno != ENOTDIR else { return nil }
        throw failure("look at", path, errno)
    }

    /// The same place without links on the way to it.
    static func resolved(_ path: String) throws(ArtifactError) -> String {
        guard let buffer = realpath(path, nil) else { throw failure("look at", path, errno) }
        defer { free(buffer) }
        return String(cString: buffer)
    }

    /// Makes the folder and every missing one above it, each durable in its parent before this returns.
    static func makeFolder(_ path: String) throws(ArtifactError) {
        if mkdir(path, 0o755) == 0 { return try syncFolder(parent(of: path)) }
        switch errno {
        case EEXIST:
            guard try target(path)?.kind == .folder else { throw failure("make the folder", path, ENOTDIR) }
        case ENOENT where parent(of: path) != path:
            try makeFolder(parent(of: path))
            guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
                throw failure("make the folder", path, errno)
            }
            try syncFolder(parent(of: path))
        default:
            throw failure("make the folder", path, errno)
        }
    }

    /// Makes the names in a folder durable; as with a file, a failure is final.
    static func syncFolder(_ path: String) throws(ArtifactError) {
        let folder = try OpenFile(folder: path)
        try folder.sync()
    }

    static func rename(_ from: String, to target: String) throws(ArtifactError) {
        guard Glibc.rename(from, target) == 0 else { throw failure("rename to", target, errno) }
    }

    /// Removes a file, a link, or a folder with all that is in it; links are never followed.
    static func remove(_ path: String) throws(ArtifactError) {
        guard let status = try status(path) else { return }
        if status.kind == .folder {
            for name in try names(in: path) { try remove("\(path)/\(name)") }
            guard rmdir(path) == 0 || errno == ENOENT else { throw failure("remove", path, errno) }
        } else {
            guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path, errno) }
        }
    }

    /// The names in a folder, sorted, without `.` and `..`.
    static func names(in path: String) throws(ArtifactError) -> [String] {
        guard let stream = opendir(path) else { throw failure("list", path, errno) }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw failure("list", path, errno) }
        return names.sorted()
    }

    static func parent(of path: String) -> String {
        // By bytes, as the system does: a slash before a combining mark is no character of its own.
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func failure(_ operation: String, _ path: String, _ code: Int32) -> ArtifactError {
        switch code {
        case ENOSPC, EDQUOT: .storageFull(path: path)
        default: .unavailable(path: path, operation: operation, code: code)
        }
    }

    static func message(of code: Int32) -> String { String(cString: strerror(code)) }
}
