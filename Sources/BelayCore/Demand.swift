/// What a state demands of the world, as one value.
///
/// Control compares it with what is so and makes up the difference. Meeting a demand twice is harmless, which
/// is why a crash between recording and acting needs no special recovery.
package struct Demand: Equatable, Sendable {
    /// Versions that must be loaded; anything else may be unloaded.
    package let loaded: Set<VersionID>
    /// The table every gateway must follow.
    package let table: RouteTable
    /// Releases whose gates must be run; a held one waits.
    package let gates: [ReleaseID]
    /// Rollbacks whose fence must be completed and recorded.
    package let fences: [PendingFence]
}

extension State {
    package var demand: Demand {
        Demand(
            loaded: Set(endpoints.values.flatMap(demandedVersions)),
            table: routeTable,
            gates: endpoints.keys.compactMap(activeRelease).filter { $0.phase == .gating && $0.hold == nil }
                .map(\.id).sorted(),
            fences: endpoints.values.compactMap(\.unfenced).sorted { $0.epoch < $1.epoch }
        )
    }

    /// The route table: a function of the state and nothing else.
    ///
    /// An endpoint that serves nothing has no route. Where a model has several endpoints, `prod` has it.
    package var routeTable: RouteTable {
        let serving = endpoints.values.filter { $0.stable != nil }.sorted { $0.id < $1.id }
        let routes = serving.map { ($0.id.model, route($0)) }
        return RouteTable(
            epoch: epoch,
            routes: Dictionary(routes) { $1.endpoint.environment == .prod ? $1 : $0 }
        )
    }

    private func route(_ endpoint: Endpoint) -> Route {
        let watched = predecessor(heldBackAt: endpoint)
        let stable = watched ?? endpoint.stable?.version
        let candidate = candidateRoute(endpoint)
        // Whom a holdback keeps from what serves comes to it before anybody else when its predecessor fails.
        let serving = watched == nil ? [] : [endpoint.stable?.version].compactMap { $0 }
        let standbys =
            serving
            + keptWarm(at: endpoint).fitting.filter { $0 != watched && $0 != candidate?.version }
        let withdrawn = models[endpoint.id.model]?.withdrawn ?? []
        let answering = Set([stable, candidate?.version].compactMap { $0 } + standbys)
        return Route(
            endpoint: endpoint.id,
            stable: stable,
            stableRelease: watched == nil ? endpoint.stable?.release : nil,
            candidate: candidate,
            watched: candidate == nil ? watchedRoute(endpoint) : nil,
            standbys: standbys,
            shadows: shadows(of: endpoint),
            withdrawn: withdrawn,
            aliases: names(of: answering.union(withdrawn), candidate?.version, at: endpoint),
            prediction: endpoint.effectivePolicy.labels.output,
            serving: endpoint.effectivePolicy.serving,
            failing: endpoint.effectivePolicy.rollback.failing
        )
    }

    /// Names of versions that may answer, and of those that may not any more, so that their callers are told;
    /// the endpoint's own come before anybody's.
    private func names(
        of versions: Set<VersionNumber>,
        _ candidate: VersionNumber?,
        at endpoint: Endpoint
    ) -> [String: VersionNumber] {
        guard let model = models[endpoint.id.model] else { return [:] }
        var names: [String: VersionNumber] = [:]
        for (alias, number) in model.aliases where versions.contains(number) { names[alias.text] = number }
        for number in versions {
            if let label = model.versions[number]?.label { names[label.text] = number }
        }
        names["stable"] = endpoint.stable?.version
        names["candidate"] = candidate
        return names
    }

    private func candidateRoute(_ endpoint: Endpoint) -> Route.Candidate? {
        guard let release = activeRelease(at: endpoint.id) else { return nil }
        switch release.phase {
        case .canary: break
        case .watching where predecessor(heldBackAt: endpoint) != nil: break
        default: return nil
        }
        return Route.Candidate(
            version: release.proposal.candidate,
            release: release.id,
            share: release.share,
            salt: release.salt,
            evidenceEpoch: release.evidenceEpoch,
            counting: release.proposal.counting
        )
    }

    /// The version that keeps some of the requests while the one that replaced it is watched.
    ///
    /// It is the same comparison, a last step of the ramp: units nest, failures fall back to the version that
    /// was good, and nothing about a request tells that the other is stable now.
    private func predecessor(heldBackAt endpoint: Endpoint) -> VersionNumber? {
        guard let release = activeRelease(at: endpoint.id), release.holdsBack,
            let former = release.proposal.stable, endpoint.formers.contains(where: { $0.version == former }),
            !isQuarantined(VersionID(endpoint.id.model, former))
        else { return nil }
        return former
    }

    /// What serves is watched by the guards of the release that brought it.
    private func watchedRoute(_ endpoint: Endpoint) -> Route.Watched? {
        guard let release = endpoint.stable?.release.flatMap({ releases[$0] }) else { return nil }
        return Route.Watched(
            release: release.id,
            counting: release.proposal.counting,
            isJudged: !release.hasEnded
        )
    }

    /// The shadow step of the release, and the standing shadow unless that version is there already.
    private func shadows(of endpoint: Endpoint) -> [Route.Shadow] {
        let release = activeRelease(at: endpoint.id)
        let candidate = release?.proposal.candidate
        let stepwise = release.flatMap { release in
            release.shadowShare > .none
                ? Route.Shadow(
                    version: release.proposal.candidate,
                    release: release.id,
                    share: release.shadowShare
                ) : nil
        }
        let standing = endpoint.shadow.flatMap { shadow in
            // While the candidate answers or shadows, it is not asked a second time beside that.
            shadow.version == endpoint.stable?.version
                || shadow.version == predecessor(heldBackAt: endpoint)
                || (shadow.version == candidate && isOnTrial(release))
                ? nil : Route.Shadow(version: shadow.version, release: nil, share: shadow.share)
        }
        return [stepwise, standing].compactMap { $0 }
    }

    private func isOnTrial(_ release: Release?) -> Bool { release?.phase.step != nil }

    /// Former stables that stay loaded, in the order in which a rollback prefers them; no withdrawn one.
    ///
    /// Those that take today's requests come before others, proven ones before others, newer before older.
    package func standbys(of endpoint: Endpoint) -> [VersionNumber] {
        let kept = keptWarm(at: endpoint)
        return kept.fitting + kept.others
    }

    /// Those of them that take today's requests, and those that do not.
    ///
    /// No more are compared than are needed: a rollback waits for this.
    private func keptWarm(at endpoint: Endpoint) -> (fitting: [VersionNumber], others: [VersionNumber]) {
        let model = endpoint.id.model
        let withdrawn = models[model]?.withdrawn ?? []
        let today = endpoint.stable.flatMap { version(VersionID(model, $0.version)) }?.signature
        let most = max(0, endpoint.effectivePolicy.rollback.keepWarm)
        var (fitting, others): ([VersionNumber], [VersionNumber]) = ([], [])
        for former in endpoint.preferredFormers
        where fitting.count < most && !withdrawn.contains(former.version) {
            let signature = version(VersionID(model, former.version))?.signature
            let mismatch = today.flatMap { signature?.inputMismatch(replacing: $0) }
            if mismatch == nil { fitting.append(former.version) } else { others.append(former.version) }
        }
        return (fitting, Array(others.prefix(most - fitting.count)))
    }

    private func demandedVersions(_ endpoint: Endpoint) -> [VersionID] {
        let candidate = activeRelease(at: endpoint.id)?.proposal.candidate
        let single = [
            endpoint.stable?.version, candidate, endpoint.shadow?.version, predecessor(heldBackAt: endpoint),
        ]
        let numbers = single.compactMap { $0 } + standbys(of: endpoint)
        return numbers.map { VersionID(endpoint.id.model, $0) }
    }
}
