package import BelayCore
import BelayStore
import Logging

extension Conductor {
    /// How often a version that serves, or stands by, is asked its golden request.
    private static let probeCadence = Duration.seconds(30)

    /// What is known of each endpoint's stable version and of its standbys, in this order.
    func standbys(in state: State) -> [EndpointID: [StandbyHealth]] {
        state.endpoints.mapValues { endpoint in watched(at: endpoint, in: state).map(health) }
    }

    /// What is known of one version.
    package func health(of id: VersionID) -> StandbyHealth {
        guard loader.isLoaded(id) else {
            let failure = loadFailures[id]
            return StandbyHealth(
                version: id,
                standing: failure.map { .failing($0.reason) } ?? .probing,
                takeoverMicroseconds: nil,
                checkedAt: failure?.at,
                question: nil
            )
        }
        return checks[id]
            ?? StandbyHealth(
                version: id,
                standing: .probing,
                takeoverMicroseconds: nil,
                checkedAt: nil,
                question: nil
            )
    }

    /// Versions that could not take over, each with the reason: of all that serve or once served.
    ///
    /// What has not been asked since the start is not held against a version. That it is not loaded is only
    /// held against the one that serves: a rollback loads what it goes back to, and a proven version that
    /// takes a moment is better than another that is there.
    package var unready: [VersionID: String] {
        var unready: [VersionID: String] = [:]
        for endpoint in state.endpoints.values {
            for former in endpoint.formers {
                let id = VersionID(endpoint.id.model, former.version)
                unready[id] = health(of: id).standing.reason
            }
            guard let stable = endpoint.stable else { continue }
            let id = VersionID(endpoint.id.model, stable.version)
            unready[id] = health(of: id).standing.reason ?? (loader.isLoaded(id) ? nil : "it is not loaded")
        }
        return unready
    }

    private func watched(at endpoint: Endpoint, in state: State) -> [VersionID] {
        let stable = endpoint.stable.map { [$0.version] } ?? []
        return (stable + state.standbys(of: endpoint)).map { VersionID(endpoint.id.model, $0) }
    }

    /// Loaded versions that have not been asked for a while; those never asked come first.
    var dueProbes: [VersionID] {
        let time = now()
        let all = Set(state.endpoints.values.flatMap { watched(at: $0, in: state) })
        let due = all.filter(loader.isLoaded).filter { id in
            guard let checked = checks[id]?.checkedAt else { return true }
            return !(.zero..<Self.probeCadence).contains(time.since(checked))
        }
        func age(_ id: VersionID) -> Timestamp { checks[id]?.checkedAt ?? Timestamp(milliseconds: .min) }
        return due.sorted { (age($0), $0) < (age($1), $1) }
    }

    /// Asks a version its golden request and compares the answer with the one that is kept.
    ///
    /// The first answer is the one kept: it is given as soon as the version serves. Nothing here decides or
    /// records anything, so what fails is only told.
    func probe(_ id: VersionID) async {
        guard let reply = await loader.ask(id) else { return }
        let standing: StandbyHealth.Standing
        switch reply.outcome {
        case .answered(let outputs): standing = await compared(outputs, of: id)
        case .refused(let reason):
            // What was made up may not suit the model. That says nothing, unless it once did.
            let kept = try? await archive.golden(of: id)
            standing = reply.question == .madeUp && kept == nil ? .ready : .failing(reason)
        case .late: standing = .failing("It did not answer in time.")
        }
        let former = checks[id]?.standing
        checks[id] = StandbyHealth(
            version: id,
            standing: standing,
            takeoverMicroseconds: reply.elapsed.microseconds,
            checkedAt: now(),
            question: reply.question
        )
        guard former?.name != standing.name, let reason = standing.reason else { return }
        logger.error(
            "a golden request failed",
            metadata: ["version": "\(id)", "standing": "\(standing.name)", "reason": "\(reason)"]
        )
    }

    private func compared(_ outputs: GoldenOutputs, of id: VersionID) async -> StandbyHealth.Standing {
        do {
            if let kept = try await archive.golden(of: id).flatMap({ GoldenOutputs($0.body) }),
                kept.question == outputs.question
            {
                return outputs.difference(from: kept).map { .differs($0) } ?? .ready
            }
            // One too long to be kept is not compared: that it answers must do.
            guard let text = outputs.text else { return .ready }
            try await archive.keep(GoldenAnswer(version: id, at: now(), body: text))
        } catch {
            logger.error(
                "a golden answer could not be read or kept",
                metadata: ["version": "\(id)", "error": "\(reasonText(error))"]
            )
        }
        return .ready
    }
}
