import BelayCore
import BelayInference
import NIOCore
import NIOHTTP1

extension InferenceCall {
    private static let recordGrace = TimeAmount.milliseconds(100)

    /// Whether the answer waits for its record.
    var isDurable: Bool { record.durability == .durable && isRecorded }

    /// Has the answer's record written before the answer leaves; goes on with whether it may.
    func commit(_ goOn: @escaping (Bool) -> Void) {
        let bound = NIOLoopBound((self, goOn), eventLoop: cell.eventLoop)
        let (loop, mustFit) = (cell.eventLoop, record.onFull == .refuse)
        isCommitting = true
        // The version has done its part; its record may take what is left of the time.
        alarm = max(alarm, deadline)
        cell.runBegan()
        let isTaken = ports.log.record(answerRecord(of: answerReply), mustFit) { isKept in
            loop.execute {
                let (call, goOn) = bound.value
                call.cell.runEnded()
                call.look()
                if !call.isOver { goOn(isKept || !mustFit) }
            }
        }
        guard !isTaken else { return }
        isCommitting = false
        cell.runEnded()
        goOn(false)
    }

    /// Writes the answer, in the very turn of the loop in which ``Exchange`` compared its version with the
    /// table.
    ///
    /// That is the fence: a table becomes current in a turn of its own (``EventLoopCell/take(_:)``), so
    /// either this answer was handed to the connection before the loop acknowledged, or the machine saw the
    /// new table and did not let it go. Nothing may suspend, hop or buffer between the comparison and
    /// `respond`.
    func answer() {
        let reply = answerReply
        if let payload, !shadows.isEmpty { mirror(payload) }
        finish(reply, isKept: isCommitting)
    }

    private var answerReply: Reply {
        guard let payload else { return Reply(.nothingServes(model), headers: []) }
        var list: [(name: String, value: String)] = []
        if let length = payload.answer.headerLength {
            list.append(("Inference-Header-Content-Length", String(length)))
        }
        if payload.compressed != nil, let coding = facts.accepting {
            list.append(("Content-Encoding", coding.rawValue))
        }
        var reply = Reply(
            status: 200,
            headers: list,
            contentType: payload.answer.contentType,
            body: payload.compressed ?? payload.answer.bytes
        )
        reply.answer = headers
        return reply
    }

    /// Writes the policy's own answer, made on a thread because the question may have to be read for it.
    func answer(_ fixed: StaticAnswer) {
        guard let signature = current?.anySignature else { return reject(.nothingServes(model)) }
        let (question, version) = (facts.question, VersionID(model, lastTried?.version ?? .first))
        let bound = NIOLoopBound(self, eventLoop: cell.eventLoop)
        alarm = max(deadline, moment + Self.recordGrace)
        cell.runBegan()
        let isTaken = ports.readers.run(on: cell.eventLoop) { () -> Result<OIPBody, Rejection> in
            fixedAnswer(fixed, to: question, signature: signature, version: version)
        } then: { result in
            bound.value.cell.runEnded()
            bound.value.look()
            bound.value.answered(fixed: result)
        }
        guard !isTaken else { return }
        cell.runEnded()
        reject(.busy)
    }

    private func answered(fixed result: Result<OIPBody, Rejection>) {
        guard !isOver else { return }
        switch result {
        case .failure(let rejection): reject(rejection)
        case .success(let answer):
            payload = Job.Payload(
                answer: answer,
                record: answer,
                compressed: nil,
                outputs: [],
                timing: Job.Timing()
            )
            isFixed = true
            guard isDurable else { return finish(answerReply) }
            // A version may have used up all the time; the record gets a moment all the same.
            alarm = max(deadline, moment + Self.recordGrace)
            commit { [self] isKept in
                isKept ? finish(answerReply, isKept: isCommitting) : reject(.logFull(model))
            }
        }
    }

    func reject(_ rejection: Rejection) {
        isFixed = false
        let isScoring = if case .scoring = facts.question.form { true } else { false }
        payload = nil
        var reply = Reply(rejection, headers: [], isScoring: isScoring)
        reply.answer = headers
        finish(reply)
    }

    private var headers: AnswerHeaders {
        AnswerHeaders(
            requestID: facts.requestID,
            epoch: cell.snapshot.table.epoch,
            version: isFixed ? nil : lastTried?.version,
            release: isFixed ? nil : releaseOfArm,
            arm: isFixed ? nil : lastTried?.arm,
            fallback: fallback,
            traceparent: facts.traceparent
        )
    }

    private var fallback: String? {
        let hops = exchange?.fallback
        return isFixed ? (hops.map { $0 + ", " } ?? "") + "fixed" : hops
    }

    private var releaseOfArm: ReleaseID? {
        switch lastTried?.arm {
        case .candidate: exchange?.assignment.trial?.release
        case .stable:
            current?.route.stable == lastTried?.version ? current?.route.stableRelease : nil
        case .pinned, nil: nil
        }
    }

    func finish(_ reply: Reply, isKept: Bool = false) {
        guard !isOver else { return }
        isOver = true
        alarm = .distantFuture
        countInvalidOutput()
        blameDoubted()
        if let cohort { cell.tally.leave(cohort) }
        cohort = nil
        cell.end(self)
        var reply = reply
        // First the log: a label for this answer may come as soon as its caller has it.
        if !isKept, !keep(reply) {
            reply = Reply(.logFull(model), headers: [])
            reply.answer = headers
        }
        count(reply)
        if !callerLeft { respond(reply) }
    }

    /// False when the log had no room.
    private func keep(_ reply: Reply) -> Bool {
        guard isRecorded else {
            // What was refused before any version was asked is no answer, and is not recorded either.
            if lastTried != nil { ports.log.sampledOut(model) }
            return true
        }
        return ports.log.record(answerRecord(of: reply), record.onFull == .refuse && reply.status == 200, nil)
    }

    private func count(_ reply: Reply) {
        cell.figures.note(
            model: model,
            version: lastTried?.version,
            arm: lastTried?.arm,
            status: callerLeft ? 499 : reply.status,
            latency: moment - started,
            // The policy's own answer is no success of the version that failed before it.
            timing: isFixed ? nil : payload?.timing,
            at: arrival
        )
        for hop in exchange?.hops ?? [] {
            cell.figures.shown.fellBack(.init(model: model, role: hop.role.rawValue, reason: hop.reason))
        }
        if isFixed { cell.figures.shown.fellBack(.init(model: model, role: "all", reason: "fixed")) }
    }

    private func answerRecord(of reply: Reply) -> Answer {
        let assignment = exchange?.assignment
        return Answer(
            id: facts.requestID,
            at: arrival,
            epoch: cell.snapshot.table.epoch,
            model: model,
            version: lastTried?.version,
            release: assignment?.trial?.release,
            arm: lastTried?.arm,
            share: assignment?.trial?.share ?? .none,
            unit: assignment?.stickyUnit,
            subject: subject,
            trace: facts.trace?.trace,
            latencyMicroseconds: (moment - started).nanoseconds / 1000,
            status: callerLeft ? 499 : reply.status,
            fallback: fallback,
            request: facts.question.readBody,
            requestLength: facts.question.length,
            requestHeaderLength: facts.question.headerLength,
            response: callerLeft ? [] : payload?.record.bytes ?? recordable(reply),
            responseHeaderLength: payload?.record.headerLength,
            redaction: redaction,
            subjectPointer: subjectPointer,
            isShadow: false
        )
    }

    /// Whom the answer is about, as far as its head says so.
    private var subject: UnitHash? {
        switch subjectSource {
        case .header(let name):
            facts.headers.value(of: name).flatMap { $0.isEmpty ? nil : UnitHash(bytes: $0.utf8) }
        case .pointer: nil
        case .request: exchange?.assignment.stickyUnit
        case nil: exchange?.assignment.stickyUnit ?? unitInHead
        }
    }

    /// Pinned requests are not tossed by their unit, and are about somebody all the same.
    private var unitInHead: UnitHash? {
        guard case .header(let name) = unitSource else { return nil }
        return facts.headers.value(of: name).flatMap { $0.isEmpty ? nil : UnitHash(bytes: $0.utf8) }
    }

    /// Where its body says so; the log's writer looks, for a body may be long.
    private var subjectPointer: JSONPointer? {
        switch (subjectSource, unitSource) {
        case (.pointer(let pointer), _): pointer
        case (nil, .pointer(let pointer)) where exchange?.assignment.stickyUnit == nil: pointer
        default: nil
        }
    }

    /// An error may name what it was about, which redaction would not find in it.
    private func recordable(_ reply: Reply) -> [UInt8] {
        redaction == nil || reply.status < 400 ? reply.body : Array(#"{"error":"[redacted]"}"#.utf8)
    }

    // MARK: - Shadows

    func mirror(_ payload: Job.Payload) {
        guard let routed = current else { return }
        for shadow in shadows {
            let run = ShadowRun(cell: cell, shadow: shadow, routed: routed, served: payload) {
                [self] body, latency in
                guard isRecorded else { return }
                _ = ports.log.record(shadowRecord(of: shadow, body, latency), false, nil)
            }
            run.begin(facts.question)
        }
    }

    /// What a shadow said is kept beside what the caller was told, under the same id.
    private func shadowRecord(of shadow: Route.Shadow, _ body: OIPBody, _ latency: TimeAmount) -> Answer {
        Answer(
            id: facts.requestID,
            at: arrival,
            epoch: cell.snapshot.table.epoch,
            model: model,
            version: shadow.version,
            release: shadow.release,
            arm: .candidate,
            share: .none,
            unit: nil,
            subject: subject,
            trace: facts.trace?.trace,
            latencyMicroseconds: latency.nanoseconds / 1000,
            status: 200,
            fallback: nil,
            request: facts.question.readBody,
            requestLength: facts.question.length,
            requestHeaderLength: facts.question.headerLength,
            response: body.bytes,
            responseHeaderLength: body.headerLength,
            redaction: redaction,
            subjectPointer: subjectPointer,
            isShadow: true
        )
    }
}

/// The policy's own answer to a question, written as its caller expects it.
private func fixedAnswer(
    _ fixed: StaticAnswer,
    to question: Question,
    signature: Signature,
    version: VersionID
) -> Result<OIPBody, Rejection> {
    do throws(Rejection) {
        let request = try question.request(for: signature)
        do throws(InferenceError) {
            try signature.check(request.inputs, outputs: request.outputNames)
        } catch {
            throw Rejection(objection: error)
        }
        do throws(InferenceError) {
            let rows = signature.rows(of: request.inputs)
            // Rows without elements cost a request nothing, and would cost an answer.
            guard rows <= max(1, question.length) else {
                throw .tooLarge(what: "rows in a request of \(question.length) bytes", limit: question.length)
            }
            let all = try OIPResponse.fixed(fixed, rows: rows, signature: signature)
            let outputs =
                request.outputs.isEmpty
                ? all : request.outputNames.compactMap { name in all.first { $0.name == name } }
            return .success(
                try write(outputs, request, model: version.model, version: nil, form: question.form)
            )
        } catch {
            return .failure(.failed(version, reason: error.explanation.summary))
        }
    } catch {
        return .failure(error)
    }
}
