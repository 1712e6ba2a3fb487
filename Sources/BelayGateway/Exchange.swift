import BelayCore

/// One inference request from routing to its answer, as a pure machine.
///
/// It decides which version is asked next, what the caller is told and which arm is charged; it runs nothing,
/// reads no clock and knows no connection. The caller of ``apply(_:route:)`` does what the step says. Only
/// one attempt is awaited at a time, and what a former one still says is not heard.
struct Exchange: Equatable {
    /// How often the version that answers may be withdrawn under one request before it gives up.
    static let mostReplays = 3

    enum State: Equatable {
        case running(Attempt)
        case finished
    }

    let model: ModelName
    let assignment: Assignment
    private(set) var state: State
    /// Why another version answers than the one the request was routed to.
    private(set) var fallback: Fallback?
    private(set) var replays = 0

    /// The machine, and the first attempt that it waits for.
    init(model: ModelName, assignment: Assignment) {
        self.model = model
        self.assignment = assignment
        self.state = .running(Attempt(number: 1, version: assignment.version, arm: assignment.arm))
    }

    /// The attempt under way; nil when the caller has been told something.
    var attempt: Attempt? {
        guard case .running(let attempt) = state else { return nil }
        return attempt
    }

    /// Takes what happened and says what to do.
    ///
    /// - Parameters:
    ///   - event: The news.
    ///   - route: The model's route in the table that is current now, not the one the request was routed by.
    /// - Returns: The one thing to do, and the charge that goes with it.
    mutating func apply(_ event: Event, route: Route?) -> Step {
        guard case .running(let attempt) = state else { return .wait }
        switch event {
        case .rerouted:
            return isAllowed(attempt, by: route) ? .wait : replay(attempt, route: route)
        case .ended(let number, _) where number != attempt.number:
            return .wait
        case .ended(_, let outcome):
            guard isAllowed(attempt, by: route) else { return replay(attempt, route: route) }
            return conclude(attempt, outcome, route: route)
        }
    }

    /// Whether an answer of the attempt's version may leave under this route.
    private func isAllowed(_ attempt: Attempt, by route: Route?) -> Bool {
        route?.answering.contains(attempt.version) ?? false
    }

    private mutating func conclude(_ attempt: Attempt, _ outcome: Outcome, route: Route?) -> Step {
        switch outcome {
        case .answered:
            state = .finished
            return Step(.answer(attempt), charge(.good))
        case .mismatched(let sentence):
            // The caller's fault: nobody is charged, and no other version is asked to judge the same request.
            return finish(.mismatch(sentence))
        case .failed(let failure):
            guard attempt.arm == .candidate, fallback == nil else {
                return finish(failure.rejection(of: VersionID(model, attempt.version)), charge(.bad(failure)))
            }
            fallback = Fallback(arm: .candidate, reason: failure.reason)
            var step = askStable(after: attempt, route: route)
            step.charge = Charge(arm: .candidate, verdict: .bad(failure))
            return step
        }
    }

    /// The version was withdrawn under the request, so what it said is thrown away and nobody is charged:
    /// that it was slow enough to be overtaken is no evidence against it, and its release is over.
    private mutating func replay(_ attempt: Attempt, route: Route?) -> Step {
        if attempt.arm == .pinned { return finish(.withdrawn(VersionID(model, attempt.version))) }
        guard replays < Self.mostReplays else { return finish(.rerouted(model, times: replays)) }
        replays += 1
        if fallback == nil { fallback = Fallback(arm: attempt.arm, reason: "withdrawn") }
        return askStable(after: attempt, route: route)
    }

    private mutating func askStable(after attempt: Attempt, route: Route?) -> Step {
        guard let stable = route?.stable, route?.answering.contains(stable) == true else {
            return finish(.nothingServes(model))
        }
        let next = Attempt(number: attempt.number + 1, version: stable, arm: .stable)
        state = .running(next)
        return Step(.run(next), nil)
    }

    private mutating func finish(_ rejection: Rejection, _ charge: Charge? = nil) -> Step {
        state = .finished
        return Step(.reject(rejection), charge)
    }

    /// Charges the arm that the coin chose, once: after a fallback the arm has been charged already.
    private func charge(_ verdict: Charge.Verdict) -> Charge? {
        guard fallback == nil, assignment.arm != .pinned else { return nil }
        return Charge(arm: assignment.arm, verdict: verdict)
    }
}

extension Exchange {
    /// One version being asked once.
    struct Attempt: Equatable {
        let number: Int
        let version: VersionNumber
        let arm: Arm
    }

    enum Event: Equatable {
        /// The attempt with this number came to an end.
        case ended(attempt: Int, Outcome)
        /// Another route table became current.
        case rerouted
    }

    enum Outcome: Equatable {
        /// There are bytes that passed the guard.
        case answered
        /// The inputs do not suit the version that was to be asked.
        case mismatched(String)
        case failed(Failure)
    }

    /// Ways in which a version does not answer that are its own fault.
    enum Failure: Equatable {
        case notLoaded
        case overloaded
        case timedOut(milliseconds: Int)
        case erred(String)
        case invalidOutput(String)

        /// As `Belay-Fallback` and the inference log name it.
        var reason: String {
            switch self {
            case .notLoaded: "not-loaded"
            case .overloaded: "overloaded"
            case .timedOut: "timeout"
            case .erred: "error"
            case .invalidOutput: "invalid-output"
            }
        }

        func rejection(of version: VersionID) -> Rejection {
            switch self {
            case .notLoaded: .notLoaded(version)
            case .overloaded: .overloaded(version)
            case .timedOut(let milliseconds): .timedOut(version, milliseconds: milliseconds)
            case .erred(let reason): .failed(version, reason: reason)
            case .invalidOutput(let reason): .invalidOutput(version, reason: reason)
            }
        }
    }

    /// Which arm did not answer although it was its turn, and why.
    struct Fallback: Equatable, CustomStringConvertible {
        let arm: Arm
        let reason: String

        var description: String { "\(arm.rawValue)=\(reason)" }
    }

    enum Action: Equatable {
        case wait
        case run(Attempt)
        case answer(Attempt)
        case reject(Rejection)
    }

    /// What to do, and which arm it tells for or against.
    struct Step: Equatable {
        let action: Action
        var charge: Charge?

        init(_ action: Action, _ charge: Charge?) {
            self.action = action
            self.charge = charge
        }

        static let wait = Step(.wait, nil)
    }
}

/// One outcome that counts for or against an arm.
struct Charge: Equatable {
    enum Verdict: Equatable {
        case good
        case bad(Exchange.Failure)
    }

    let arm: Arm
    let verdict: Verdict
}
