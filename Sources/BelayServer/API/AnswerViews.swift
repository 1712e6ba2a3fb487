import BelayCore
import BelayInferenceLog
import Foundation

/// One answer of the inference log, a line of NDJSON or of CSV.
///
/// Bodies are texts as they were sent; what is no text, such as binary tensors, is in Base64 under its own
/// name. Units and subjects are the log's own hashes, in hexadecimal: it never had anything else.
struct AnswerView: Encodable {
    let position: Int
    let id: String
    let kind: String
    let at: String
    let model: String
    let version: Int
    let release: String?
    let arm: String
    let share: Double
    let epoch: Int
    let trace: String?
    let unit: String?
    let subject: String?
    let latencyMicroseconds: Int64
    let status: Int
    let code: String?
    let fallback: String?
    let erased: Bool
    let truncated: Bool
    /// A rollback overtook it: it was recorded, and another was given, which stands behind it under its id.
    let superseded: Bool
    let request: String?
    let requestBinary: String?
    let response: String?
    let responseBinary: String?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case position, id, kind, at, model, version, release, arm, share, epoch, trace, unit, subject
        case latencyMicroseconds = "latency_us"
        case status, code, fallback, erased, truncated, superseded
        case request
        case requestBinary = "request_base64"
        case response
        case responseBinary = "response_base64"
    }

    init(_ stored: StoredAnswer, isSuperseded: Bool) {
        let record = stored.record
        position = stored.position
        id = record.id
        kind = record.kind.rawValue
        at = record.at.description
        model = record.model.text
        version = record.version.value
        release = record.release?.description
        arm = record.arm.rawValue
        share = record.share.percent
        epoch = record.epoch.value
        trace = record.trace
        unit = record.unit.map { hexadecimal($0.value) }
        subject = record.subject.map { hexadecimal($0.value) }
        latencyMicroseconds = record.latencyMicroseconds
        status = record.status
        code = record.code
        fallback = record.fallback
        erased = record.isErased
        truncated = record.isTruncated
        superseded = isSuperseded
        (request, requestBinary) = texts(record.request, record.requestHeaderLength)
        (response, responseBinary) = texts(record.response, record.responseHeaderLength)
    }

    static var csvHeader: String { CodingKeys.allCases.map(\.rawValue).joined(separator: ",") + "\r\n" }

    /// RFC 4180: in the order of the header, quoted where it must be.
    var csvLine: String {
        let fields: [String?] = [
            String(position), id, kind, at, model, String(version), release, arm, shortDecimal(share),
            String(epoch), trace, unit, subject, String(latencyMicroseconds), String(status), code, fallback,
            String(erased), String(truncated), String(superseded), request, requestBinary, response,
            responseBinary,
        ]
        return fields.map { csvField($0 ?? "") }.joined(separator: ",") + "\r\n"
    }
}

/// A block of the log that could not be read; it stands where its answers would.
struct AnswerFaultView: Encodable {
    let code: String
    let detail: String

    init(_ error: InferenceLogError) {
        code = error.explanation.code
        detail = error.explanation.summary
    }

    /// A line in which only the code and the reason are filled in, in the column of the fallback.
    var csvLine: String {
        let fields = AnswerView.CodingKeys.allCases.map { key in
            switch key {
            case .code: code
            case .fallback: csvField(detail)
            default: ""
            }
        }
        return fields.joined(separator: ",") + "\r\n"
    }
}

/// Someone whom a release answered, known to the log by a hash.
struct SubjectView: Encodable {
    /// The subject, or the unit when answers name no subject; null for answers that name neither.
    @ExplicitNull private(set) var subject: String?
    let answers: Int
    /// The newest of these answers, whose id the caller may know.
    let lastID: String
    let lastAt: String

    enum CodingKeys: String, CodingKey {
        case subject, answers
        case lastID = "last_id"
        case lastAt = "last_at"
    }

    init(_ subject: UnitHash?, answers: Int, lastID: String, lastAt: Timestamp) {
        self.subject = subject.map { hexadecimal($0.value) }
        (self.answers, self.lastID, self.lastAt) = (answers, lastID, lastAt.description)
    }
}

/// `POST /v1/models/{model}/erasures`: whom to forget, as requests name them.
package struct ErasureBody: Codable, Equatable, Sendable {
    package let subject: String

    package init(subject: String) { self.subject = subject }
}

/// What was forgotten, and what is recorded of it.
package struct ErasureView: Codable, Equatable, Sendable {
    package let answers: Int
    package let labels: Int
    /// What the ledger's entry says instead of the subject: SHA-256 over the salt's bytes and the subject.
    package let commitment: String
    /// 32 hexadecimal digits, told here and kept nowhere.
    package let salt: String

    package init(answers: Int, labels: Int, commitment: String, salt: String) {
        self.answers = answers
        self.labels = labels
        self.commitment = commitment
        self.salt = salt
    }
}

/// The part of a body that is text, and the rest in Base64.
private func texts(_ body: [UInt8], _ headerLength: Int?) -> (text: String?, binary: String?) {
    let split = min(max(0, headerLength ?? body.count), body.count)
    let rest = body[split...].isEmpty ? nil : Data(body[split...]).base64EncodedString()
    guard let text = String(validating: body[..<split], as: UTF8.self) else {
        return (nil, Data(body).base64EncodedString())
    }
    return (text.isEmpty ? nil : text, rest)
}

private func csvField(_ text: String) -> String {
    let mustBeQuoted = text.utf8.contains { byte in
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\"") || byte == 0x0a || byte == 0x0d
    }
    return mustBeQuoted ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
}
