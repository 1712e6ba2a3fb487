import BelayControl
import BelayCore

/// A state together with what is only known in this process, ready to be shown.
struct Snapshot: Sendable {
    let state: State
    let now: Timestamp
    let loaded: Set<VersionID>
    /// The newest reports of each running release.
    let reports: [ReleaseID: [GuardReport]]
    /// Stable and standbys of each endpoint, as their golden requests show them.
    let standbys: [EndpointID: [StandbyHealth]]
    /// Endpoints whose newest rollback is over although the record does not say so yet.
    let fenced: Set<EndpointID>
    /// What rollbacks that are not recorded yet keep from callers.
    let suspended: [EndpointID: Suspended]

    func endpoint(_ model: ModelName) -> EndpointView {
        let id = EndpointID(model, in: .prod)
        let endpoint = state.endpoints[id]
        return EndpointView(
            model: model.text,
            environment: id.environment.text,
            serving: endpoint.flatMap(serving),
            release: state.activeRelease(at: id).map(release),
            standbys: endpoint.map { state.standbys(of: $0).map(\.value) } ?? [],
            shadow: endpoint?.shadow.map {
                ShadowView(version: $0.version.value, share: $0.share.percent)
            },
            withdrawn: (state.models[model]?.withdrawn ?? []).map(\.value).sorted(),
            automatic: endpoint.map { $0.automatic == .allowed } ?? true,
            epoch: state.epoch.value,
            fencing: endpoint?.unfenced != nil && !fenced.contains(id),
            suspended: suspended[id].map { suspended in
                SuspensionView(
                    version: suspended.version.number.value,
                    since: suspended.since.description,
                    failure: suspended.failure
                )
            },
            readiness: standbys[id]?.map(StandbyView.init) ?? []
        )
    }

    func version(_ version: Version) -> VersionView {
        let model = state.models[version.id.model]
        return VersionView(
            model: version.id.model.text,
            version: version.id.number.value,
            label: version.label?.text,
            aliases: (model?.aliases ?? [:]).filter { $0.value == version.id.number }.keys.map(\.text)
                .sorted(),
            digest: version.digest.description,
            state: standing(of: version.id),
            bytes: version.manifest.totalSize,
            registeredAt: (model?.registeredAt[version.id.number] ?? now).description,
            metrics: version.metrics,
            params: version.params,
            note: version.note
        )
    }

    private func serving(_ endpoint: Endpoint) -> ServingView? {
        endpoint.stable.map { stable in
            let goodAfter = endpoint.effectivePolicy.rollback.goodAfterMilliseconds
            return ServingView(
                version: stable.version.value,
                since: stable.since.description,
                proven: stable.isProven(at: now, goodAfterMilliseconds: goodAfter),
                ready: loaded.contains(VersionID(endpoint.id.model, stable.version))
            )
        }
    }

    private func standing(of id: VersionID) -> String {
        let endpointID = EndpointID(id.model, in: .prod)
        if state.isQuarantined(id) { return "withdrawn" }
        guard let endpoint = state.endpoints[endpointID] else { return "registered" }
        if endpoint.stable?.version == id.number { return "serving" }
        if state.activeRelease(at: endpointID)?.proposal.candidate == id.number { return "candidate" }
        if state.standbys(of: endpoint).contains(id.number) { return "standby" }
        return endpoint.shadow?.version == id.number ? "shadow" : "registered"
    }
}
