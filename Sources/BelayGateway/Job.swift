import BelayCore
import BelayInference
import NIOCore

/// One version asked one question, on its way to a thread and back.
final class Job: Sendable {
    /// What is done with the answer.
    enum Purpose: Sendable {
        /// It is written for a caller, in these codings; its tensors are kept when shadows compare with them.
        case answer(accepting: ContentCoding?, keepsOutputs: Bool)
        /// It is compared with what the caller got, and thrown away.
        case comparison(with: [NamedTensor], prediction: String?)
    }

    let question: Question
    let purpose: Purpose
    let cancellation: Cancellation
    let submitted: NIODeadline
    let eventLoop: any EventLoop
    /// Looks into the request for what its release counts.
    let observer: Observer?
    /// Called on `eventLoop`, once.
    let completed: @Sendable (Ending) -> Void

    /// A run's end, and what was seen in its request as far as it was read.
    struct Ending: Sendable {
        let completion: Completion
        let observation: Observation?

        /// It was not begun any more.
        static let cancelled = Ending(completion: .cancelled, observation: nil)
    }

    init(
        question: Question,
        purpose: Purpose,
        cancellation: Cancellation,
        submitted: NIODeadline,
        eventLoop: any EventLoop,
        observer: Observer?,
        completed: @escaping @Sendable (Ending) -> Void
    ) {
        self.question = question
        self.purpose = purpose
        self.cancellation = cancellation
        self.submitted = submitted
        self.eventLoop = eventLoop
        self.observer = observer
        self.completed = completed
    }

    /// What a run came to.
    enum Completion: Sendable {
        case answered(Payload)
        case compared(AnswerComparison, OIPBody, Timing)
        /// The caller's fault.
        case objected(Rejection)
        case failed(Exchange.Failure)
        /// It was not begun any more.
        case cancelled
    }

    /// An answer that passed the guard, ready for the connection.
    struct Payload: Sendable {
        let answer: OIPBody
        /// As the log keeps it: in the Open Inference Protocol, so that labels can be held against it.
        let record: OIPBody
        /// The same in the coding that the caller accepts.
        let compressed: [UInt8]?
        let outputs: [NamedTensor]
        let timing: Timing
    }

    /// Where the time of a run went, in nanoseconds.
    struct Timing: Equatable, Sendable {
        var waited: Int64 = 0
        var read: Int64 = 0
        var ran: Int64 = 0
        var written: Int64 = 0
        /// Rows of the first input.
        var rows = 1
    }
}

extension Job {
    /// Reads, runs, guards and writes, on the calling thread, from `began` on.
    func run(by instance: any Instance, version: VersionID, began: NIODeadline) -> Ending {
        var observation: Observation?
        let completion = run(by: instance, version: version, began: began, &observation)
        return Ending(completion: completion, observation: observation)
    }

    private func run(
        by instance: any Instance,
        version: VersionID,
        began: NIODeadline,
        _ observation: inout Observation?
    ) -> Completion {
        guard !cancellation.isCancelled else { return .cancelled }
        var timing = Timing()
        timing.waited = (began - submitted).nanoseconds
        let signature = instance.signature
        let request: OIPRequest
        do throws(Rejection) {
            request = try question.request(for: signature)
        } catch {
            return .objected(error)
        }
        do throws(InferenceError) {
            try signature.check(request.inputs, outputs: request.outputNames)
        } catch {
            return .objected(Rejection(objection: error))
        }
        timing.rows = signature.rows(of: request.inputs)
        observation = observer?.observe(request.inputs)
        let read = NIODeadline.now()
        timing.read = (read - began).nanoseconds
        let wanted = request.outputNames
        do throws(InferenceError) {
            let answered = try instance.infer(request.inputs, outputs: wanted, cancellation: cancellation)
            let ran = NIODeadline.now()
            timing.ran = (ran - read).nanoseconds
            switch OutputGuard.admit(answered, wanted: wanted, signature: signature) {
            case .failure(let fault): return .failed(.invalidOutput(fault.sentence))
            case .success(let outputs):
                observer?.complete(&observation, outputs)
                return try conclude(outputs, request, version: version, timing: timing, ran: ran)
            }
        } catch {
            if case .invalidOutput = error { return .failed(.invalidOutput(error.explanation.summary)) }
            if case .requestMismatch = error { return .objected(Rejection(objection: error)) }
            return .failed(.erred(error.explanation.summary))
        }
    }

    private func conclude(
        _ outputs: [NamedTensor],
        _ request: OIPRequest,
        version: VersionID,
        timing: Timing,
        ran: NIODeadline
    ) throws(InferenceError) -> Completion {
        let answer = try write(
            outputs,
            request,
            model: version.model,
            version: version.number,
            form: question.form
        )
        switch purpose {
        case .comparison(let served, let prediction):
            let comparison = AnswerComparison(served, outputs, prediction: prediction)
            return .compared(comparison, answer, timing)
        case .answer(let coding, let keepsOutputs):
            let isLong = answer.bytes.count >= Compression.worthwhile
            let compressed = isLong ? coding.flatMap { Compression.deflated(answer.bytes, to: $0) } : nil
            var timing = timing
            timing.written = (NIODeadline.now() - ran).nanoseconds
            return .answered(
                Payload(
                    answer: answer,
                    record: try record(answer, outputs, request, version: version),
                    compressed: compressed,
                    outputs: keepsOutputs ? outputs : [],
                    timing: timing
                )
            )
        }
    }

    private func record(
        _ answer: OIPBody,
        _ outputs: [NamedTensor],
        _ request: OIPRequest,
        version: VersionID
    ) throws(InferenceError) -> OIPBody {
        guard case .scoring = question.form else { return answer }
        return try write(
            outputs,
            request,
            model: version.model,
            version: version.number,
            form: .inference(headerLength: nil)
        )
    }
}

/// Writes an answer as its caller's protocol has it; without a version it is the policy's own.
func write(
    _ outputs: [NamedTensor],
    _ request: OIPRequest,
    model: ModelName,
    version: VersionNumber?,
    form: Question.Form
) throws(InferenceError) -> OIPBody {
    switch form {
    case .inference:
        try OIPResponse.encode(
            model: model.text,
            version: version?.description,
            request: request,
            outputs: outputs
        )
    case .scoring: OIPBody(bytes: try Scoring.encode(outputs), headerLength: nil)
    }
}
