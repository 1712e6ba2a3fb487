package import BelayCore

/// Why the server did not start.
package enum ServerError: Error, Equatable, Sendable {
    case dataUnusable(path: String, reason: String)
    case notLoopback(ListenAddress)
    case portTaken(ListenAddress, reason: String)
}

extension ServerError: Explainable {
    package var category: FailureCategory {
        switch self {
        case .notLoopback: .refused
        case .dataUnusable, .portTaken: .failed
        }
    }

    package var explanation: Explanation {
        switch self {
        case .dataUnusable(let path, let reason):
            Explanation(
                code: "server.data-unusable",
                summary: "The data directory '\(path)' cannot be used: \(reason).",
                remedy: "Check that it is a writable folder on a disk with free space."
            )
        case .notLoopback(let address):
            Explanation(
                code: "server.not-loopback",
                summary: "Listening on \(address) would let anyone on the network act without signing in.",
                remedy:
                    "Listen on a loopback address such as 127.0.0.1, behind a proxy that authenticates."
            )
        case .portTaken(let address, let reason):
            Explanation(
                code: "server.port-taken",
                summary: "Nothing can listen on \(address): \(reason).",
                remedy: "Free the port, or choose another with --listen and --inference."
            )
        }
    }
}
