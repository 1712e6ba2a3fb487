import ArgumentParser
import BelayCore
import BelayServer

/// `belay releases`: every release with how it ended, newest first.
struct ReleasesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "releases",
        abstract: "List releases, newest first."
    )

    @Argument(help: "One model; else all.", transform: modelName)
    var model: ModelName?

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let path = model.map { APIPath.releases(of: $0) } ?? .releases
        let list: ReleaseList = try await options.client().get(path)
        let now = wallClock()
        try options.show(list) { look in
            guard !list.releases.isEmpty else { return "no release yet\n" }
            var table = Table([
                .init("RELEASE"), .init("MODEL"), .init("FROM", .number), .init("TO", .number),
                .init("PHASE"),
                .init("CAUSE"), .init("STARTED", .number), .init("BY"), .init("REASON"),
            ])
            for release in list.releases {
                table.add([
                    release.id, release.model, release.stable.map(String.init) ?? "",
                    String(release.candidate),
                    release.place, release.cause ?? "", age(release.proposedAt, now: now), release.proposedBy,
                    release.reason ?? "",
                ])
            }
            return table.text(width: Stream.output.width, look: look)
        }
    }
}

/// `belay versions`: what a model has been, and what became of each.
struct VersionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "versions",
        abstract: "List a model's versions and what became of them."
    )

    @Argument(help: "The model.", transform: modelName)
    var model: ModelName

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let list: VersionList = try await options.client().get(.versions(model))
        let now = wallClock()
        try options.show(list) { look in
            guard !list.versions.isEmpty else { return "no version yet\n" }
            var table = Table([
                .init("VERSION", .number), .init("LABEL"), .init("ALIASES"), .init("STATE"), .init("DIGEST"),
                .init("SIZE", .number),
                .init("REGISTERED", .number), .init("METRICS"), .init("NOTE"),
            ])
            for version in list.versions {
                let metrics = version.metrics.sorted { $0.key < $1.key }.map {
                    "\($0.key)=\(shortDecimal($0.value))"
                }
                table.add([
                    String(version.version), version.label ?? "",
                    version.aliases.joined(separator: " "), version.state,
                    String(version.digest.prefix(19)), size(version.bytes),
                    age(version.registeredAt, now: now),
                    metrics.joined(separator: " "), version.note ?? "",
                ])
            }
            return table.text(width: Stream.output.width, look: look)
        }
    }
}
