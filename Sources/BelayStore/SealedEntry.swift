package import BelayCore
import struct Crypto.SHA256
import struct Crypto.SHA256Digest

/// One entry in its place in the chain, with the very texts that its hash covers.
package struct SealedEntry: Equatable, Sendable {
    package let entry: Entry
    package let stored: StoredEntry

    package init(entry: Entry, stored: StoredEntry) {
        self.entry = entry
        self.stored = stored
    }

    package var hash: Digest { stored.hash }
    package var head: Head { Head(sequence: stored.sequence, hash: stored.hash) }
}

/// One row of the table `ledger`, column by column.
package struct StoredEntry: Equatable, Sendable {
    package let sequence: Int
    /// In milliseconds since 1970.
    package let at: Int64
    package let actor: String
    package let kind: String
    package let subject: String
    package let reason: String?
    /// The event's payload as JSON with sorted keys.
    package let body: String
    /// The hash of the entry before; 32 zero bytes for the first.
    package let previous: Digest
    package let hash: Digest

    package init(
        sequence: Int,
        at: Int64,
        actor: String,
        kind: String,
        subject: String,
        reason: String?,
        body: String,
        previous: Digest,
        hash: Digest
    ) {
        self.sequence = sequence
        self.at = at
        self.actor = actor
        self.kind = kind
        self.subject = subject
        self.reason = reason
        self.body = body
        self.previous = previous
        self.hash = hash
    }

    /// The same row with the hash that its columns demand.
    var sealed: StoredEntry {
        StoredEntry(
            sequence: sequence,
            at: at,
            actor: actor,
            kind: kind,
            subject: subject,
            reason: reason,
            body: body,
            previous: previous,
            hash: demandedHash
        )
    }

    /// The hash that ``hash`` must equal; see ``Chain`` for the bytes it covers.
    var demandedHash: Digest {
        var bytes = previous.bytes
        bytes.reserveCapacity(128 + actor.utf8.count + (reason?.utf8.count ?? 0) + body.utf8.count)
        bytes.append(number: Int64(sequence))
        bytes.append(number: at)
        for text in [actor, kind, subject] { bytes.append(text: text) }
        if let reason {
            bytes.append(1)
            bytes.append(text: reason)
        } else {
            bytes.append(0)
        }
        bytes.append(text: body)
        return Digest(sealed: SHA256.hash(data: bytes))
    }
}

extension Digest {
    package static let zero = Digest(known: [UInt8](repeating: 0, count: 32))

    fileprivate init(sealed digest: SHA256Digest) { self.init(known: Array(digest)) }

    private init(known bytes: [UInt8]) {
        guard let digest = Digest(bytes: bytes) else { preconditionFailure("a digest is 32 bytes") }
        self = digest
    }
}

extension [UInt8] {
    fileprivate mutating func append(number: Int64) {
        let pattern = UInt64(bitPattern: number)
        for shift in stride(from: 56, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: pattern >> shift))
        }
    }

    fileprivate mutating func append(text: String) {
        append(number: Int64(text.utf8.count))
        append(contentsOf: text.utf8)
    }
}
