import BelayCore
import BelayInference

extension Conductor {
    /// Makes up the difference between what the state demands and what is so.
    ///
    /// Doing it twice is harmless.
    func reconcile() async throws {
        try await turnstile.pass {
            _ = try await publishIfNewer()
            try await append([], by: .belay, reason: nil)
            let wanted = state.demand.loaded.union(reserved.keys)
            let idle = loader.loaded.subtracting(wanted)
            for version in idle { loader.unload(version) }
            checks = checks.filter { wanted.contains($0.key) }
            loadFailures = loadFailures.filter { wanted.contains($0.key) }
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
        let receipt = try await publisher.publish(routeTable)
        published = receipt
        for fence in state.endpoints.values.compactMap(\.unfenced) where receipt.epoch >= fence.epoch {
            // The first receipt is the one that was answered with.
            if proven[fence.endpoint]?.fence != fence { proven[fence.endpoint] = (fence, receipt) }
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
