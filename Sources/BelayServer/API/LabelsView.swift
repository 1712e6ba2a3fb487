import BelayInferenceLog

/// The outcome of a batch of labels; partial success is normal.
///
/// What was accepted was joined with its answer, waits for it, or had been said before.
package struct LabelsView: Codable, Equatable, Sendable {
    package struct Rejected: Codable, Equatable, Sendable {
        /// 1 for the first label of the request.
        package let line: Int
        package let code: String
        package let detail: String

        package init(line: Int, code: String, detail: String) {
            self.line = line
            self.code = code
            self.detail = detail
        }
    }

    package var accepted = 0
    /// How many of the accepted found their answers.
    package var joined = 0
    /// How many of the joined were new evidence for the version that answered.
    package var counted = 0
    /// How many of the accepted are kept until their answers are known.
    package var waiting = 0
    package var repeated = 0
    package var rejected: [Rejected] = []
    /// The request by its content: the same body has the same name.
    package var batch: String

    package init(batch: String) { self.batch = batch }

    mutating func count(_ acceptance: LabelAcceptance) {
        accepted += 1
        if acceptance.isJoined { joined += 1 }
        if acceptance.counts { counted += 1 }
        if acceptance == .waiting { waiting += 1 }
        if acceptance == .repeated { repeated += 1 }
    }
}
