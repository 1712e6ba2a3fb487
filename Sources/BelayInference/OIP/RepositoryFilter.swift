/// What a repository index is asked for: `{"ready": true}` leaves out what does not answer.
package struct RepositoryFilter: Equatable, Sendable {
    package let onlyReady: Bool

    package init(onlyReady: Bool) { self.onlyReady = onlyReady }

    /// Reads the body of a request.
    ///
    /// An empty one asks for everything. Keys besides `ready` are passed over.
    ///
    /// - Throws: ``InferenceError`` for what is no JSON object, or a `ready` that is no boolean.
    package static func decode(_ body: [UInt8]) throws(InferenceError) -> RepositoryFilter {
        var scanner = JSONScanner(body, mostDepth: 64)
        guard scanner.peek() != nil else { return RepositoryFilter(onlyReady: false) }
        var onlyReady = false
        try scanner.open("{", expecting: "an object")
        var isFirst = true
        while let key = try scanner.nextKey(isFirst: isFirst) {
            isFirst = false
            if key == "ready" { onlyReady = try scanner.boolean() } else { try scanner.skipValue() }
        }
        try scanner.expectEnd()
        return RepositoryFilter(onlyReady: onlyReady)
    }
}
