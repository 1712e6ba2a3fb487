/// The outcome of a batch of labels; partial success is normal.
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

    package let accepted: Int
    /// How many of the accepted were new evidence for the version that answered.
    package let counted: Int
    package let repeated: Int
    package let rejected: [Rejected]

    package init(accepted: Int, counted: Int, repeated: Int, rejected: [Rejected]) {
        self.accepted = accepted
        self.counted = counted
        self.repeated = repeated
        self.rejected = rejected
    }
}
