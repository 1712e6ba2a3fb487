import BelayControl
import BelayCore
import BelayStore
import Hummingbird

/// `/v1/ledger`: the record, and the proof that nobody touched it.
struct LedgerRoutes: Sendable {
    let ledger: any Ledger
    /// The ledger's file, which is verified from outside, as an auditor would.
    let path: String
    let info: @Sendable () async -> InfoView
    /// Hears of every verification whether the ledger was whole.
    let verified: @Sendable (Bool) -> Void

    func register(on router: RouterGroup<CallContext>) {
        router.get("ledger", use: entries)
        router.get("ledger/verify", use: verify)
        router.get("info") { _, _ in try jsonResponse(await info()) }
    }

    @Sendable
    private func entries(_ request: Request, context: CallContext) async throws -> Response {
        let after = try number("after", in: request, or: 0, from: 0...Int.max)
        let limit = try number("limit", in: request, or: 100, from: 1...1000)
        let page = try await ledger.entries(after: after, limit: limit)
        return try jsonResponse(EntryList(entries: page.map(EntryView.init)))
    }

    @Sendable
    private func verify(_ request: Request, context: CallContext) async throws -> Response {
        let path = path
        let view = try await onOwnThread { try verifyLedger(at: path) }
        verified(view.ok)
        return try jsonResponse(view)
    }

    private func number(
        _ name: String,
        in request: Request,
        or fallback: Int,
        from range: ClosedRange<Int>
    ) throws -> Int {
        guard let text = request.uri.queryParameters[name[...]] else { return fallback }
        guard let value = Int(text), range.contains(value) else {
            throw RequestError.badBody("'\(name)' must be a number from \(range.lowerBound)")
        }
        return value
    }
}

/// A page of the ledger, oldest first.
struct EntryList: Encodable {
    let entries: [EntryView]
}

/// One entry exactly as it is stored; `body` is the stored text, so that a hash can be repeated.
struct EntryView: Encodable {
    let seq: Int
    let at: Int64
    let actor: String
    let kind: String
    let subject: String
    let reason: String?
    let body: String
    let prev: String
    let hash: String

    init(_ entry: SealedEntry) {
        seq = entry.stored.sequence
        at = entry.stored.at
        actor = entry.stored.actor
        kind = entry.stored.kind
        subject = entry.stored.subject
        reason = entry.stored.reason
        body = entry.stored.body
        prev = entry.stored.previous.hex
        hash = entry.stored.hash.hex
    }
}
