/// Which side of a comparison answered a request.
package enum Arm: String, Codable, CaseIterable, Sendable {
    case stable
    case candidate
    /// The caller named the version, so no coin was tossed and the answer is evidence for nothing.
    case pinned
}
