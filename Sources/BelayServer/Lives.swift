import BelayControl
import BelayCore
import BelayGateway
import BelayInferenceLog
import BelayStore
import Foundation
import Logging
import ServiceLifecycle

/// The loop of control, until the server stops.
struct Conducting: Service {
    let conductor: Conductor

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            do {
                try await conductor.run(clock: ContinuousClock(), every: .milliseconds(200))
            } catch is CancellationError {
                // The ordinary end.
            }
        }
    }
}

/// Asks the monitor what guards on a `query` want to know, round after round.
struct Asking: Service {
    let poller: QueryPoller
    let cadence: Duration
    let conductor: Conductor
    /// The time that releases keep: how old a reading is, is measured by it.
    let now: @Sendable () -> Timestamp

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let questions = QueryPoller.questions(in: await conductor.state)
                // Whether a monitor's answer is of now is between the wall clocks of the two.
                for (release, readings) in await poller.answers(to: questions, now: wallClock) {
                    let time = now()
                    await conductor.take(readings.map { $0.taken(at: time) }, of: release)
                }
                do {
                    try await Task.sleep(for: cadence, clock: .continuous)
                } catch {
                    return
                }
            }
        }
    }
}

/// Removes answers that no policy keeps any longer, once a minute.
struct Forgetting: Service {
    let conductor: Conductor
    let log: InferenceLog
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let pause = await forget() ? Self.cadence : Self.patience
                do {
                    try await Task.sleep(for: pause, clock: .continuous)
                } catch {
                    return
                }
            }
        }
    }

    private static let cadence = Duration.seconds(60)
    /// After a failure: a disk that is full is soon full for good, if nothing is removed.
    private static let patience = Duration.seconds(5)

    /// False when something could not be removed.
    private func forget() async -> Bool {
        let endpoints = await conductor.state.endpoints.values
        let settings = endpoints.map { ($0.id.model, $0.effectivePolicy.serving.record) }
        log.setRetention(
            Dictionary(
                settings.map {
                    ($0, Retention(keepMilliseconds: $1.keepMilliseconds, keepBytes: $1.keepBytes))
                }
            ) { $1 }
        )
        do {
            let removed = try await log.applyRetention(now: wallClock())
            if removed > 0 { logger.info("answers were removed", metadata: ["count": "\(removed)"]) }
            return true
        } catch {
            logger.warning(
                "answers could not be removed",
                metadata: ["error": "\(error.explanation.summary)"]
            )
            return false
        }
    }
}

/// Joins labels that came before their answers were kept, once a second.
struct Joining: Service {
    private static let forgettingEvery = 60

    let intake: LabelIntake
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var rounds = 0
            while !Task.isCancelled {
                do {
                    try await Task.sleep(for: .seconds(1), clock: .continuous)
                    try await intake.joinWaiting()
                    rounds += 1
                    if rounds.isMultiple(of: Self.forgettingEvery) { try await intake.forgetWaiting() }
                } catch is CancellationError {
                    return
                } catch {
                    // They still wait, and are looked at again.
                    logger.warning("labels could not be joined", metadata: ["error": "\(error)"])
                }
            }
        }
    }
}

/// Hears first that the server is to stop, and says so to whoever asks whether it is ready.
struct Announcing: Service {
    let draining: Draining
    let handlesSignals: Bool

    func run() async throws {
        try? await gracefulShutdown()
        // Whoever asks a second time does not want to wait.
        if handlesSignals { for number in [SIGTERM, SIGINT] { signal(number, SIG_DFL) } }
        draining.begin()
    }
}

/// Lets requests that are under way finish, before control stops: what is wrong in them can be taken back to
/// the last moment, and probes are told the truth.
struct Finishing: Service {
    let gateway: Gateway

    func run() async throws {
        try? await gracefulShutdown()
        await gateway.shutdown()
    }
}

/// Ends last: requests in flight have been answered, and now the log is written out.
struct Closing: Service {
    let parts: Assembly.Parts

    func run() async throws {
        try? await gracefulShutdown()
        // What the last requests taught is recorded. Publishing to a stopped gateway may fail; the next start
        // repeats it.
        try? await parts.conductor.tick()
        await parts.log.close()
        try parts.store.close()
    }
}
