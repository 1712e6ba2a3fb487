package import BelayCore

/// Tells what happens: reads the ledger, watches the guards, and sends until it has arrived.
///
/// It decides nothing and holds up nothing: it reads what control has recorded, and a target that hangs keeps
/// only its own notices waiting.
package actor Herald {
    /// What is so at one moment.
    package struct View: Sendable {
        package let state: State
        package let reports: [ReleaseID: [GuardReport]]

        package init(state: State, reports: [ReleaseID: [GuardReport]]) {
            self.state = state
            self.reports = reports
        }
    }

    /// What became of tries since the process started.
    package struct Tally: Hashable, Sendable {
        package let via: NotifyTarget.Way
        /// `delivered`, `retried`, `failed` or `dropped`.
        package let result: String

        package init(via: NotifyTarget.Way, result: String) {
            self.via = via
            self.result = result
        }
    }

    private static let entriesAtOnce = 500
    private static let mostInFlight = 8
    private static let mostInRow = 100
    /// As Prometheus does.
    private static let repeats = Duration.seconds(60)
    private static let keeps = Duration.seconds(30 * 86_400)
    private static let pruningCadence = Duration.seconds(3600)

    private let outbox: Outbox
    private let http: any OutgoingHTTP
    private let postings: Postings
    private let server: String
    private let entries: @Sendable (_ after: Int, _ limit: Int) async throws -> [Entry]
    private let view: @Sendable () async -> View
    private let now: @Sendable () -> Timestamp

    private var position: Int?
    private var watch: GuardWatch?
    /// Targets that are being spoken to.
    private var busy: Set<String> = []
    private var prunedAt: Timestamp?
    package private(set) var tallies: [Tally: Int] = [:]

    /// `server` is where people reach this server, without a slash at the end; `entries` gives the ledger's
    /// entries after a sequence number, oldest first.
    package init(
        outbox: Outbox,
        http: any OutgoingHTTP,
        secrets: SecretReader,
        server: String,
        entries: @escaping @Sendable (_ after: Int, _ limit: Int) async throws -> [Entry],
        view: @escaping @Sendable () async -> View,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.outbox = outbox
        self.http = http
        postings = Postings(secrets: secrets)
        self.server = server
        self.entries = entries
        self.view = view
        self.now = now
    }

    /// Works until the task is cancelled.
    ///
    /// `fails` hears of what a round could not do; the next one does it.
    package func run(
        clock: some Clock<Duration>,
        every cadence: Duration,
        fails: @escaping @Sendable (any Error) -> Void
    ) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while !Task.isCancelled {
                do {
                    try await listen()
                    for errand in try await takeDue() {
                        group.addTask {
                            do { try await self.carryOut(errand) } catch { fails(error) }
                        }
                    }
                } catch let error where !(error is CancellationError) {
                    fails(error)
                }
                try await clock.sleep(for: cadence)
            }
        }
    }

    // MARK: - Listening

    /// Reads what is new in the ledger and at the guards, and puts what is to be told into the outbox.
    package func listen() async throws {
        let view = await view()
        var read = try await standing()
        while read < view.state.sequence {
            let page = try await entries(read, Self.entriesAtOnce)
                .prefix { $0.sequence <= view.state.sequence }
            guard let last = page.last else { break }
            let incidents = try await incidents(closedIn: page)
            let told = page.flatMap { notices(of: $0, in: view.state) { incidents[$0] } }
            try await put(addressed(told, view.state), position: last.sequence, told: nil)
            read = last.sequence
            position = read
        }
        try await watchGuards(view)
        try await prune()
    }

    /// The incidents that these entries close, as they were opened; they are few.
    private func incidents(closedIn page: some Sequence<Entry>) async throws -> [IncidentID: Incident] {
        var wanted = Set(
            page.compactMap { entry -> IncidentID? in
                if case .operation(.incidentClosed(let closure)) = entry.event { closure.id } else { nil }
            }
        )
        var found: [IncidentID: Incident] = [:]
        var read = 0
        while !wanted.isEmpty {
            let entries = try await entries(read, Self.entriesAtOnce)
            guard let last = entries.last else { break }
            for case .operation(.incidentOpened(let incident)) in entries.map(\.event)
            where wanted.remove(incident.id) != nil {
                found[incident.id] = incident
            }
            read = last.sequence
        }
        return found
    }

    private func standing() async throws -> Int {
        if let position { return position }
        let kept = try await outbox.position()
        position = kept
        return kept
    }

    private func watchGuards(_ view: View) async throws {
        var next: GuardWatch
        if let watch { next = watch } else { next = GuardWatch(told: try await outbox.told()) }
        let before = next.told
        let notices = next.look(at: view.reports, in: view.state, now: now())
        if next.told != before {
            try await put(addressed(notices, view.state), position: nil, told: next.told)
        }
        watch = next
    }

    private func addressed(
        _ notices: [Notice],
        _ state: State
    ) -> [(notice: Notice, targets: [NotifyTarget])] {
        notices.map { ($0, state.endpoints[$0.endpoint]?.effectivePolicy.notify ?? []) }
    }

    private func put(
        _ addressed: [(notice: Notice, targets: [NotifyTarget])],
        position: Int?,
        told: [GuardWatch.Subject: GuardWatch.Told]?
    ) async throws {
        let (added, dropped) = try await outbox.add(
            addressed,
            position: position,
            told: told,
            now: now()
        )
        if dropped > 0, let via = added.first?.target.via { count(via, "dropped", dropped) }
    }

    private func prune() async throws {
        let time = now()
        if let prunedAt, (.zero..<Self.pruningCadence).contains(time.since(prunedAt)) { return }
        prunedAt = time
        try await outbox.prune(before: time.advanced(by: .zero - Self.keeps))
    }

    // MARK: - Sending

    /// Something to send.
    package enum Errand: Sendable {
        case delivery(Delivery)
        /// What is still wrong, for an Alertmanager, which forgets what it is not told again.
        case reminder([OpenCondition])
    }

    /// What can be sent now; whoever takes it sends it.
    package func takeDue() async throws -> [Errand] {
        let time = now()
        var errands: [Errand] = []
        for delivery in try await outbox.due(now: time, busy: busy, limit: Self.mostInFlight) {
            guard busy.count < Self.mostInFlight, busy.insert(delivery.target.key).inserted else { continue }
            errands.append(.delivery(delivery))
        }
        for open in try await outbox.stale(before: time.advanced(by: .zero - Self.repeats)) {
            guard let key = open.first?.target.key, busy.count < Self.mostInFlight,
                busy.insert(key).inserted
            else { continue }
            errands.append(.reminder(open))
        }
        return errands
    }

    /// Sends everything that is due, one after the other, until nothing is.
    package func sendDue() async throws {
        while true {
            let errands = try await takeDue()
            guard !errands.isEmpty else { return }
            for errand in errands { try await carryOut(errand) }
        }
    }

    package func carryOut(_ errand: Errand) async throws {
        switch errand {
        case .delivery(let delivery):
            let key = delivery.target.key
            defer { busy.remove(key) }
            var next: Delivery? = delivery
            for _ in 0..<Self.mostInRow {
                // One that did not arrive leaves the target alone until the next round.
                guard let current = next, try await send(current) else { return }
                next = try await outbox.next(for: key, now: now())
            }
        case .reminder(let open):
            guard let target = open.first?.target else { return }
            defer { busy.remove(target.key) }
            try await remind(target, of: open)
        }
    }

    /// Returns whether it has been told, or needs no more telling.
    private func send(_ delivery: Delivery) async throws -> Bool {
        var addressed = delivery
        addressed.target = await newest(delivery.target, of: delivery.notice.endpoint)
        let letter = Letter(delivery: addressed, server: server, sentAt: now())
        var tried = delivery
        // The first try is in order; a later one may meet a target that has been told more since.
        if delivery.tries > 0, try await outbox.isOvertaken(delivery) {
            tried.state = .dropped
            tried.endedAt = letter.sentAt
            tried.error = "something newer of the same matter had been told"
            try await outbox.record(tried, gone: false)
            count(delivery.target.via, "dropped", 1)
            return true
        }
        tried.tries += 1
        tried.status = nil
        tried.error = nil
        var isGone = false
        switch postings.posting(letter) {
        case .impossible(let why): tried.error = why
        case .ready(let request):
            do {
                let answer = try await http.send(request)
                tried.status = answer.status
                isGone = answer.status == 410
                if !(200..<300).contains(answer.status) { tried.error = "HTTP \(answer.status)" }
            } catch {
                tried.error = error.explanation.summary
            }
        }
        let time = now()
        if tried.error == nil {
            tried.state = .delivered
        } else if isGone {
            tried.state = .dropped
        } else if let wait = RetrySchedule.wait(afterTries: tried.tries, seed: delivery.seed) {
            tried.dueAt = time.advanced(by: wait)
        } else {
            tried.state = .failed
        }
        if tried.state != .waiting { tried.endedAt = time }
        try await outbox.record(tried, gone: isGone)
        count(delivery.target.via, tried.state == .waiting ? "retried" : tried.state.rawValue, 1)
        return tried.state == .delivered
    }

    /// The target as the policy names it now: what was wrong with it may have been put right since.
    private func newest(_ target: NotifyTarget, of endpoint: EndpointID) async -> NotifyTarget {
        let named = await view().state.endpoints[endpoint]?.effectivePolicy.notify ?? []
        guard !named.contains(target) else { return target }
        let same = named.filter { $0.via == target.via && $0.url == target.url }
        return same.first { $0.secret == target.secret } ?? (same.count == 1 ? same[0] : target)
    }

    private func remind(_ target: NotifyTarget, of open: [OpenCondition]) async throws {
        let time = now()
        let letters = open.prefix(500).map { condition in
            let delivery = Delivery(
                id: "",
                notice: condition.notice,
                target: target,
                act: .raise,
                topic: condition.topic,
                dueAt: time
            )
            return Letter(delivery: delivery, server: server, sentAt: time)
        }
        // Whether it arrives or not, the next one is due in a minute.
        if case .ready(let request) = postings.alertmanager(letters) {
            let answer = try? await http.send(request)
            let isHeard = answer.map { (200..<300).contains($0.status) } ?? false
            count(target.via, isHeard ? "reminded" : "reminder_failed", 1)
        }
        try await outbox.toldAgain(target, at: time)
    }

    private func count(_ via: NotifyTarget.Way, _ result: String, _ number: Int) {
        tallies[Tally(via: via, result: result), default: 0] += number
    }

    // MARK: - Trying it out

    /// Tells every target of an endpoint that this is a test, whatever it wants to hear.
    ///
    /// - Returns: The deliveries, which the next round sends.
    package func test(_ endpoint: EndpointID, by actor: Actor) async throws -> [Delivery] {
        let state = await view().state
        let targets = state.endpoints[endpoint]?.effectivePolicy.notify ?? []
        let time = now()
        let notice = Notice(
            id: "t\(time.milliseconds).\(endpoint)",
            kind: .test,
            at: time,
            endpoint: endpoint,
            actor: actor.description,
            severity: .info,
            summary: "\(endpoint.model) \(endpoint.environment): \(actor) tries whether notices arrive",
            command: "belay deliveries"
        )
        try await outbox.allow(targets)
        let all = targets.map { target in
            NotifyTarget(
                via: target.via,
                url: target.url,
                secret: target.secret,
                events: [],
                severity: target.severity,
                format: target.format,
                allowsPrivate: target.allowsPrivate
            )
        }
        return try await outbox.add([(notice, all)], position: nil, told: nil, now: time).added
    }
}

extension Delivery {
    /// The first 64 bits of the digest in its id.
    fileprivate var seed: UInt64 { UInt64(id.dropFirst(4).prefix(16), radix: 16) ?? 0 }
}
