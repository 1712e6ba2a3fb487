import BelayCore
import BelayInference
import NIOCore

/// Gives each whole request to whoever can answer it.
struct Dispatch {
    let cell: EventLoopCell
    let ports: Ports
    let connection: Connection

    func answer(_ reception: Reception) {
        cell.follow()
        let ticket = reception.ticket
        switch reception.path {
        case .failure(let rejection): connection.reply(to: ticket, Reply(rejection, headers: []))
        case .success(.labels): store(reception, isFeedback: false)
        case .success(.feedback): store(reception, isFeedback: true)
        case .success(.statistics): statistics(of: nil, .routed, ticket)
        case .success(.model(let name, let selector, .statistics)): statistics(of: name, selector, ticket)
        case .success(.model(let name, let selector, .infer)):
            infer(reception, name, selector, form: .inference(headerLength: reception.headerLength))
        case .success(.invocations(let name)): score(reception, name)
        case .success(.index): connection.reply(to: ticket, Metadata.index(cell.snapshot, reception.body))
        case .success(let path): connection.reply(to: ticket, describe(path))
        }
    }

    // MARK: - Inference

    private func infer(
        _ reception: Reception,
        _ name: String,
        _ selector: InferencePath.Selector,
        form: Question.Form
    ) {
        let (ticket, fields) = (reception.ticket, reception.fields)
        let requestID = fields.requestID ?? ports.ids()
        let headers = [(name: "Belay-Request-Id", value: requestID)]
        let isScoring = if case .scoring = form { true } else { false }
        let connection = connection
        func refuse(_ rejection: Rejection) {
            connection.reply(to: ticket, Reply(rejection, headers: headers, isScoring: isScoring))
        }
        guard let routed = cell.snapshot.model(name) else { return refuse(unknown(name)) }
        guard let patience = Patience(fields.deadline) else {
            return refuse(.deadline(fields.deadline ?? ""))
        }
        let trace = TraceParent(fields.traceparent)
        let facts = InferenceCall.Facts(
            question: Question(
                body: reception.body,
                form: form,
                coding: reception.coding,
                bodyLimit: ports.configuration.bodyLimit,
                budget: ports.bodies,
                held: connection.handOverBody()
            ),
            selector: selector,
            headers: reception.headers,
            requestID: requestID,
            trace: trace,
            traceparent: trace == nil ? nil : fields.traceparent,
            accepting: fields.acceptEncoding.flatMap { ContentCoding.accepted([$0]) },
            patience: patience.milliseconds
        )
        let call = InferenceCall(cell: cell, ports: ports, routed: routed, facts: facts) { reply in
            connection.reply(to: ticket, reply)
        }
        connection.attach(call, to: ticket)
        call.begin()
    }

    /// MLflow's protocol names no model: it is in the path, in a header, or the only one.
    private func score(_ reception: Reception, _ name: String?) {
        let named = name ?? reception.fields.model ?? cell.snapshot.only?.route.endpoint.model.text
        guard let named else {
            return connection.reply(to: reception.ticket, Reply(.severalModels, headers: [], isScoring: true))
        }
        let type = reception.fields.contentType
        guard let format = ScoringFormat(contentType: type) else {
            let refusal = Rejection.wrongContent(ScoringFormat.refusal(of: type ?? ""))
            return connection.reply(to: reception.ticket, Reply(refusal, headers: [], isScoring: true))
        }
        infer(reception, named, .routed, form: .scoring(format))
    }

    private func store(_ reception: Reception, isFeedback: Bool) {
        let (labels, body) = (ports.labels, reception.body)
        let (type, coding) = (reception.fields.contentType, reception.coding)
        let (limit, budget) = (ports.configuration.bodyLimit, ports.bodies)
        // Longer than the connection: its caller may leave before they are kept.
        let taken = connection.handOverBody()
        finish(reception.ticket) { () -> Result<LabelReply, Rejection> in
            var held = taken
            defer { budget.give(held) }
            guard let coding else { return .success(await labels(body, type, isFeedback)) }
            do throws(Rejection) {
                let (plain, growth) = try budget.inflated(body, from: coding, limit: limit)
                held += growth
                return .success(await labels(plain, type, isFeedback))
            } catch {
                return .failure(error)
            }
        } reply: { result in
            switch result {
            case .success(let answer): Reply(status: answer.status, headers: [], json: answer.json)
            case .failure(let rejection): Reply(rejection, headers: [])
            }
        }
    }

    // MARK: - Descriptions

    private var isReady: Bool {
        !connection.isLeaving && cell.snapshot.isReady(isLogWritable: ports.log.isWritable())
    }

    private func describe(_ path: InferencePath) -> Reply {
        switch path {
        case .server: return Reply(status: 200, headers: [], json: Metadata.server)
        case .live: return Reply(status: 200, headers: [], json: Array(#"{"live":true}"#.utf8))
        case .ready:
            let ready = isReady
            return Reply(status: ready ? 200 : 400, headers: [], json: Array("{\"ready\":\(ready)}".utf8))
        case .ping:
            let status = isReady ? 200 : 503
            return Reply(status: status, headers: [], contentType: "text/plain", body: [0x0a])
        case .version:
            let version = Array(ports.configuration.version.utf8)
            return Reply(status: 200, headers: [], contentType: "text/plain", body: version)
        case .model(let name, let selector, let aspect):
            guard let routed = cell.snapshot.model(name) else { return Reply(unknown(name), headers: []) }
            return Metadata.reply(about: routed, selector, aspect, isLogWritable: ports.log.isWritable())
        case .repository(let name, let wish):
            return Metadata.byHand(wish, name: name, cell.snapshot.model(name))
        case .labels, .feedback, .statistics, .index, .invocations: return Reply(.noSuchPath, headers: [])
        }
    }

    private func statistics(of name: String?, _ selector: InferencePath.Selector, _ ticket: Ticket) {
        let snapshot = cell.snapshot
        var models = snapshot.all
        if let name {
            guard let routed = snapshot.model(name) else {
                return connection.reply(to: ticket, Reply(unknown(name), headers: []))
            }
            models = [routed]
        }
        let gather = ports.figures
        finish(ticket) {
            await gather()
        } reply: { figures in
            Metadata.statistics(of: models, selector, figures)
        }
    }

    private func unknown(_ name: String) -> Rejection {
        let known = cell.snapshot.table.routes.keys
        return .unknownModel(name, similar: ModelName(name).flatMap { nearest($0, among: known) })
    }

    /// Answers once something asynchronous is done.
    ///
    /// NIO's bridge from a loop to an async function. The task outlives nothing: shutdown waits for the
    /// connection, and the connection for this answer.
    private func finish<Value: Sendable>(
        _ ticket: Ticket,
        _ work: @escaping @Sendable () async -> Value,
        reply: @escaping (Value) -> Reply
    ) {
        let promise = cell.eventLoop.makePromise(of: Value.self)
        promise.completeWithTask(work)
        let connection = connection
        promise.futureResult.assumeIsolated().whenSuccess { connection.reply(to: ticket, reply($0)) }
    }
}

/// How long a caller waits, as `Belay-Deadline` says it.
struct Patience: Equatable {
    /// Nil when the caller says nothing.
    let milliseconds: Int?

    /// Reads what the header says: 250, 250ms or 2s.
    ///
    /// Returns nil for anything else, and for no time at all; more than an hour is an hour.
    init?(_ text: String?) {
        guard let text else {
            milliseconds = nil
            return
        }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let factor = ["": 1, "ms": 1, "s": 1000][text.dropFirst(digits.count)]
        guard let factor, !digits.isEmpty else { return nil }
        let number = Int(digits) ?? .max
        guard number > 0 else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        milliseconds = overflow ? 3_600_000 : min(product, 3_600_000)
    }
}
