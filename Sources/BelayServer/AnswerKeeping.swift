import BelayCore
import BelayGateway
import BelayInference
import BelayInferenceLog

extension InferenceLog {
    /// Keeps what the gateway answered; false, and nothing is kept, when it must fit and does not.
    func keep(_ answer: Answer, mustFit: Bool, _ settled: AnswerLogPort.Settled?) -> Bool {
        guard let record = AnswerRecord(answer) else {
            settled?(true)
            return true
        }
        let redactor = Redactor(redaction: answer.redaction, subject: answer.subjectPointer)
        guard mustFit else {
            self.record(record, redactor: redactor, whenSettled: settled)
            return true
        }
        let bytes = answer.request.count + answer.response.count
        guard let place = admit(bytes: bytes) else { return false }
        self.record(record, redactor: redactor, reservation: place, whenSettled: settled)
        return true
    }
}

/// What the policy wants hidden, and where it finds whom an answer is about, as the log applies it.
private struct Redactor: Redacting {
    let redaction: Redaction?
    let subject: JSONPointer?

    /// Nil when there is nothing to do.
    init?(redaction: Redaction?, subject: JSONPointer?) {
        guard redaction != nil || subject != nil else { return nil }
        self.redaction = redaction
        self.subject = subject
    }

    func subject(of request: AnswerBody) -> UnitHash? {
        subject?.scalar(in: request.bytes, headerLength: request.headerLength).map {
            UnitHash(bytes: $0.utf8)
        }
    }

    func redacted(request: AnswerBody) -> AnswerBody { redacted(request) }
    func redacted(response: AnswerBody) -> AnswerBody { redacted(response) }

    private func redacted(_ body: AnswerBody) -> AnswerBody {
        guard let redaction else { return body }
        let redacted = redaction.redacted(body.bytes, headerLength: body.headerLength)
        return AnswerBody(bytes: redacted.bytes, headerLength: redacted.headerLength)
    }
}

extension AnswerRecord {
    /// Nil for what was refused before a version was chosen: there is no answer to keep.
    fileprivate init?(_ answer: Answer) {
        guard let version = answer.version else { return nil }
        self.init(
            id: answer.id,
            kind: answer.isShadow ? .shadow : .served,
            at: answer.at,
            model: answer.model,
            version: version,
            release: answer.release,
            arm: answer.arm ?? .pinned,
            share: answer.share,
            epoch: answer.epoch,
            trace: answer.trace,
            unit: answer.unit,
            subject: answer.subject,
            latencyMicroseconds: answer.latencyMicroseconds,
            status: answer.status,
            fallback: answer.fallback,
            request: answer.request,
            requestLength: answer.requestLength,
            requestHeaderLength: answer.requestHeaderLength,
            response: answer.response,
            responseHeaderLength: answer.responseHeaderLength
        )
    }
}
