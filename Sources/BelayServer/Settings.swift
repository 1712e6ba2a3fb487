package import BelayCore

/// What `belay serve` was told, decoded once.
package struct Settings: Sendable {
    /// The data directory; made when it is missing.
    package let data: String
    /// Where the control API listens.
    package let listen: ListenAddress
    /// Where the inference gateway listens.
    package let inference: ListenAddress
    /// The ONNX Runtime library to load; nil searches the usual places.
    package let onnxRuntime: String?
    /// The Prometheus server that guards on a `query` ask, `http://127.0.0.1:9090`; nil leaves them blind.
    package var prometheus: String?
    /// How often it is asked.
    package var queryCadence = Duration.seconds(15)
    /// How long a release waits, before it is proposed, for the log to say what stable is like.
    package var profilePatience = StableMeasure.standardPatience
    /// How long calls of the control API may take to end once the server stops.
    package var shutdownPatience = Duration.seconds(10)
    /// Where people reach the control API, for links in notices; nil takes where it listens.
    package var publicURL: String?
    /// Names besides loopback's and `publicURL`'s under which the control API may be asked.
    package var allowedHosts: [String] = []
    /// What monitors outside must show; nil lets those of this machine pull without.
    package var hookSecret: NotifyTarget.Secret?

    package init(data: String, listen: ListenAddress, inference: ListenAddress, onnxRuntime: String?) {
        self.data = data
        self.listen = listen
        self.inference = inference
        self.onnxRuntime = onnxRuntime
    }
}

/// A host and a port to listen on; port 0 takes a free one.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `127.0.0.1:7700`, `localhost:0` or `[::1]:7700`; nil for anything else.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty else { return nil }
        self.init(host: host, port: port)
    }

    /// Whether only this machine can reach it; a name that merely begins with `127.` is somebody else's.
    package var isLoopback: Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        let isInBlock = parts.count == 4 && parts.first == "127" && parts.allSatisfy { UInt8($0) != nil }
        return host == "localhost" || host == "::1" || isInBlock
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
