/// What a request line asks for.
///
/// Pure: text in, case out. Segments are percent-decoded once and never joined again, so an encoded slash
/// cannot become a separator.
enum InferencePath: Equatable {
    case server
    case live
    case ready
    /// A model, or one version of it, by the names the caller used.
    case model(String, version: String?, Aspect)
    case labels

    enum Aspect: Equatable {
        case metadata, ready, infer
    }

    /// Returns what is asked for, or which rejection is due.
    static func parse(method: String, uri: String) -> Result<InferencePath, Rejection> {
        let text = uri.prefix { $0 != "?" && $0 != "#" }
        var segments: [String] = []
        for part in text.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            guard let segment = percentDecoded(part) else { return .failure(.noSuchPath) }
            segments.append(segment)
        }
        guard let path = path(of: segments) else { return .failure(.noSuchPath) }
        return path.verb == method ? .success(path) : .failure(.wrongMethod(allowed: path.verb))
    }

    private static func path(of segments: [String]) -> InferencePath? {
        switch (segments.first, segments.count) {
        case ("v1", 2): segments[1] == "labels" ? .labels : nil
        case ("v2", 1): .server
        // The protocol's OpenAPI file writes the same resource with a slash behind it.
        case ("v2", 2) where segments[1].isEmpty: .server
        case ("v2", 3) where segments[1] == "health": health(segments[2])
        case ("v2", 3...6) where segments[1] == "models": model(segments[2], Array(segments[3...]))
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
        var version: String?
        if rest.first == "versions" {
            guard rest.count > 1 else { return nil }
            version = rest[1]
            rest = rest.dropFirst(2)
        }
        switch (rest.first, rest.count) {
        case (nil, 0): return .model(name, version: version, .metadata)
        case ("ready", 1): return .model(name, version: version, .ready)
        case ("infer", 1): return .model(name, version: version, .infer)
        default: return nil
        }
    }

    private var verb: String {
        switch self {
        case .server, .live, .ready, .model(_, _, .metadata), .model(_, _, .ready): "GET"
        case .labels, .model(_, _, .infer): "POST"
        }
    }
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
