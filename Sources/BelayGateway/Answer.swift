package import BelayCore
package import BelayInference

/// One answer that was given, as the inference log keeps it.
///
/// Rejections are answers too, from the moment that the model's route was known; nothing that a caller of an
/// existing model was told is missing from the log.
package struct Answer: Sendable {
    /// The request's `Belay-Request-Id`: the caller's own, or made.
    package let id: String
    /// When the request had arrived whole.
    package let at: Timestamp
    /// The table by which it was answered.
    package let epoch: Epoch
    package let model: ModelName
    /// The version that answered, or the last that was tried; nil when the request was refused before any.
    package let version: VersionNumber?
    /// The release on trial when the request was routed, for either arm; evidence from a later label is its
    /// evidence.
    package let release: ReleaseID?
    /// The arm that answered, stable when a fallback did; nil when the request was refused before routing.
    package let arm: Arm?
    /// The candidate's share when the request was routed.
    package let share: Share
    /// What stuck the request to its arm; nil when it was tossed alone, pinned, or refused before routing.
    package let unit: UnitHash?
    /// Whom the answer is about, for erasure.
    package let subject: UnitHash?
    /// The trace of the caller's `traceparent`, 32 hexadecimal digits.
    package let trace: String?
    /// From the whole request to the answer's hand-over to the connection.
    package let latencyMicroseconds: Int64
    /// The HTTP status; 499 when the caller had left before there was an answer.
    package let status: Int
    /// Why another version answered than the one the request was routed to, `candidate=timeout` for instance;
    /// it ends with `fixed` when the policy's own answer left.
    ///
    /// An answer with a fallback is evidence for nobody, however its label turns out.
    package let fallback: String?
    /// Empty when it was refused before its content coding was undone.
    package let request: [UInt8]
    /// How many bytes of it there were.
    package let requestLength: Int
    /// The length of the JSON before binary tensors; nil when all is JSON.
    package let requestHeaderLength: Int?
    package let response: [UInt8]
    package let responseHeaderLength: Int?
    /// What may not reach the disk.
    package let redaction: Redaction?
    /// Where in the request stands whom it is about, when its head does not say.
    package let subjectPointer: JSONPointer?
    /// Whether a shadow said it, and nobody was told.
    package let isShadow: Bool
}

/// What the keeper of labels says to a `POST /v1/labels`: a status, and JSON.
package struct LabelReply: Equatable, Sendable {
    package let status: Int
    package let json: [UInt8]

    package init(status: Int, json: [UInt8]) {
        self.status = status
        self.json = json
    }
}
