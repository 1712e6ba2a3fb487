import BelayCore
import Foundation

/// The JSON that stands in the column `body`: keys sorted, slashes as they are.
func text(of event: Event) throws(StoreError) -> String {
    do {
        return try json(event.body)
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
        let body = Data(stored.body.utf8)
        event = try JSONDecoder().decode(DecodedEvent.self, from: body, configuration: kind).event
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

func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// Carries the kind, which stands in another column, to the decoder of the body.
private struct DecodedEvent: DecodableWithConfiguration {
    let event: Event

    init(from decoder: any Decoder, configuration kind: Event.Kind) throws {
        event = try Event(kind: kind, from: decoder)
    }
}
