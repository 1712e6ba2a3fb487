import BelayCore
import BelayInference
import Logging

extension Conductor {
    /// Makes up the difference between what the state demands and what is so.
    ///
    /// Doing it twice is harmless.
    func reconcile() async throws {
        try await turnstile.pass {
            _ = try await publishIfNewer()
            try await append([], by: .belay, reason: nil)
            let answering = suspensions.values.flatMap { suspension in
                suspension.route.answering.map { VersionID(suspension.endpoint.model, $0) }
            }
            let wanted = state.demand.loaded.union(reserved.keys).union(wishedTargets).union(answering)
            let idle = loader.loaded.subtracting(wanted)
            for version in idle { loader.unload(version) }
            checks = checks.filter { wanted.contains($0.key) }
            // Or a guard would want what has just failed to load, again and again.
            let known = wanted.union(wishedFormers)
            loadFailures = loadFailures.filter { known.contains($0.key) }
            if !idle.isEmpty { _ = try await publish() }
            loader.forgetArrivals(but: wanted)
        }
        sayRecorded()
    }

    func publishIfNewer() async throws -> Receipt {
        if let published, published.epoch >= state.epoch { return published }
        return try await publish()
    }

    /// Hands the gateways the table of the state, and with it what is loaded now.
    ///
    /// A publication that fails leaves none standing, so that the next round publishes again, for an instance
    /// too that was loaded or unloaded under an unchanged table.
    func publish() async throws -> Receipt {
        published = nil
        let handover = concluded(try await hand())
        let receipt = handover.acknowledged
        published = receipt
        for fence in state.endpoints.values.compactMap(\.unfenced) where receipt.epoch >= fence.epoch {
            let former = draining[fence.endpoint]
            // The first receipt is the one that is answered with.
            guard proven[fence.endpoint]?.fence != fence, former?.fence != fence else { continue }
            guard handover.drained != nil || former != nil else {
                proven[fence.endpoint] = (fence, receipt)
                continue
            }
            draining[fence.endpoint] = Drain(fence: fence) {
                _ = try await former?.receipt()
                return try await handover.drained?() ?? receipt
            }
            drains.continuation.yield()
        }
        return receipt
    }

    /// Hands the gateways the same routes again, so that they find instances that have been loaded since.
    func republish() async throws {
        _ = try await turnstile.pass { try await publish() }
    }

    /// The records of rollbacks that are over.
    ///
    /// They come after the fact here, and only here: they state what has been seen, and repeating the
    /// publication would see it again.
    var provenFences: [Event] {
        proven.values.sorted { $0.fence.epoch < $1.fence.epoch }.flatMap { fence, receipt in
            (try? decide(.recordFence(fence, receipt), by: .belay, in: state)) ?? []
        }
    }

    func recordProofs() async throws {
        defer { sayRecorded() }
        try await turnstile.pass { try await append([], by: .belay, reason: nil) }
    }

    func forgetRecordedFences() {
        proven = proven.filter { state.endpoints[$0.key]?.unfenced == $0.value.fence }
    }
}

/// A rollback that waits, beside everything else, for requests that the policy lets its version finish.
struct Drain: Sendable {
    let fence: PendingFence
    let receipt: @Sendable () async throws -> Receipt
    /// Whether somebody waits for it who is there as long as control is.
    var isWatched = false
}

extension Conductor {
    /// Waits for each drain as soon as there is one, until the task is cancelled.
    func watchDrains() async {
        await withDiscardingTaskGroup { group in
            for await _ in drains.stream {
                for (endpoint, drain) in draining where !drain.isWatched {
                    draining[endpoint]?.isWatched = true
                    group.addTask { await self.finish(drain) }
                }
            }
        }
    }

    /// What was performed, with the receipt behind the last request; without one when that is not known.
    func drained(_ performed: Performed, _ drains: [Drain]) async -> Performed {
        var performed = performed
        for drain in drains { performed.receipt = await finish(drain) }
        return performed
    }

    /// The proof that a rollback is over; nil if what it waits for cannot be waited for.
    @discardableResult
    private func finish(_ drain: Drain) async -> Receipt? {
        do {
            let receipt = try await drain.receipt()
            let (fence, endpoint) = (drain.fence, drain.fence.endpoint)
            if draining[endpoint]?.fence == fence {
                draining[endpoint] = nil
                noteRollbackEnd(at: endpoint)
                if state.endpoints[endpoint]?.unfenced == fence { proven[endpoint] = (fence, receipt) }
                proofs.continuation.yield()
            }
            return receipt
        } catch {
            // It stays pending: the next start sees that nothing is in flight any more.
            logger.error(
                "requests in flight could not be waited for",
                metadata: ["endpoint": "\(drain.fence.endpoint)", "error": "\(reasonText(error))"]
            )
            return nil
        }
    }
}
