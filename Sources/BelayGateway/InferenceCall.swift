import BelayCore
import BelayInference
import NIOCore
import NIOHTTP1

/// One inference request whose body is there: it runs what its ``Exchange`` decides.
///
/// Confined to the connection's event loop. It owns the clock of the request, the run under way and the
/// answer's way back; every rule about who answers is in the machine.
final class InferenceCall {
    /// The most that stable leaves to its standbys.
    private static let standbysShare = TimeAmount.milliseconds(250)

    /// What the connection knows of a request.
    struct Facts {
        let question: Question
        let selector: InferencePath.Selector
        let headers: HTTPHeaders
        let requestID: String
        let trace: TraceParent?
        let traceparent: String?
        let accepting: ContentCoding?
        /// How long the caller waits, in milliseconds, when it says so.
        let patience: Int?
    }

    let cell: EventLoopCell
    let ports: Ports
    let model: ModelName
    let facts: Facts
    let arrival: Timestamp
    let started: NIODeadline
    /// The time of the turn of the loop that has to do with the request: one look at the clock serves it all.
    private(set) var moment: NIODeadline
    let limit: Int
    /// Whether the caller allows less time than the endpoint does.
    let isHurried: Bool
    let record: RecordSettings
    /// As it was when the request came: a route that is gone since must not let through what it hid.
    let redaction: Redaction?
    let subjectSource: RoutedModel.Source?
    let unitSource: RoutedModel.Source
    let isRecorded: Bool
    let respond: (Reply) -> Void

    var exchange: Exchange?
    /// Set from routing to the answer.
    var cohort: Int?
    /// What is counted of it; nil when it named its version, or nothing is.
    var counting: Counting?
    var routedAt = NIODeadline.uptimeNanoseconds(0)
    /// When the version under way was done, before its record was written.
    var ranUntil: NIODeadline?
    var observation: Observation?
    /// The arm whose version gave an invalid output.
    var accused: Arm?
    var lastTried: Exchange.Attempt?
    var lane: Lane?
    /// When the run under way was asked for.
    private(set) var askedAt = NIODeadline.uptimeNanoseconds(0)
    /// Versions that failed on the request, until it is known whether others do, too.
    var doubts: [Doubt] = []
    var payload: Job.Payload?
    var cancellation: Cancellation?
    /// An answer whose record is on its way to the disk.
    var isCommitting = false
    var shadows: [Route.Shadow] = []
    var callerLeft = false
    /// The answer is the policy's, and no version's.
    var isFixed = false
    var isOver = false
    /// Looked up once in each table.
    private var found: (snapshot: Snapshot, model: RoutedModel?)
    /// When the loop has to look at the run under way.
    var alarm = NIODeadline.distantFuture

    /// - Parameters:
    ///   - cell: The state of the connection's loop.
    ///   - ports: The gateway's surroundings.
    ///   - routed: The model, looked up in the cell's snapshot in this same turn of the loop.
    ///   - facts: The request.
    ///   - respond: Writes the answer; called once, unless the caller leaves before.
    init(
        cell: EventLoopCell,
        ports: Ports,
        routed: RoutedModel,
        facts: Facts,
        respond: @escaping (Reply) -> Void
    ) {
        self.cell = cell
        self.ports = ports
        self.model = routed.route.endpoint.model
        self.found = (cell.snapshot, routed)
        self.facts = facts
        self.arrival = ports.clock()
        self.started = cell.now
        self.moment = started
        self.respond = respond
        let settings = routed.route.serving
        limit = min(max(1, settings.timeoutMilliseconds), facts.patience ?? .max)
        isHurried = limit < max(1, settings.timeoutMilliseconds)
        record = settings.record
        redaction = routed.redaction
        subjectSource = routed.subjectSource
        unitSource = routed.unitSource
        isRecorded = settings.record.extent.keeps(cell.toss)
    }

    /// The route of this moment, which may be another than the one the request was routed by.
    var current: RoutedModel? {
        if cell.snapshot !== found.snapshot {
            found = (cell.snapshot, cell.snapshot.model(model.text))
        }
        return found.model
    }

    /// Begins a turn: whoever comes back to the request looks first.
    func look() { moment = cell.now }

    var deadline: NIODeadline { started + .milliseconds(Int64(limit)) }

    // MARK: - Routing

    /// Routes the request and asks the first version.
    func begin() {
        cell.begin(self)
        guard case .routed = facts.selector, let routed = current,
            case .pointer(let pointer) = routed.unitSource
        else { return route(unit: nil) }
        let question = facts.question
        guard question.coding != nil || question.length > ports.configuration.readLimit else {
            return route(unit: question.scalar(at: pointer))
        }
        // Reading a long body takes as long as running a model: neither belongs on the loop.
        let bound = NIOLoopBound(self, eventLoop: cell.eventLoop)
        let cancellation = Cancellation()
        self.cancellation = cancellation
        alarm = deadline
        cell.runBegan()
        let isTaken = ports.readers.run(on: cell.eventLoop) {
            cancellation.isCancelled ? nil : question.scalar(at: pointer)
        } then: { unit in
            bound.value.cell.runEnded()
            bound.value.look()
            bound.value.route(unit: unit)
        }
        guard !isTaken else { return }
        cell.runEnded()
        reject(.busy)
    }

    private func route(unit: String?) {
        guard !isOver else { return }
        alarm = .distantFuture
        guard let routed = current else { return reject(.nothingServes(model)) }
        do throws(Rejection) {
            let assignment = try assign(unit, routed)
            exchange = Exchange(model: model, assignment: assignment)
            cohort = cell.tally.admit()
            counting = assignment.arm == .pinned ? nil : routed.counting
            routedAt = moment
            cell.retries.noteRequest()
            if assignment.arm != .pinned { shadows = cell.chosenShadows(of: routed.route) }
            if let attempt = exchange?.attempt { run(attempt) }
        } catch {
            reject(error)
        }
    }

    private func assign(_ found: String?, _ routed: RoutedModel) throws(Rejection) -> Assignment {
        switch facts.selector {
        case .version(let text): return try Assignment.pinned(to: text, route: routed.route)
        case .alias(let name): return try Assignment.pinned(toAlias: name, route: routed.route)
        case .routed: break
        }
        let unit: String? =
            switch routed.unitSource {
            case .request: nil
            case .header(let name): facts.headers.value(of: name)
            case .pointer: found
            }
        return try Assignment.tossed(
            sticky: unit.flatMap { $0.isEmpty ? nil : UnitHash(bytes: $0.utf8) },
            fresh: cell.freshUnit,
            route: routed.route,
            loaded: routed.loaded
        )
    }

    // MARK: - What happens to it

    /// Another table became current.
    func reroute() -> Rerouting {
        look()
        // In place here and below: a copy of the machine would retain all that it remembers.
        let route = current?.route
        guard let before = exchange?.attempt,
            let step = exchange?.apply(.rerouted, route: route, mayRetry: { false })
        else { return .undisturbed }
        let attempt = exchange?.attempt
        perform(step)
        if let fate = Rerouting(step.action) { return fate }
        return attempt?.isDraining == true && !before.isDraining ? .draining : .undisturbed
    }

    /// The time of the run under way is up.
    func expire() {
        look()
        alarm = .distantFuture
        guard let attempt = exchange?.attempt else {
            cancellation?.cancel()
            return reject(.tooLate(model, milliseconds: limit))
        }
        // The version has answered; that the disk is slow says nothing of it.
        if isCommitting { return ended(attempt, .objected(.tooLate(model, milliseconds: limit))) }
        ended(
            attempt,
            .failed(isHurried ? .outOfPatience(milliseconds: limit) : .timedOut(milliseconds: limit))
        )
    }

    /// The caller's connection is gone.
    ///
    /// The run under way goes on to its own end: were it cut short, a version that is slower than its
    /// callers' patience would never be charged for it.
    func abandon() {
        callerLeft = true
        // Nothing runs yet: its body need not be read any more.
        if exchange == nil { cancellation?.cancel() }
    }

    /// The gateway stops: the run under way is wished to end, and nothing follows it.
    func cancel() {
        look()
        abandon()
        stopRun()
        // What the run still says is heard by nobody, and charged to nobody: it was cut short.
        finish(Reply(status: 499, headers: [], json: []), isKept: isCommitting)
    }

    private func perform(_ step: Exchange.Step) {
        if let charge = step.charge { count(charge) }
        if step.action != .wait { stopRun() }
        switch step.action {
        case .wait: break
        case .run(let attempt): run(attempt)
        case .answer: answer()
        case .answerFixed(let fixed): answer(fixed)
        case .reject(let rejection): reject(rejection)
        }
    }

    func ended(_ attempt: Exchange.Attempt, _ outcome: Exchange.Outcome) {
        cell.underCurrentTable { conclude(attempt, outcome) }
    }

    private func conclude(_ attempt: Exchange.Attempt, _ outcome: Exchange.Outcome) {
        guard exchange?.attempt?.number == attempt.number else { return }
        if case .objected(let rejection) = outcome { count(rejection) }
        countRescue(attempt, outcome)
        tell(lane, of: outcome, attempt)
        lane = nil
        let route = current?.route
        let step = exchange?.apply(.ended(attempt: attempt.number, outcome), route: route) {
            cell.retries.take(at: moment)
        }
        guard let step else { return }
        settleDoubts(after: outcome, step.action)
        perform(step)
    }

    // MARK: - Running

    private func run(_ attempt: Exchange.Attempt) {
        guard !callerLeft else { return finish(Reply(status: 499, headers: [], json: [])) }
        lastTried = attempt
        payload = nil
        (ranUntil, observation) = (nil, nil)
        isCommitting = false
        cell.noteAttempt(of: self)
        guard let routed = current, let lane = routed.lanes[attempt.version] else {
            return ended(attempt, .failed(.notLoaded))
        }
        let left = max(.zero, deadline - moment)
        let budget = budget(of: attempt, routed, left)
        let cancellation = Cancellation()
        let bound = NIOLoopBound(self, eventLoop: cell.eventLoop)
        let number = attempt.number
        let job = Job(
            question: facts.question,
            purpose: .answer(accepting: facts.accepting, keepsOutputs: !shadows.isEmpty),
            cancellation: cancellation,
            submitted: moment,
            eventLoop: cell.eventLoop,
            observer: counting.flatMap { routed.observer(of: attempt.version, $0) }
        ) { bound.value.completed(number, $0) }
        let refusal = submit(job, to: lane, for: attempt, routed)
        if let refusal {
            if refusal == .overloaded { cell.figures.shown.shed(by: lane.version) }
            return ended(attempt, .failed(refusal))
        }
        (self.lane, askedAt) = (lane, moment)
        self.cancellation = cancellation
        alarm = moment + budget
        cell.runBegan()
    }

    /// How long the version may take: what it leaves is for the next in the chain.
    ///
    /// A candidate gets half, so that stable can answer in the other half. Stable leaves a quarter to a
    /// standby that would answer, but no more than that may need: most of the time it is stable's own.
    private func budget(
        of attempt: Exchange.Attempt,
        _ routed: RoutedModel,
        _ left: TimeAmount
    ) -> TimeAmount {
        switch attempt.role {
        case .candidate: .nanoseconds(left.nanoseconds / 2)
        case .stable where routed.hasStandby(besides: attempt.version):
            .nanoseconds(left.nanoseconds - min(left.nanoseconds / 4, Self.standbysShare.nanoseconds))
        case .stable, .standby, .pinned: left
        }
    }

    private func completed(_ number: Int, _ ending: Job.Ending) {
        cell.runEnded()
        look()
        guard let attempt = exchange?.attempt, attempt.number == number, !isOver else { return }
        (ranUntil, observation) = (moment, ending.observation)
        switch ending.completion {
        case .answered(let payload):
            self.payload = payload
            guard isDurable else { return ended(attempt, .answered) }
            commit { [self] isKept in
                guard exchange?.attempt?.number == number else { return }
                ended(attempt, isKept ? .answered : .objected(.logFull(model)))
            }
        case .objected(let rejection): ended(attempt, .objected(rejection))
        case .failed(let failure): ended(attempt, .failed(failure))
        case .cancelled: ended(attempt, .failed(.erred("The run was cancelled before it began.")))
        case .compared: break
        }
    }

    private func stopRun() {
        alarm = .distantFuture
        cancellation?.cancel()
        cancellation = nil
        if let lane { _ = lane.note(.neither, at: moment, begun: askedAt) }
        lane = nil
    }
}

extension Exchange.Failure {
    /// Whether the version was asked at all.
    var wasRun: Bool {
        switch self {
        case .timedOut, .outOfPatience, .erred, .invalidOutput: true
        case .notLoaded, .overloaded, .tripped: false
        }
    }
}

extension RecordSettings.Extent {
    /// Whether this answer is kept; `toss` gives a number below one million.
    func keeps(_ toss: () -> Int) -> Bool {
        switch self {
        case .every: true
        case .none: false
        case .sample(let share): toss() < share.partsPerMillion
        }
    }
}
