import BelayCore

/// The rules of the ledger's chain, and the state folded along it: pure, for every store and every verifier.
///
/// The hash of an entry is the SHA-256 over the hash of the entry before (32 zero bytes for the first) and
/// all other columns of its row, exactly as they are stored. Numbers are eight bytes, big-endian, two's
/// complement; a text is its length in bytes as such a number, then its UTF-8 bytes; a reason is the byte 1
/// and its text, or the byte 0 when it is NULL. No two rows give the same bytes. An auditor needs no Belay
/// (`Scripts/verify_ledger.py` is this with an exit code):
///
/// ```python
/// import hashlib, sqlite3, struct, sys
/// number = lambda value: struct.pack(">q", value)
/// text = lambda value: number(len(value)) + value
/// bytes_of = lambda name: f"CAST({name} AS BLOB)"
/// columns = ["seq", "at", *map(bytes_of, ["actor", "kind", "subject", "reason", "body"]), "prev", "hash"]
/// ledger = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
/// expected, head = 1, bytes(32)
/// for seq, at, actor, kind, subject, reason, body, prev, stored in ledger.execute(
///     f"SELECT {', '.join(columns)} FROM ledger ORDER BY seq"
/// ):
///     covered = prev + number(seq) + number(at) + text(actor) + text(kind) + text(subject)
///     covered += b"\0" if reason is None else b"\1" + text(reason)
///     covered += text(body)
///     if seq != expected or prev != head or hashlib.sha256(covered).digest() != stored:
///         sys.exit(f"entry {expected} is bad")
///     expected, head = seq + 1, stored
/// print(f"{expected - 1} entries, head {head.hex()}")
/// ```
struct Chain: Equatable, Sendable {
    /// The longest body, in bytes.
    static let longestBody = 4 << 20
    /// The longest reason, in bytes.
    static let longestReason = 64 << 10

    private(set) var head = Head.genesis
    private(set) var state = State()
    /// When the newest entry was recorded.
    private(set) var at: Timestamp?

    var standing: Standing { Standing(head: head, state: state, newest: at) }

    /// Gives the draft its place at the end.
    ///
    /// What is folded is what a reader of the sealed texts gets, so that a replay cannot differ. Its time
    /// is never before that of the entry before: clocks jump, and order is the sequence's business.
    ///
    /// - Throws: ``StoreError/illegalEntry(sequence:kind:reason:)`` or
    ///   ``StoreError/entryTooLarge(kind:size:limit:)``; the chain is then unchanged.
    mutating func seal(_ draft: EntryDraft) throws(StoreError) -> SealedEntry {
        let kind = draft.event.kind
        let body = try text(of: draft.event)
        try limit(body, to: Self.longestBody, kind)
        try draft.reason.map { reason throws(StoreError) in try limit(reason, to: Self.longestReason, kind) }
        let time = max(draft.at, at ?? draft.at)
        let stored = StoredEntry(
            sequence: head.sequence + 1,
            at: time.milliseconds,
            actor: Actor(storable(draft.actor.description)).description,
            kind: kind.rawValue,
            subject: draft.event.subject,
            reason: draft.reason.map(storable),
            body: body,
            previous: head.hash,
            hash: .zero
        ).sealed
        do {
            return try fold(stored)
        } catch {
            throw .illegalEntry(sequence: stored.sequence, kind: kind, reason: error.reason)
        }
    }

    /// Checks that the row comes next, and folds it.
    ///
    /// - Throws: What is wrong with it; the chain is then unchanged.
    @discardableResult
    mutating func take(_ stored: StoredEntry) throws(LedgerProblem) -> SealedEntry {
        guard stored.sequence == head.sequence + 1 else { throw problem(.missing(next: stored.sequence)) }
        guard stored.previous == head.hash else { throw problem(.unlinked) }
        guard stored.hash == stored.demandedHash else { throw problem(.altered) }
        return try fold(stored)
    }

    private func problem(_ what: LedgerProblem.What) -> LedgerProblem {
        LedgerProblem(sequence: head.sequence + 1, what: what)
    }

    /// Folds a row that has its place and its hash.
    private mutating func fold(_ stored: StoredEntry) throws(LedgerProblem) -> SealedEntry {
        let entry = try read(stored)
        guard entry.at >= at ?? entry.at else { throw problem(.outOfTime) }
        do { try state.apply(entry) } catch { throw problem(.illegal) }
        head = Head(sequence: stored.sequence, hash: stored.hash)
        at = entry.at
        return SealedEntry(entry: entry, stored: stored)
    }
}

extension LedgerProblem {
    fileprivate var reason: String {
        switch what {
        case .undecodable(let reason): "it does not read back: \(reason)"
        default: "it does not follow from what is recorded"
        }
    }
}

/// Some databases end a text at its first zero byte, so none may enter.
func storable(_ text: String) -> String {
    text.utf8.contains(0) ? String(text.unicodeScalars.map { $0 == "\0" ? "\u{fffd}" : Character($0) }) : text
}

private func limit(_ text: String, to bytes: Int, _ kind: Event.Kind) throws(StoreError) {
    guard text.utf8.count <= bytes else {
        throw .entryTooLarge(kind: kind, size: text.utf8.count, limit: bytes)
    }
}
