import BelayServer

/// What changed between two looks at the status, one line for each change.
///
/// Pure, so that a command that keeps looking says each thing once.
struct StatusNews {
    private var last: [String: EndpointView] = [:]
    private var releases: [String: ReleaseNews] = [:]

    init() {}

    mutating func lines(_ view: StatusView, _ look: Look) -> [String] {
        view.endpoints.flatMap { lines($0, look) }
    }

    private mutating func lines(_ endpoint: EndpointView, _ look: Look) -> [String] {
        let before = last.updateValue(endpoint, forKey: endpoint.model)
        var lines: [String] = []
        if before.map({ $0.serving?.version != endpoint.serving?.version }) ?? true {
            lines.append(serving(endpoint, since: before, look))
        }
        if let release = endpoint.release {
            lines += releases[release.id, default: ReleaseNews()].lines(release, look)
        } else if let ended = before?.release {
            let mark = endpoint.serving?.version == ended.candidate ? look.symbols.pass : look.symbols.fail
            releases[ended.id] = nil
            lines.append("\(mark) \(ended.id)  over; why: belay why \(ended.id)")
        }
        guard let before else { return lines }
        let name = printable(endpoint.model)
        if before.withdrawn != endpoint.withdrawn, !endpoint.withdrawn.isEmpty {
            lines.append("  \(name)  withdrawn: \(list(endpoint.withdrawn))")
        }
        if before.automatic != endpoint.automatic {
            lines.append("  \(name)  automatic releases are \(endpoint.automatic ? "on" : "off")")
        }
        if before.fencing != endpoint.fencing {
            lines.append(
                "  \(name)  \(endpoint.fencing ? "a rollback is being fenced" : "the fence is complete")"
            )
        }
        if before.suspended != endpoint.suspended, let suspended = endpoint.suspended {
            lines.append("  \(suspended.sentence(of: endpoint.model))")
        }
        if standings(before) != standings(endpoint) {
            let all = endpoint.readiness.map { "\($0.version) \($0.standing)" }
            lines.append("  \(name)  ready to serve: \(all.joined(separator: ", "))")
        }
        return lines
    }

    private func serving(_ endpoint: EndpointView, since before: EndpointView?, _ look: Look) -> String {
        let name = printable(endpoint.model)
        guard let now = endpoint.serving?.version else {
            return "\(look.symbols.nothing) \(name)  nothing serves"
        }
        let former = before?.serving.map { " instead of \($0.version)" } ?? ""
        return "\(look.good(look.symbols.pass)) \(name)  version \(now) serves\(former)"
    }

    private func standings(_ endpoint: EndpointView) -> [String] {
        endpoint.readiness.map { "\($0.version) \($0.standing)" }
    }

    private func list(_ versions: [Int]) -> String { versions.map(String.init).joined(separator: ", ") }
}
