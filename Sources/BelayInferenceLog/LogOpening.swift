/// What was found when the log was opened.
package struct LogOpening: Equatable, Sendable {
    /// A segment whose writer did not end in order: at most its last batch is missing.
    package struct Interrupted: Equatable, Sendable {
        package let path: String
        /// How many rows are in it.
        package let rows: Int
    }

    package let segments: Int
    package internal(set) var interrupted: [Interrupted] = []
    /// Segments that cannot be read.
    package internal(set) var damaged: [String] = []
}
