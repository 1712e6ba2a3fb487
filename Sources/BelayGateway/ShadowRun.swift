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
    private let shadow: Route.Shadow
    private let routed: RoutedModel
    private let served: Job.Payload
    private let keep: (OIPBody, TimeAmount) -> Void
    private let started: NIODeadline
    private let cancellation = Cancellation()
    private(set) var lane: Lane?
    private var isOver = false
    private(set) var alarm = NIODeadline.distantFuture

    /// - Parameters:
    ///   - cell: The state of the connection's loop.
    ///   - shadow: Who is asked.
    ///   - routed: The model, in the table by which the caller was answered.
    ///   - served: What the caller got.
    ///   - keep: Takes what the shadow said, and how long it took.
    init(
        cell: EventLoopCell,
        shadow: Route.Shadow,
        routed: RoutedModel,
        served: Job.Payload,
        keep: @escaping (OIPBody, TimeAmount) -> Void
    ) {
        self.cell = cell
        self.shadow = shadow
        self.routed = routed
        self.served = served
        self.keep = keep
        started = cell.now
    }

    private var budget: TimeAmount { .milliseconds(Int64(routed.route.serving.timeoutMilliseconds)) }

    private var model: ModelName { routed.route.endpoint.model }

    func begin(_ question: Question) {
        let serving = routed.route.stable.flatMap { routed.lanes[$0] }
        guard let lane = routed.lanes[shadow.version], lane.load < Self.mostWaiting,
            (serving?.load ?? 0) < Self.busyServing
        else { return cell.figures.shed(model: model, version: shadow.version) }
        let bound = NIOLoopBound(self, eventLoop: cell.eventLoop)
        let prediction = lane.signature.prediction(chosen: routed.route.prediction)?.name
        let job = Job(
            question: question,
            purpose: .comparison(with: served.outputs, prediction: prediction),
            cancellation: cancellation,
            submitted: cell.now,
            eventLoop: cell.eventLoop,
            observer: nil
        ) { bound.value.completed($0.completion) }
        let patience = TimeAmount.nanoseconds(budget.nanoseconds / 10)
        guard lane.submit(job, patience: patience, heedsBreaker: false) == nil else {
            return cell.figures.shed(model: model, version: shadow.version)
        }
        self.lane = lane
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
        case .compared(let comparison, let answer, let timing):
            keep(answer, cell.now - started)
            outcome = comparison.differs ? .differed : .agreed
            cell.figures.pair(
                model: model,
                version: shadow.version,
                comparison: comparison,
                served: served.timing.ran,
                shadow: timing.ran
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
}

/// What one copied request came to.
enum ShadowOutcome: Equatable {
    case agreed, differed, failed, invalid

    var isFailure: Bool { self == .failed || self == .invalid }
}
