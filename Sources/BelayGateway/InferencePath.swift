/// What a request line asks for.
///
/// Pure: text in, case out. Segments are percent-decoded once and never joined again, so an encoded slash
/// cannot become a separator.
enum InferencePath: Equatable {
    case server
    case live
    case ready
    /// A model, or one of its versions, by the names the caller used.
    case model(String, Selector, Aspect)
    /// The statistics of every model.
    case statistics
    /// Which models there are and what state their versions are in.
    case index
    /// Triton's way to load or unload a model by hand.
    case repository(String, RepositoryWish)
    /// MLflow's scoring protocol; nil leaves the model to the header, or to there being only one.
    case invocations(String?)
    /// MLflow's `/ping` and `/health`.
    case ping
    /// MLflow's `/version`.
    case version
    case labels
    case feedback

    enum Aspect: Equatable {
        case metadata, ready, infer, statistics
    }

    /// Which version of a model is meant.
    enum Selector: Equatable {
        /// Whichever the route and the coin say.
        case routed
        case version(String)
        /// An alias, or the label of a version.
        case alias(String)
    }

    enum RepositoryWish: String, Equatable {
        case load, unload
    }

    /// Returns what is asked for, or which rejection is due.
    ///
    /// HEAD asks for what GET does. A URI may begin with a scheme and a host, as clients of proxies write it
    /// and every server must take it (RFC 9112, 3.2.2).
    static func parse(method: String, uri: String) -> Result<InferencePath, Rejection> {
        let text = localPart(of: uri.prefix { $0 != "?" && $0 != "#" })
        guard text.utf8.first == UInt8(ascii: "/") else { return .failure(.noSuchPath) }
        var segments: [String] = []
        for part in text.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            guard let segment = percentDecoded(part) else { return .failure(.noSuchPath) }
            segments.append(segment)
        }
        guard let path = path(of: segments) else { return .failure(.noSuchPath) }
        let asked = method == "HEAD" ? "GET" : method
        return path.verb == asked ? .success(path) : .failure(.wrongMethod(allowed: path.verb))
    }

    private static func path(of segments: [String]) -> InferencePath? {
        switch (segments.first, segments.count) {
        case ("ping", 1), ("health", 1): .ping
        case ("version", 1): .version
        case ("invocations", 1): .invocations(nil)
        case ("models", 3) where segments[2] == "invocations" && !segments[1].isEmpty:
            .invocations(segments[1])
        case ("v1", 2): ["labels": .labels, "feedback": .feedback][segments[1]]
        case ("v2", _): protocolPath(Array(segments.dropFirst()))
        default: nil
        }
    }

    /// Below `/v2`.
    private static func protocolPath(_ segments: [String]) -> InferencePath? {
        switch (segments.first, segments.count) {
        // The protocol's OpenAPI file writes the same resource with a slash behind it.
        case (nil, 0), ("", 1): .server
        case ("health", 2): health(segments[1])
        case ("models", 2) where segments[1] == "stats": .statistics
        case ("models", 2...5): model(segments[1], Array(segments[2...]))
        case ("repository", 2) where segments[1] == "index": .index
        case ("repository", 4) where segments[1] == "models" && !segments[2].isEmpty:
            RepositoryWish(rawValue: segments[3]).map { .repository(segments[2], $0) }
        default: nil
        }
    }

    private static func health(_ name: String) -> InferencePath? {
        switch name {
        case "live": .live
        case "ready": .ready
        default: nil
        }
    }

    private static func model(_ name: String, _ rest: [String]) -> InferencePath? {
        guard !name.isEmpty else { return nil }
        var rest = rest[...]
        var selector = Selector.routed
        if let kind = rest.first, kind == "versions" || kind == "labels" {
            guard rest.count > 1 else { return nil }
            selector = kind == "versions" ? .version(rest[1]) : .alias(rest[1])
            rest = rest.dropFirst(2)
        }
        switch (rest.first, rest.count) {
        case (nil, 0): return .model(name, selector, .metadata)
        case ("ready", 1): return .model(name, selector, .ready)
        case ("infer", 1): return .model(name, selector, .infer)
        case ("stats", 1): return .model(name, selector, .statistics)
        default: return nil
        }
    }

    private var verb: String {
        switch self {
        case .server, .live, .ready, .ping, .version, .statistics, .model(_, _, .metadata),
            .model(_, _, .ready), .model(_, _, .statistics):
            "GET"
        case .labels, .feedback, .index, .repository, .invocations, .model(_, _, .infer): "POST"
        }
    }
}

/// What follows the scheme and the host.
private func localPart(of text: Substring) -> Substring {
    guard !text.utf8.starts(with: "/".utf8), let colon = text.firstIndex(of: ":"),
        ["http", "https"].contains(text[..<colon].lowercased()), text[colon...].hasPrefix("://")
    else { return text }
    return text[colon...].dropFirst("://".count).drop { $0 != "/" }
}

/// Resolves `%20` and the like; nil when an escape is cut or the bytes are not UTF-8.
private func percentDecoded(_ text: Substring) -> String? {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal)
        else {
            return nil
        }
        bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
}

private func hexadecimal(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
}
