package import BelayCore

/// One answer as it was given: what was asked, who answered, and how it went there.
package struct AnswerRecord: Equatable, Sendable {
    /// The request's id, as the caller sent it or as the gateway made it; the gateway admits 128 characters.
    package let id: String
    package let at: Timestamp
    package let model: ModelName
    package let version: VersionNumber
    /// The release whose evidence this answer belongs to; nil between releases.
    package let release: ReleaseID?
    package let arm: Arm
    /// The candidate's probability at the moment the request was routed; ``Share/none`` without a toss.
    package let share: Share
    /// What stuck the request to its arm; nil when each request is tossed anew.
    package let unit: UnitHash?
    package let latencyMicroseconds: Int64
    /// The HTTP status of the answer.
    package let status: Int
    /// Which arm failed first and why, when another answered in its place.
    package let fallback: String?
    /// The first bytes of the request's body: all ``requestLength`` of them unless ``isTruncated``.
    package let request: [UInt8]
    package let requestLength: Int
    package let response: [UInt8]
    package let responseLength: Int

    package init(
        id: String,
        at: Timestamp,
        model: ModelName,
        version: VersionNumber,
        release: ReleaseID?,
        arm: Arm,
        share: Share,
        unit: UnitHash?,
        latencyMicroseconds: Int64,
        status: Int,
        fallback: String?,
        request: [UInt8],
        response: [UInt8]
    ) {
        self.init(
            id: id,
            at: at,
            model: model,
            version: version,
            release: release,
            arm: arm,
            share: share,
            unit: unit,
            latencyMicroseconds: latencyMicroseconds,
            status: status,
            fallback: fallback,
            request: request,
            requestLength: request.count,
            response: response,
            responseLength: response.count
        )
    }

    /// As it was stored, where long bodies lack their tail.
    init(
        id: String,
        at: Timestamp,
        model: ModelName,
        version: VersionNumber,
        release: ReleaseID?,
        arm: Arm,
        share: Share,
        unit: UnitHash?,
        latencyMicroseconds: Int64,
        status: Int,
        fallback: String?,
        request: [UInt8],
        requestLength: Int,
        response: [UInt8],
        responseLength: Int
    ) {
        self.id = id
        self.at = at
        self.model = model
        self.version = version
        self.release = release
        self.arm = arm
        self.share = share
        self.unit = unit
        self.latencyMicroseconds = latencyMicroseconds
        self.status = status
        self.fallback = fallback
        self.request = request
        self.requestLength = requestLength
        self.response = response
        self.responseLength = responseLength
    }
}

extension AnswerRecord {
    /// Whether the log kept only the first part of the request or of the response.
    package var isTruncated: Bool { request.count < requestLength || response.count < responseLength }

    /// About how much memory the record holds while it waits, in bytes.
    var cost: Int { 256 + request.count + response.count }
}
