package import BelayCore

/// A state and the entries that led to it, made by commands instead of by hand.
///
/// It decides and folds as the server does, with neither store nor clock:
///
/// ```swift
/// var world = World()
/// try world.perform(.register(Build.version("fraud", bytes: "one")), at: 1_000)
/// try world.serve("fraud", bytes: "two", at: 2_000)
/// #expect(world.state.endpoints[Build.endpoint("fraud")]?.stable?.version == Build.number(2))
/// ```
package struct World: Sendable {
    package private(set) var state = State()
    package private(set) var entries: [Entry] = []

    package init() {}

    /// What a store would be asked to append, entry by entry.
    package var drafts: [EntryDraft] {
        entries.map { EntryDraft(at: $0.at, actor: $0.actor, reason: $0.reason, event: $0.event) }
    }

    /// Decides `command` in the present state, folds what follows and returns it.
    ///
    /// Times are milliseconds since 1970. A `Refusal` is thrown when the state does not allow the command.
    @discardableResult
    package mutating func perform(
        _ command: Command,
        by actor: Actor = .person("ada"),
        at milliseconds: Int64,
        reason: String? = nil
    ) throws -> [Event] {
        let events = try decide(command, by: actor, in: state)
        for event in events {
            let time = Timestamp(milliseconds: milliseconds)
            let draft = EntryDraft(at: time, actor: actor, reason: reason, event: event)
            let entry = Entry(sequence: state.sequence + 1, draft: draft)
            try state.apply(entry)
            entries.append(entry)
        }
        return events
    }

    /// The release that has not ended at a model's endpoint.
    package func release(of model: String) -> Release? { state.activeRelease(at: Build.endpoint(model)) }

    /// Proposes a release and lets its gates pass: it is then in its first step, or serves.
    @discardableResult
    package mutating func release(
        _ model: String,
        _ number: Int,
        policy: Policy? = nil,
        at milliseconds: Int64
    ) throws -> ReleaseID {
        let id = state.nextRelease
        let request = ReleaseRequest(
            endpoint: Build.endpoint(model),
            candidate: .number(Build.number(number)),
            policy: policy ?? Build.policy(model),
            origin: .person,
            salt: Salt(UInt64(id.value))
        )
        try perform(.release(request), at: milliseconds)
        let passed = GateReport(gate: .signature, outcome: .pass, detail: "")
        try perform(.concludeGates(GateResult(release: id, gates: [passed])), by: .belay, at: milliseconds)
        return id
    }

    /// Registers a version and makes it stable, by way of a release that a person promotes.
    @discardableResult
    package mutating func serve(_ model: String, bytes: String, at milliseconds: Int64) throws
        -> VersionNumber
    {
        let draft = Build.version(model, bytes: bytes)
        try perform(.register(draft), at: milliseconds)
        guard let version = state.models[draft.model]?.version(digest: draft.digest) else {
            preconditionFailure("a registered version is in the state")
        }
        let id = try release(model, version.id.number.value, at: milliseconds)
        if state.releases[id]?.phase.step != nil {
            try perform(.promote(id), at: milliseconds)
        }
        if let phase = state.releases[id]?.phase, case .watching = phase {
            try perform(.rule(id, .advance([])), by: .belay, at: milliseconds)
        }
        return version.id.number
    }

    /// Goes back to the last good version, or takes the candidate out.
    package mutating func rollBack(_ model: String, to number: Int? = nil, at milliseconds: Int64) throws {
        let target = number.map { VersionReference.number(Build.number($0)) }
        let request = RollbackRequest(endpoint: Build.endpoint(model), to: target, unloadable: [:])
        try perform(.rollback(request), at: milliseconds)
    }

    /// Records that a rollback's fence is complete.
    package mutating func fence(_ model: String, at milliseconds: Int64) throws {
        guard let pending = state.endpoints[Build.endpoint(model)]?.unfenced else { return }
        let receipt = Receipt(
            epoch: pending.epoch,
            loops: 2,
            replayed: 0,
            drained: 0,
            elapsedMicroseconds: 700
        )
        try perform(.recordFence(pending, receipt), by: .belay, at: milliseconds)
    }
}
