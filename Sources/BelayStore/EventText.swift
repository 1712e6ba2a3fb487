import BelayCore

/// The JSON that stands in the column `body`: keys sorted, slashes as they are.
func text(of event: Event) throws(StoreError) -> String {
    do {
        return try CompactJSON.text(of: event.body)
    } catch {
        throw .illegalEntry(sequence: 0, kind: event.kind, reason: "it cannot be written as JSON")
    }
}

/// Reads a row of the ledger as the entry it records.
func read(_ stored: StoredEntry) throws(LedgerProblem) -> Entry {
    func undecodable(_ reason: String) -> LedgerProblem {
        LedgerProblem(sequence: stored.sequence, what: .undecodable(reason: reason))
    }
    guard let kind = Event.Kind(rawValue: stored.kind) else {
        throw undecodable("this Belay knows no kind '\(stored.kind)'")
    }
    let event: Event
    do {
        event = try Event(kind: kind, from: CompactJSON.decoder(of: stored.body))
    } catch {
        throw undecodable("its body is not that of a \(stored.kind)")
    }
    let draft = EntryDraft(
        at: Timestamp(milliseconds: stored.at),
        actor: Actor(stored.actor),
        reason: stored.reason,
        event: event
    )
    return Entry(sequence: stored.sequence, draft: draft)
}
