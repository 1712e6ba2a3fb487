package import BelayCore

/// A table derived from the ledger, for people with `sqlite3` in their hands; no decision reads it.
package enum ProjectedTable: String, CaseIterable, Sendable {
    case version
    case endpoint
    case release

    package var columns: [String] {
        switch self {
        case .version:
            ["model", "number", "label", "digest", "entry", "size", "note", "registered_at", "withdrawn"]
        case .endpoint:
            [
                "model", "environment", "stable", "stable_since", "stable_release", "release", "formers",
                "automatic", "unfenced",
            ]
        case .release:
            [
                "id", "model", "environment", "candidate", "stable", "phase", "step", "share", "since",
                "cause",
                "held_by", "held_why", "held_since", "proposed_by", "proposed_at", "reason",
            ]
        }
    }

    /// How many of the columns, from the first, name a row.
    package var keyWidth: Int {
        switch self {
        case .version, .endpoint: 2
        case .release: 1
        }
    }
}

/// One row of a derived table, its values in the order of ``ProjectedTable/columns``.
package struct ProjectedRow: Equatable, Sendable {
    package struct Key: Hashable, Sendable, CustomStringConvertible {
        package let table: ProjectedTable
        package let values: [SQLValue]

        /// `fraud/3`, `fraud/prod` or `142`.
        package var description: String {
            values.map { $0.text ?? $0.integer.map(String.init) ?? "?" }.joined(separator: "/")
        }
    }

    package let table: ProjectedTable
    package let values: [SQLValue]

    package var key: Key { Key(table: table, values: Array(values.prefix(table.keyWidth))) }
}

/// Every row that the derived tables must hold, by table and key: a function of the state and nothing else.
package func projectionRows(of state: State) -> [ProjectedRow] {
    projectionRows(of: state, within: Reach(of: state))
}

/// The rows of the versions, endpoints and releases within reach.
func projectionRows(of state: State, within reach: Reach) -> [ProjectedRow] {
    let versions = reach.versions.sorted().compactMap { id in
        state.models[id.model].flatMap { model in model.versions[id.number].map { row(of: $0, in: model) } }
    }
    let endpoints = reach.endpoints.sorted().compactMap { state.endpoints[$0] }.map(row)
    let releases = reach.releases.sorted().compactMap { state.releases[$0] }.map(row)
    return versions + endpoints + releases
}

private func row(of version: Version, in model: Model) -> ProjectedRow {
    ProjectedRow(
        table: .version,
        values: [
            .text(version.id.model.text), SQLValue(version.id.number.value), SQLValue(version.label?.text),
            .text(version.digest.description), .text(version.entry.text),
            .integer(version.manifest.totalSize),
            SQLValue(version.note.map(storable)), SQLValue(model.registeredAt[version.id.number]),
            SQLValue(model.quarantine.contains(version.digest) ? 1 : 0),
        ]
    )
}

private func row(of endpoint: Endpoint) -> ProjectedRow {
    let automatic =
        switch endpoint.automatic {
        case .allowed: "allowed"
        case .suspended: "suspended"
        }
    return ProjectedRow(
        table: .endpoint,
        values: [
            .text(endpoint.id.model.text), .text(endpoint.id.environment.text),
            SQLValue(endpoint.stable?.version.value), SQLValue(endpoint.stable?.since),
            SQLValue(endpoint.stable?.release?.value), SQLValue(endpoint.release?.value),
            .text(endpoint.formers.map(\.version.description).joined(separator: " ")), .text(automatic),
            SQLValue(endpoint.unfenced?.epoch.value),
        ]
    )
}

private func row(of release: Release) -> ProjectedRow {
    let proposal = release.proposal
    let phase = release.phase.columns
    return ProjectedRow(
        table: .release,
        values: [
            SQLValue(release.id.value), .text(proposal.endpoint.model.text),
            .text(proposal.endpoint.environment.text), SQLValue(proposal.candidate.value),
            SQLValue(proposal.stable?.value), .text(phase.name), SQLValue(phase.step),
            SQLValue(release.share.partsPerMillion), SQLValue(phase.since ?? release.proposedAt),
            SQLValue(phase.cause), SQLValue(release.hold?.by.description), SQLValue(release.hold?.why),
            SQLValue(release.hold?.since), .text(release.proposedBy.description),
            SQLValue(release.proposedAt),
            SQLValue(release.reason),
        ]
    )
}

extension Release.Phase {
    /// A phase spread over columns; `since` is nil for the phase that begins with the proposal.
    fileprivate var columns: (name: String, step: Int?, since: Timestamp?, cause: String?) {
        switch self {
        case .gating: ("gating", nil, nil, nil)
        case .refused(let time, _): ("refused", nil, time, nil)
        case .shadow(let step, let since): ("shadow", step, since, nil)
        case .canary(let step, let since): ("canary", step, since, nil)
        case .watching(let since): ("watching", nil, since, nil)
        case .settled(let time): ("settled", nil, time, nil)
        case .rolledBack(let time, let cause): ("rolled_back", nil, time, storable(cause.label))
        }
    }
}

extension SQLValue {
    fileprivate init(_ time: Timestamp?) { self = time.map { .integer($0.milliseconds) } ?? .null }
}
