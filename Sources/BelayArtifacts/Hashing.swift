package import BelayCore
import struct Crypto.SHA256
import struct Crypto.SHA256Digest

/// SHA-256 over bytes that arrive in pieces.
struct StreamHasher {
    private var function = SHA256()
    /// How many bytes went in.
    private(set) var size: Int64 = 0

    mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { function.update(bufferPointer: $0) }
        size += Int64(bytes.count)
    }

    /// The digest of everything so far; more bytes may follow.
    func finish() -> Digest { Digest(sealed: function.finalize()) }
}

/// The SHA-256 of `bytes`.
package func sha256(_ bytes: some Sequence<UInt8>) -> Digest {
    Digest(sealed: SHA256.hash(data: Array(bytes)))
}

/// The digest of a version: the SHA-256 of its manifest's canonical bytes.
package func manifestDigest(_ manifest: Manifest) -> Digest { sha256(manifest.canonicalBytes) }

extension Digest {
    fileprivate init(sealed: SHA256Digest) {
        guard let digest = Digest(bytes: sealed) else { preconditionFailure("SHA-256 yields 32 bytes") }
        self = digest
    }
}
