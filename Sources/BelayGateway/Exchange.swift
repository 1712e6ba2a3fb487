import BelayCore

/// One inference request from routing to its answer, as a pure machine.
///
/// It decides which version is asked next, what the caller is told and which arm is charged; it runs nothing,
/// reads no clock and knows no connection. The caller of ``apply(_:route:mayRetry:)`` does what the step
/// says. Only one attempt is awaited at a time, and what a former one still says is not heard.
///
/// The chain is candidate → stable → older standbys → the policy's static answer → a rejection. A request
/// enters it where its coin or its caller put it, and a caller that names a version gets that one or none.
/// While a promoted candidate is watched with a holdback, stable is its predecessor, and the candidate stands
/// first among the standbys: what was kept from it comes to it when the predecessor fails.
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
    /// Who failed before the one that answers, in order.
    private(set) var hops: [Hop] = []
    private(set) var replays = 0
    /// Who was asked before the version that is asked now.
    private var tried: [VersionNumber] = []
    /// What the caller is told when the chain ends without an answer.
    private var complaint: Rejection?

    /// The machine, and the first attempt that it waits for.
    init(model: ModelName, assignment: Assignment) {
        self.model = model
        self.assignment = assignment
        let role: Role =
            switch assignment.arm {
            case .candidate: .candidate
            case .stable: .stable
            case .pinned: .pinned
            }
        state = .running(Attempt(number: 1, version: assignment.version, role: role))
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
    ///   - mayRetry: Takes one from the budget of second tries, if there is one; asked only when it is
    ///     needed.
    /// - Returns: The one thing to do, and the charge that goes with it.
    mutating func apply(_ event: Event, route: Route?, mayRetry: () -> Bool) -> Step {
        guard case .running(let attempt) = state else { return .wait }
        switch event {
        case .rerouted:
            guard isAllowed(attempt, by: route) else { return withdraw(attempt, route: route) }
            // What was withdrawn and is not any more may be withdrawn again, and is waited for anew.
            if attempt.isDraining {
                var answering = attempt
                answering.isDraining = false
                state = .running(answering)
            }
            return .wait
        case .ended(let number, _) where number != attempt.number:
            return .wait
        case .ended(_, let outcome):
            guard attempt.isDraining || isAllowed(attempt, by: route) else {
                return replay(attempt, route: route)
            }
            return conclude(attempt, outcome, route: route, mayRetry: mayRetry)
        }
    }

    /// Whether an answer of the attempt's version may leave under this route.
    private func isAllowed(_ attempt: Attempt, by route: Route?) -> Bool {
        route?.answers(with: attempt.version) ?? false
    }

    private mutating func conclude(
        _ attempt: Attempt,
        _ outcome: Outcome,
        route: Route?,
        mayRetry: () -> Bool
    ) -> Step {
        switch outcome {
        case .answered:
            state = .finished
            return Step(.answer(attempt), charge(.good))
        case .objected(let rejection):
            // The caller's fault: nobody is charged, and no other version is asked to judge the same request.
            return finish(rejection)
        case .failed(let failure):
            let verdict = failure.isCallers ? nil : charge(.bad(failure))
            complaint = complaint ?? (attempt.role == .candidate ? nil : rejection(attempt, failure))
            guard attempt.role != .pinned else { return finish(rejection(attempt, failure), verdict) }
            hops.append(Hop(role: attempt.role, reason: failure.reason))
            guard let next = next(after: attempt, route: route) else { return end(route, verdict) }
            // That a candidate's requests come to stable is no second try: without it they were there anyway.
            // Nor that those come to what serves which a holdback kept from it, for the same reason. Nor is
            // what nobody has run: were it counted, an open breaker would turn away what its version could
            // still have answered.
            let isFree =
                attempt.role == .candidate || next.version == route?.candidate?.version || failure.isUntried
            // All but standbys leave time for whoever comes next.
            let isInTime = isFree || attempt.role == .stable || !failure.isLate
            guard isInTime, isFree || mayRetry() else { return end(route, verdict) }
            var step = ask(next, after: attempt)
            step.charge = verdict
            return step
        }
    }

    /// The table does not allow the attempt's version any more, and the run is still under way.
    private mutating func withdraw(_ attempt: Attempt, route: Route?) -> Step {
        switch route?.failing.inflight ?? .replay {
        case .replay: return replay(attempt, route: route)
        case .drain:
            var draining = attempt
            draining.isDraining = true
            state = .running(draining)
            return .wait
        case .fail: return finish(.cutOff(VersionID(model, attempt.version)))
        }
    }

    /// The version was withdrawn under the request, so what it said is thrown away and nobody is charged:
    /// that it was slow enough to be overtaken is no evidence against it, and its release is over.
    private mutating func replay(_ attempt: Attempt, route: Route?) -> Step {
        if attempt.role == .pinned { return finish(.withdrawn(VersionID(model, attempt.version))) }
        guard replays < Self.mostReplays else { return finish(.rerouted(model, times: replays)) }
        replays += 1
        hops.append(Hop(role: attempt.role, reason: "withdrawn"))
        // Whoever failed before may be stable now, and the request has not been refused by it.
        tried = []
        guard let next = next(after: attempt, route: route) else { return end(route, nil) }
        return ask(next, after: attempt)
    }

    /// Stable, else the first standby that has not been asked.
    private func next(after attempt: Attempt, route: Route?) -> (version: VersionNumber, role: Role)? {
        guard let route else { return nil }
        let isFresh = { [tried] in $0 != attempt.version && !tried.contains($0) }
        if let stable = route.stable, isFresh(stable), route.answers(with: stable) {
            return (stable, .stable)
        }
        guard route.stable != nil else { return nil }
        let standby = route.standbys.first { isFresh($0) && route.answers(with: $0) }
        return standby.map { ($0, .standby) }
    }

    private mutating func ask(_ next: (version: VersionNumber, role: Role), after former: Attempt) -> Step {
        tried.append(former.version)
        let attempt = Attempt(number: former.number + 1, version: next.version, role: next.role)
        state = .running(attempt)
        return Step(.run(attempt), nil)
    }

    /// No version is left.
    private mutating func end(_ route: Route?, _ charge: Charge?) -> Step {
        state = .finished
        if let answer = route?.failing.answer { return Step(.answerFixed(answer), charge) }
        return Step(.reject(complaint ?? .nothingServes(model)), charge)
    }

    private mutating func finish(_ rejection: Rejection, _ charge: Charge? = nil) -> Step {
        state = .finished
        return Step(.reject(rejection), charge)
    }

    private func rejection(_ attempt: Attempt, _ failure: Failure) -> Rejection {
        failure.rejection(of: VersionID(model, attempt.version))
    }

    /// Charges the arm that the coin chose, once: after a hop that arm has been charged already.
    private func charge(_ verdict: Charge.Verdict) -> Charge? {
        guard hops.isEmpty, assignment.arm != .pinned else { return nil }
        return Charge(arm: assignment.arm, verdict: verdict)
    }
}

extension Route {
    /// Whether requests may be answered by this version.
    func answers(with version: VersionNumber) -> Bool {
        guard !withdrawn.contains(version) else { return false }
        return stable == version || candidate?.version == version || standbys.contains(version)
    }
}

extension Exchange {
    /// In which place of the chain a version is asked.
    enum Role: String, Equatable, Sendable {
        case candidate, stable, standby, pinned

        /// Under which arm its answers are known.
        var arm: Arm {
            switch self {
            case .candidate: .candidate
            case .stable, .standby: .stable
            case .pinned: .pinned
            }
        }
    }

    /// One version being asked once.
    struct Attempt: Equatable {
        let number: Int
        let version: VersionNumber
        let role: Role
        /// The version has been withdrawn meanwhile, and the policy lets it finish.
        var isDraining = false

        var arm: Arm { role.arm }
    }

    enum Event: Equatable {
        /// Another table became current.
        case rerouted
        case ended(attempt: Int, Outcome)
    }

    enum Outcome: Equatable {
        /// There are bytes that passed the guard.
        case answered
        /// The caller asked something that cannot be asked, or not of this version.
        case objected(Rejection)
        case failed(Failure)
    }

    /// Ways in which a version does not answer that are its own fault.
    enum Failure: Equatable, Sendable {
        case notLoaded
        case overloaded
        /// Its circuit breaker is open: it failed too often just now to be asked.
        case tripped
        case timedOut(milliseconds: Int)
        /// The caller allowed less time than the endpoint does, and it was not enough: that says nothing of
        /// the version, or one impatient caller could take it out for everybody.
        case outOfPatience(milliseconds: Int)
        case erred(String)
        case invalidOutput(String)

        /// As `Belay-Fallback` and the inference log name it.
        var reason: String {
            switch self {
            case .notLoaded: "not-loaded"
            case .overloaded: "overloaded"
            case .tripped: "tripped"
            case .timedOut: "timeout"
            case .outOfPatience: "deadline"
            case .erred: "error"
            case .invalidOutput: "invalid-output"
            }
        }

        /// Whether no time is left for anybody else.
        var isLate: Bool {
            switch self {
            case .timedOut, .outOfPatience: true
            default: false
            }
        }

        /// Whether no version has spent any time on it.
        var isUntried: Bool {
            switch self {
            case .notLoaded, .tripped: true
            default: false
            }
        }

        /// Whether it was the caller's doing.
        var isCallers: Bool { if case .outOfPatience = self { true } else { false } }

        func rejection(of version: VersionID) -> Rejection {
            switch self {
            case .notLoaded: .notLoaded(version)
            case .overloaded: .overloaded(version)
            case .tripped: .tripped(version)
            case .timedOut(let milliseconds): .timedOut(version, milliseconds: milliseconds)
            case .outOfPatience(let milliseconds): .tooLate(version.model, milliseconds: milliseconds)
            case .erred(let reason): .failed(version, reason: reason)
            case .invalidOutput(let reason): .invalidOutput(version, reason: reason)
            }
        }
    }

    /// Who did not answer although it was its turn, and why.
    struct Hop: Equatable, CustomStringConvertible {
        let role: Role
        let reason: String

        /// Whether it answered what is no answer.
        var isInvalidOutput: Bool { reason == Failure.invalidOutput("").reason }

        /// Whether it was asked and could not answer, rather than busy, absent or slow.
        var isFault: Bool { isInvalidOutput || reason == Failure.erred("").reason }

        var description: String { "\(role.rawValue)=\(reason)" }
    }

    /// All hops, as the header `Belay-Fallback` says them; nil without any.
    var fallback: String? {
        hops.isEmpty ? nil : hops.map(\.description).joined(separator: ", ")
    }

    enum Action: Equatable {
        case wait
        case run(Attempt)
        case answer(Attempt)
        case answerFixed(StaticAnswer)
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
