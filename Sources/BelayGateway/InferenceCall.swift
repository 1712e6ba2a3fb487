import BelayCore
import BelayInference
import NIOCore
import NIOHTTP1

/// One inference request whose body is there: it runs what its ``Exchange`` decides.
///
/// Confined to the connection's event loop. It owns the clock of the request, the run under way and the
/// answer's way back; every rule about who answers is in the machine.
final class InferenceCall {
    private let cell: EventLoopCell
    private let ports: Ports
    private let routed: RoutedModel
    private let body: [UInt8]
    private let requestID: String
    private let arrival: Timestamp
    private let started: NIODeadline
    private let respond: (Reply) -> Void

    private var request = OIPRequest(id: nil, inputs: [], outputs: [])
    private var exchange: Exchange?
    /// Set from routing to the answer.
    private var cohort: Int?
    private var lastTried: Exchange.Attempt?
    private var response: [UInt8] = []
    private var cancellation: Cancellation?
    private var timer: Scheduled<Void>?
    private var callerLeft = false

    /// - Parameters:
    ///   - cell: The state of the connection's loop.
    ///   - ports: The gateway's surroundings.
    ///   - routed: The model, looked up in the cell's snapshot in this same turn of the loop.
    ///   - body: The whole body.
    ///   - requestID: What the answer is known by.
    ///   - respond: Writes the answer; called once, unless the caller leaves before.
    init(
        cell: EventLoopCell,
        ports: Ports,
        routed: RoutedModel,
        body: [UInt8],
        requestID: String,
        respond: @escaping (Reply) -> Void
    ) {
        self.cell = cell
        self.ports = ports
        self.routed = routed
        self.body = body
        self.requestID = requestID
        self.arrival = ports.clock()
        self.started = cell.eventLoop.now
        self.respond = respond
    }

    private var model: ModelName { routed.route.endpoint.model }

    /// The route of this moment, which may be another than the one the request was routed by.
    private var currentRoute: Route? { cell.snapshot.model(model.text)?.route }

    /// Reads the request, routes it and asks the first version.
    func begin(headers: HTTPHeaders, version: String?) {
        do throws(InferenceError) {
            request = try OIPRequest(decoding: body, limits: .standard)
        } catch {
            return reject(.malformed("\(error.explanation.summary) \(error.explanation.remedy)"))
        }
        do throws(Rejection) {
            let assignment = try assign(headers: headers, version: version)
            let exchange = Exchange(model: model, assignment: assignment)
            self.exchange = exchange
            cohort = cell.tally.admit()
            cell.begin(self)
            if let attempt = exchange.attempt { run(attempt) }
        } catch {
            reject(error)
        }
    }

    /// Another table became current; true when this request has to be answered again because of it.
    func reroute() -> Bool {
        guard var exchange, exchange.attempt != nil else { return false }
        let step = exchange.apply(.rerouted, route: currentRoute)
        self.exchange = exchange
        perform(step)
        return step != .wait
    }

    /// The caller's connection is gone.
    ///
    /// The run under way goes on to its own end: were it cut short, a version that is slower than its
    /// callers' patience would never be charged for it.
    func abandon() { callerLeft = true }

    /// The gateway stops: the run under way is wished to end, and nothing follows it.
    func cancel() {
        abandon()
        stopRun()
    }

    private func assign(headers: HTTPHeaders, version: String?) throws(Rejection) -> Assignment {
        if let version { return try Assignment.pinned(to: version, route: routed.route) }
        let unit: String? =
            switch routed.unitSource {
            case .request: nil
            case .header(let name): headers.first(name: name)
            case .pointer(let pointer): pointer.scalar(in: body)
            }
        return try Assignment.tossed(
            sticky: unit.flatMap { $0.isEmpty ? nil : UnitHash(bytes: $0.utf8) },
            fresh: cell.freshUnit,
            route: routed.route,
            loaded: routed.loaded
        )
    }

    // MARK: - Running

    private func perform(_ step: Exchange.Step) {
        if let charge = step.charge, let assignment = exchange?.assignment, let cohort {
            cell.tally.count(charge, of: assignment, in: cohort, seen: ports.seen)
        }
        switch step.action {
        case .wait: break
        case .run(let attempt):
            stopRun()
            run(attempt)
        case .answer(let attempt):
            stopRun()
            answer(attempt)
        case .reject(let rejection):
            stopRun()
            reject(rejection)
        }
    }

    private func ended(_ attempt: Exchange.Attempt, _ outcome: Exchange.Outcome) {
        guard var exchange else { return }
        let step = exchange.apply(.ended(attempt: attempt.number, outcome), route: currentRoute)
        self.exchange = exchange
        perform(step)
    }

    private func run(_ attempt: Exchange.Attempt) {
        guard !callerLeft else { return finish(Reply(status: 499, headers: [], json: [])) }
        lastTried = attempt
        guard let lane = cell.snapshot.model(model.text)?.lanes[attempt.version] else {
            return ended(attempt, .failed(.notLoaded))
        }
        do throws(InferenceError) {
            try lane.signature.check(request.inputs, outputs: request.outputNames)
        } catch {
            return ended(attempt, .mismatched("\(error.explanation.summary) \(error.explanation.remedy)"))
        }
        let cancellation = Cancellation()
        guard let run = lane.run(request, cancellation: cancellation, on: cell.eventLoop) else {
            return ended(attempt, .failed(.overloaded))
        }
        self.cancellation = cancellation
        schedule(attempt)
        cell.runBegan()
        // The closure holds the lane: a version stays loaded until its last request has ended.
        run.assumeIsolated().whenSuccess { [self, lane] completion in
            withExtendedLifetime(lane) { completed(attempt, completion) }
            cell.runEnded()
        }
    }

    private func completed(_ attempt: Exchange.Attempt, _ completion: Lane.Completion) {
        guard exchange?.attempt == attempt else { return }
        switch completion {
        case .answered(let bytes):
            response = bytes
            ended(attempt, .answered)
        case .failed(let failure): ended(attempt, .failed(failure))
        }
    }

    /// Sets the run's alarm.
    ///
    /// The whole chain has one deadline. A candidate gets half of what is left, so that stable can still
    /// answer in the other half.
    private func schedule(_ attempt: Exchange.Attempt) {
        let limit = max(1, routed.route.serving.timeoutMilliseconds)
        let left = max(.zero, started + .milliseconds(Int64(limit)) - cell.eventLoop.now)
        let budget = attempt.arm == .candidate ? .nanoseconds(left.nanoseconds / 2) : left
        timer = cell.eventLoop.assumeIsolated().scheduleTask(in: budget) { [self] in
            ended(attempt, .failed(.timedOut(milliseconds: limit)))
        }
    }

    private func stopRun() {
        timer?.cancel()
        timer = nil
        cancellation?.cancel()
        cancellation = nil
    }

    // MARK: - Answering

    /// Writes the answer, in the very turn of the loop in which ``Exchange`` compared its version with the
    /// table.
    ///
    /// That is the fence: a table becomes current in a turn of its own (``EventLoopCell/take(_:)``), so
    /// either this answer was handed to the connection before the loop acknowledged, or the machine saw the
    /// new table and did not let it go. Nothing may suspend, hop or buffer between the comparison and
    /// `respond`.
    private func answer(_ attempt: Exchange.Attempt) {
        finish(Reply(status: 200, headers: headers.list, json: response))
    }

    private func reject(_ rejection: Rejection) { finish(Reply(rejection, headers: headers.list)) }

    private var headers: AnswerHeaders {
        AnswerHeaders(
            requestID: requestID,
            epoch: cell.snapshot.table.epoch,
            version: lastTried?.version,
            release: releaseOfArm,
            arm: lastTried?.arm,
            fallback: exchange?.fallback
        )
    }

    private var releaseOfArm: ReleaseID? {
        switch lastTried?.arm {
        case .candidate: exchange?.assignment.trial?.release
        case .stable: currentRoute?.stable == lastTried?.version ? currentRoute?.stableRelease : nil
        case .pinned, nil: nil
        }
    }

    private func finish(_ reply: Reply) {
        timer?.cancel()
        timer = nil
        if let cohort { cell.tally.leave(cohort) }
        cohort = nil
        cell.end(self)
        // First the log: a label for this answer may come as soon as its caller has it.
        ports.record(record(of: reply))
        if !callerLeft { respond(reply) }
    }

    private func record(of reply: Reply) -> Answer {
        let assignment = exchange?.assignment
        return Answer(
            id: requestID,
            at: arrival,
            model: model,
            version: lastTried?.version,
            release: assignment?.trial?.release,
            arm: lastTried?.arm,
            share: assignment?.trial?.share ?? .none,
            unit: assignment?.stickyUnit,
            latencyMicroseconds: (cell.eventLoop.now - started).nanoseconds / 1000,
            status: callerLeft ? 499 : reply.status,
            fallback: exchange?.fallback?.description,
            request: body,
            response: callerLeft ? [] : reply.body
        )
    }
}
