package import BelayCore

/// Why bytes could not be stored, read or accepted.
package enum ArtifactError: Error, Equatable, Sendable {
    /// The stored bytes no longer hash to their name.
    case corrupt(Digest)
    case missing(Digest)
    /// What arrived is not what was announced.
    case digestMismatch(expected: Digest, found: Digest)
    /// More than `limit` bytes.
    case tooLarge(limit: Int64)
    /// The disk or the quota is full.
    case storageFull(path: String)
    /// A symbolic link, or a file with a second name, inside a model folder.
    case linkedFile(path: String)
    case unacceptable(path: String, why: Objection)
    /// A system call failed; `code` is its errno.
    case unavailable(path: String, operation: String, code: Int32)

    /// What is wrong with a file or folder that was offered.
    package enum Objection: Equatable, Sendable {
        /// Neither a regular file nor a folder: a socket, a pipe, a device.
        case notRegular
        case nameNotPortable
        case tooManyFiles(limit: Int)
        case holdsNoFile
        case notFound
        /// The file's size changed between two looks.
        case changedWhileRead
    }
}

extension ArtifactError: Explainable {
    package var explanation: Explanation {
        switch self {
        case .corrupt(let digest):
            Explanation(
                code: "artifact.corrupt",
                summary: "The stored bytes of \(digest) no longer match their name.",
                remedy: "Register the same files again or restore them from a backup, and check the disk."
            )
        case .missing(let digest):
            Explanation(
                code: "artifact.missing",
                summary: "No artifact \(digest) is stored.",
                remedy: "Register the files again or restore the artifact folder from a backup."
            )
        case .digestMismatch(let expected, let found):
            Explanation(
                code: "artifact.digest-mismatch",
                summary: "The bytes announced as \(expected.short) turned out to be \(found.short).",
                remedy: "Send the file again; it changed, or was cut short, on the way."
            )
        case .tooLarge(let limit):
            Explanation(
                code: "artifact.too-large",
                summary: "The file held more than the allowed \(limit) bytes.",
                remedy: "Register a smaller file, or raise the server's limit for one file."
            )
        case .storageFull(let path):
            Explanation(
                code: "artifact.storage-full",
                summary: "No space was left to write \(path).",
                remedy: "Free disk space or raise the quota, then repeat the command; nothing was kept."
            )
        case .linkedFile(let path):
            Explanation(
                code: "artifact.linked-file",
                summary: "\(path) was a link, so its bytes could change from outside the folder.",
                remedy: "Copy the folder with `cp -rL --no-preserve=links SOURCE COPY` and register the copy."
            )
        case .unacceptable(let path, let why):
            why.explanation(path)
        case .unavailable(let path, let operation, let code):
            Explanation(
                code: "artifact.unavailable",
                summary: "The system refused to \(operation) \(path): \(FileSystem.message(of: code)).",
                remedy: "Check that the path exists, is mounted and is permitted to the server's user."
            )
        }
    }

    package var category: FailureCategory {
        switch self {
        case .corrupt: .failed
        case .missing: .notFound
        case .digestMismatch, .linkedFile, .unacceptable: .invalid
        case .tooLarge: .tooLarge
        case .storageFull, .unavailable: .unavailable
        }
    }
}

extension ArtifactError.Objection {
    fileprivate func explanation(_ path: String) -> Explanation {
        let (summary, remedy) =
            switch self {
            case .notRegular:
                ("\(path) was neither a regular file nor a folder.", "Remove it from the model's folder.")
            case .nameNotPortable:
                (
                    "The name of \(path) cannot be kept in a version.",
                    "Rename it: no colon, backslash or control character, and at most 16 folders deep."
                )
            case .tooManyFiles(let limit):
                ("\(path) held more than \(limit) files.", "Register a folder with only the model's files.")
            case .holdsNoFile:
                ("\(path) held no file.", "Name a folder that holds the model's files, or one file.")
            case .notFound:
                ("\(path) did not exist.", "Check the path; it is read on the machine of the command.")
            case .changedWhileRead:
                ("\(path) changed while it was read.", "Wait until the model is written, then repeat.")
            }
        return Explanation(code: "artifact.unacceptable-file", summary: summary, remedy: remedy)
    }
}
