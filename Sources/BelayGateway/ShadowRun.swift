import BelayCore
import BelayInference
import NIOCore

/// One request copied to a version that answers nobody, after its caller has been served.
///
/// It is compared with what the caller got, counted, logged and forgotten. It is the first to be shed: a
/// version that serves and has anything to do in its queue, or a shadow that lags, gets no copies. Confined
/// to its loop.
final class ShadowRun {
    /// Copies that may wait for one shadow.
    static let mostWaiting = 16
    /// Nothing is copied while this many wait for the version that serves.
    static let busyServing = 8

    private let cell: EventLoopCell
    private let ports: Ports
    private let shadow: Route.Shadow
    private let routed: RoutedModel
    private let facts: InferenceCall.Facts
    private let served: Job.Payload
    private let subject: UnitHash?
    private let budget: TimeAmount
    private let started: NIODeadline
    private let cancellation = Cancellation()
    private var isOver = false
    private(set) var alarm = NIODeadline.distantFuture

    init(
        cell: EventLoopCell,
        ports: Ports,
        shadow: Route.Shadow,
        routed: RoutedModel,
        facts: InferenceCall.Facts,
        served: Job.Payload,
        subject: UnitHash?,
        budget: TimeAmount
    ) {
        self.cell = cell
        self.ports = ports
        self.shadow = shadow
        self.routed = routed
        self.facts = facts
        self.served = served
        self.subject = subject
        self.budget = budget
        started = cell.now
    }

    private var model: ModelName { routed.route.endpoint.model }

    func begin() {
        let serving = routed.route.stable.flatMap { routed.lanes[$0] }
        guard let lane = routed.lanes[shadow.version], lane.load < Self.mostWaiting,
            (serving?.load ?? 0) < Self.busyServing
        else { return cell.figures.shed(model: model, version: shadow.version) }
        let bound = NIOLoopBound(self, eventLoop: cell.eventLoop)
        let prediction = lane.signature.prediction(chosen: nil)?.name
        let job = Job(
            question: facts.question,
            purpose: .comparison(with: served.outputs, prediction: prediction),
            cancellation: cancellation,
            submitted: cell.now,
            eventLoop: cell.eventLoop
        ) { bound.value.completed($0) }
        let patience = TimeAmount.nanoseconds(budget.nanoseconds / 10)
        guard lane.submit(job, patience: patience, heedsBreaker: false) == nil else {
            return cell.figures.shed(model: model, version: shadow.version)
        }
        alarm = cell.now + budget
        cell.begin(self)
        cell.runBegan()
    }

    /// Another table became current: what a version says that is no shadow any more counts for nothing.
    func reroute() {
        let shadows = cell.snapshot.model(model.text)?.route.shadows ?? []
        if !shadows.contains(where: { $0.version == shadow.version && $0.release == shadow.release }) {
            cancel()
        }
    }

    func expire() {
        note(.failed(.timedOut(milliseconds: Int(budget.nanoseconds / 1_000_000))))
        cancellation.cancel()
    }

    func cancel() {
        isOver = true
        alarm = .distantFuture
        cancellation.cancel()
        cell.end(self)
    }

    private func completed(_ completion: Job.Completion) {
        cell.runEnded()
        note(completion)
    }

    private func note(_ completion: Job.Completion) {
        guard !isOver else { return }
        isOver = true
        alarm = .distantFuture
        cell.end(self)
        var outcome: ShadowOutcome?
        switch completion {
        case .compared(let comparison, let answer):
            keep(answer)
            outcome = comparison.differs ? .differed : .agreed
            cell.figures.pair(
                model: model,
                version: shadow.version,
                comparison: comparison,
                served: served.timing.ran,
                latency: cell.now - started
            )
        case .failed(.invalidOutput): outcome = .invalid
        case .failed: outcome = .failed
        // A question that suits stable and not its shadow is the shadow's failure too.
        case .objected: outcome = .failed
        case .answered, .cancelled: break
        }
        guard let outcome else { return }
        if outcome.isFailure { cell.figures.shadowFailed(model: model, version: shadow.version) }
        if let release = shadow.release { cell.tally.count(outcome, in: release) }
    }

    /// What a shadow said is kept beside what the caller was told, under the same id.
    private func keep(_ answer: OIPBody) {
        let record = routed.route.serving.record
        guard record.extent.keeps(cell.toss) else { return }
        _ = ports.log.record(
            Answer(
                id: facts.requestID,
                at: ports.clock(),
                epoch: cell.snapshot.table.epoch,
                model: model,
                version: shadow.version,
                release: shadow.release,
                arm: .candidate,
                share: .none,
                unit: nil,
                subject: subject,
                trace: facts.trace?.trace,
                latencyMicroseconds: (cell.now - started).nanoseconds / 1000,
                status: 200,
                fallback: nil,
                request: facts.question.body,
                requestHeaderLength: facts.question.headerLength,
                response: answer.bytes,
                responseHeaderLength: answer.headerLength,
                redaction: routed.redaction,
                isShadow: true
            ),
            false,
            nil
        )
    }
}

/// What one copied request came to.
enum ShadowOutcome: Equatable {
    case agreed, differed, failed, invalid

    var isFailure: Bool { self == .failed || self == .invalid }
}
