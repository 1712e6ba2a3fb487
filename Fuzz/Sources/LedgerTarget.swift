import BelayCore

/// A ledger as it may come back from a backup: a kind and a body on each line.
///
/// What is read is the same when it is written and read again, and whatever follows from it is a refusal, not
/// a trap.
func tryLedger(_ input: [UInt8]) {
    var state = State()
    for line in input.split(separator: UInt8(ascii: "\n")).prefix(100) {
        let words = line.split(separator: UInt8(ascii: " "), maxSplits: 1)
        guard words.count == 2, let kind = Event.Kind(rawValue: String(decoding: words[0], as: UTF8.self)),
            let event = read(kind, String(decoding: words[1], as: UTF8.self))
        else { continue }
        let text = try? CompactJSON.text(of: event.body)
        precondition(text.flatMap { read(kind, $0) } == event, "written and read again, the entry is another")
        let draft = EntryDraft(
            at: Timestamp(milliseconds: Int64(state.sequence) * 1000),
            actor: Actor("fuzz"),
            reason: nil,
            event: event
        )
        try? state.apply(Entry(sequence: state.sequence + 1, draft: draft))
        _ = state.demand
    }
    for endpoint in state.endpoints.keys {
        let request = RollbackRequest(endpoint: endpoint, to: nil, unloadable: [:])
        _ = try? decide(.rollback(request), by: Actor("fuzz"), in: state)
    }
}

private func read(_ kind: Event.Kind, _ text: String) -> Event? {
    try? Event(kind: kind, from: CompactJSON.decoder(of: text))
}
