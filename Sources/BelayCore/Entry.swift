/// An event with what the ledger keeps beside it, before it has a place in the chain.
package struct EntryDraft: Equatable, Sendable {
    package let at: Timestamp
    package let actor: Actor
    package let reason: String?
    package let event: Event

    package init(at: Timestamp, actor: Actor, reason: String?, event: Event) {
        self.at = at
        self.actor = actor
        self.reason = reason
        self.event = event
    }
}

/// One recorded event at its place: what ``State`` is folded from.
///
/// Hashes are the store's business; the fold needs only the order.
package struct Entry: Equatable, Sendable {
    /// 1 for the first entry of a ledger; dense.
    package let sequence: Int
    package let at: Timestamp
    package let actor: Actor
    package let reason: String?
    package let event: Event

    package init(sequence: Int, draft: EntryDraft) {
        self.sequence = sequence
        self.at = draft.at
        self.actor = draft.actor
        self.reason = draft.reason
        self.event = draft.event
    }
}
