import BelayCore

/// Picks a release's story out of the ledger, read from its beginning.
///
/// The story goes on after the release has settled: taking its version out later belongs to it, up to the
/// proof that this is over. What a later release of the same version meets does not.
struct Story {
    let release: Release
    private(set) var entries: [Entry] = []
    private var isPromoted = false
    private var isOver = false

    init(of release: Release) { self.release = release }

    mutating func read(_ entry: Entry) {
        guard belongs(entry) else { return }
        entries.append(entry)
        switch entry.event {
        case .release(.promoted): isPromoted = true
        case .release(.fenceCompleted): isOver = true
        default: break
        }
    }

    private func belongs(_ entry: Entry) -> Bool {
        let (endpoint, candidate) = (release.proposal.endpoint, release.proposal.candidate)
        switch entry.event {
        case .release(.rolledBack(let rollback)):
            let takesOutWhatSettled = isPromoted && rollback.release == nil && !isOver
            return rollback.release == release.id
                || (takesOutWhatSettled && rollback.endpoint == endpoint && rollback.from == candidate)
        case .release(.fenceCompleted(let fence)):
            let isOfSettled = fence.release == nil && fence.endpoint == endpoint && hasRollback && !isOver
            return fence.release == release.id || isOfSettled
        case .safety(.quarantined(let quarantine)):
            return quarantine.version == VersionID(endpoint.model, candidate)
                && entries.last?.sequence == entry.sequence - 1
        case .release: return entry.event.subject == release.id.description
        case .registry, .safety, .operation: return false
        }
    }

    private var hasRollback: Bool {
        entries.contains { if case .release(.rolledBack) = $0.event { true } else { false } }
    }
}
