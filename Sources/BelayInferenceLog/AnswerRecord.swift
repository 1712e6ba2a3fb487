package import BelayCore

/// Whether an answer went to a caller.
package enum AnswerKind: String, Codable, Sendable {
    case served
    /// Computed from a copy of the request and compared; nobody was given it.
    case shadow
}

/// One answer as it was given: what was asked, who answered, and how it went there.
package struct AnswerRecord: Equatable, Sendable {
    /// The request's id, as the caller sent it or as the gateway made it; the gateway admits 128 characters.
    package let id: String
    package let kind: AnswerKind
    package let at: Timestamp
    package let model: ModelName
    package let version: VersionNumber
    /// The release whose evidence this answer belongs to; nil between releases.
    package let release: ReleaseID?
    package let arm: Arm
    /// The candidate's probability at the moment the request was routed; ``Share/none`` without a toss.
    package let share: Share
    /// The number of the route table that the answer left under.
    package let epoch: Epoch
    /// The trace id of the caller's `traceparent`, 32 hexadecimal digits.
    package private(set) var trace: String?
    /// What stuck the request to its arm; nil when each request is tossed anew.
    package private(set) var unit: UnitHash?
    /// Whom the answer is about, for erasure; nil when that is the unit, or nobody.
    package private(set) var subject: UnitHash?
    package let latencyMicroseconds: Int64
    /// The HTTP status of the answer.
    package let status: Int
    /// The stable code of the error that the caller was told.
    package let code: String?
    /// Which arm failed first and why, when another answered in its place.
    package let fallback: String?
    /// The first bytes of the request's body: all ``requestLength`` of them unless ``isTruncated``.
    package private(set) var request: [UInt8]
    package private(set) var requestLength: Int
    /// How many bytes of the request are JSON, when binary tensors follow them.
    package private(set) var requestHeaderLength: Int?
    package private(set) var response: [UInt8]
    package private(set) var responseLength: Int
    package private(set) var responseHeaderLength: Int?
    /// Whether the request, the response and whom they were about were erased since.
    package private(set) var isErased: Bool

    /// The lengths are given when a body is only the beginning of what was sent, in bytes.
    package init(
        id: String,
        kind: AnswerKind = .served,
        at: Timestamp,
        model: ModelName,
        version: VersionNumber,
        release: ReleaseID?,
        arm: Arm,
        share: Share,
        epoch: Epoch = Epoch(0),
        trace: String? = nil,
        unit: UnitHash?,
        subject: UnitHash? = nil,
        latencyMicroseconds: Int64,
        status: Int,
        code: String? = nil,
        fallback: String?,
        request: [UInt8],
        requestLength: Int? = nil,
        requestHeaderLength: Int? = nil,
        response: [UInt8],
        responseLength: Int? = nil,
        responseHeaderLength: Int? = nil,
        isErased: Bool = false
    ) {
        self.id = id
        self.kind = kind
        self.at = at
        self.model = model
        self.version = version
        self.release = release
        self.arm = arm
        self.share = share
        self.epoch = epoch
        self.trace = trace
        self.unit = unit
        self.subject = subject
        self.latencyMicroseconds = latencyMicroseconds
        self.status = status
        self.code = code
        self.fallback = fallback
        self.request = request
        self.requestLength = requestLength ?? request.count
        self.requestHeaderLength = requestHeaderLength
        self.response = response
        self.responseLength = responseLength ?? response.count
        self.responseHeaderLength = responseHeaderLength
        self.isErased = isErased
    }
}

extension AnswerRecord {
    /// Whether the log kept only the first part of the request or of the response.
    package var isTruncated: Bool { request.count < requestLength || response.count < responseLength }

    /// Whether this one was given to the request that `other` was to be given to.
    ///
    /// A caller who uses an id again does so at another moment, or without a version being withdrawn.
    package func supersedes(_ other: AnswerRecord) -> Bool {
        id == other.id && kind == other.kind && model == other.model && at == other.at && self != other
            && (status >= 400 || fallback?.contains("withdrawn") ?? false)
    }

    /// The same answer as it may reach the disk.
    func redacted(by redactor: some Redacting) -> AnswerRecord {
        var copy = self
        let question = AnswerBody(bytes: request, headerLength: requestHeaderLength)
        copy.subject = subject ?? redactor.subject(of: question)
        let asked = redactor.redacted(request: question)
        let given = redactor.redacted(
            response: AnswerBody(bytes: response, headerLength: responseHeaderLength)
        )
        if asked.bytes != request { (copy.request, copy.requestLength) = (asked.bytes, asked.bytes.count) }
        copy.requestHeaderLength = asked.headerLength
        if given.bytes != response { (copy.response, copy.responseLength) = (given.bytes, given.bytes.count) }
        copy.responseHeaderLength = given.headerLength
        return copy
    }

    /// The same answer without anything that says whom it was about, or what it said.
    func erased() -> AnswerRecord {
        var copy = self
        copy.isErased = true
        (copy.unit, copy.subject, copy.trace) = (nil, nil, nil)
        (copy.request, copy.requestLength, copy.requestHeaderLength) = ([], 0, nil)
        (copy.response, copy.responseLength, copy.responseHeaderLength) = ([], 0, nil)
        return copy
    }

    /// What a waiting record holds besides its bodies, about, in bytes.
    static let overhead = 512
}

/// An answer and its place in the log.
package struct StoredAnswer: Equatable, Sendable {
    /// Counts the answers of a log from 0, without holes, in the order they were written.
    package let position: Int
    package let record: AnswerRecord
}

/// The bytes of a request or of an answer.
package struct AnswerBody: Equatable, Sendable {
    package let bytes: [UInt8]
    /// How many of them are JSON, when binary tensors follow; nil when all are.
    package let headerLength: Int?

    package init(bytes: [UInt8], headerLength: Int?) {
        self.bytes = bytes
        self.headerLength = headerLength
    }
}

/// Takes out of an answer what must never reach the disk.
///
/// Called on the writer's thread, before anything of the answer is written anywhere. A body that cannot be
/// read is best left out whole.
package protocol Redacting: Sendable {
    func redacted(request: AnswerBody) -> AnswerBody
    func redacted(response: AnswerBody) -> AnswerBody
    /// Whom the answer is about, when its record does not say and the request as it was sent does.
    func subject(of request: AnswerBody) -> UnitHash?
}
