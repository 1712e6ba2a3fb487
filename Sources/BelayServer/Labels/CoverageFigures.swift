import BelayCore
import BelayInferenceLog

/// How much of each version's answers is labelled, for those who plot it; read again once a minute.
actor CoverageFigures {
    private static let days = 7
    private static let patience = Duration.seconds(60)

    private let reader: CoverageReader
    private var newest: (at: Timestamp, ratios: [VersionID: Double])?

    init(reader: CoverageReader) { self.reader = reader }

    /// Labelled answers as a part of all answers of the last week; versions without answers are missing, and
    /// so is a model whose figures cannot be read now.
    func ratios(of models: some Sequence<ModelName>, now: Timestamp) async -> [VersionID: Double] {
        if let newest, (.zero..<Self.patience).contains(now.since(newest.at)) { return newest.ratios }
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
        return ratios
    }
}
