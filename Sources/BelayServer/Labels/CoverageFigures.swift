import BelayCore
import BelayInferenceLog

/// How much of each version's answers is labelled, for those who plot it; read again once a minute.
actor CoverageFigures {
    private static let days = 7
    private static let patience = Duration.seconds(60)

    private let reader: CoverageReader
    private var newest: (at: Timestamp, ratios: [VersionID: Double])?
    private var reading: Task<Void, Never>?

    init(reader: CoverageReader) { self.reader = reader }

    /// Labelled answers as a part of all answers of the last week; versions without answers are missing, and
    /// so is a model whose figures cannot be read now.
    ///
    /// Nobody waits for the disk, which may hang: what was read last is given, at first nothing.
    func ratios(of models: some Collection<ModelName>, now: Timestamp) async -> [VersionID: Double] {
        let isFresh = newest.map { (.zero..<Self.patience).contains(now.since($0.at)) } ?? false
        if !isFresh, reading == nil {
            let models = Array(models)
            reading = Task { await read(models, now: now) }
        }
        return newest?.ratios ?? [:]
    }

    private func read(_ models: [ModelName], now: Timestamp) async {
        defer { reading = nil }
        var sums: [VersionID: (labelled: Int, answers: Int)] = [:]
        for model in models {
            guard let figures = try? await reader.figures(of: model, days: Self.days, now: now) else {
                continue
            }
            for (key, figure) in figures {
                let id = VersionID(model, key.version)
                sums[id, default: (0, 0)].labelled += figure.labels.labelled
                sums[id, default: (0, 0)].answers += figure.answers
            }
        }
        let ratios = sums.filter { $0.value.answers > 0 }
            .mapValues { Double($0.labelled) / Double($0.answers) }
        newest = (now, ratios)
    }
}
