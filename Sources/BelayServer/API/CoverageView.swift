import BelayCore
import BelayInferenceLog
import Foundation

/// How much of a model's answers is labelled: `GET /v1/labels/coverage`.
package struct CoverageView: Codable, Equatable, Sendable {
    /// One version on one arm; `day` only inside ``Part/days``.
    package struct Part: Codable, Equatable, Sendable {
        package let version: Int
        package let arm: String
        package let answers: Int
        package let labelled: Int
        /// Labelled answers as a part of all, 0 to 1; nil without answers.
        package let coverage: Double?
        /// Labelled answers that were compared with a truth, and those of them that were wrong.
        package let judged: Int
        package let wrong: Int
        /// Labels that changed an earlier one.
        package let revised: Int
        package let days: [Day]
    }

    package struct Day: Codable, Equatable, Sendable {
        /// `2026-11-23`, of the answers, in UTC.
        package let day: String
        package let answers: Int
        package let labelled: Int
    }

    package let model: String
    package let since: String
    package let answers: Int
    package let labelled: Int
    package let waiting: Int
    /// By version, then arm.
    package let parts: [Part]
    /// What makes a comparison by labels doubtful, in words.
    package let warnings: [String]
}

/// Reads coverage from the two places that know it: labels, and the answers they could be for.
struct CoverageReader: Sendable {
    static let standardDays = 30
    static let mostDays = 366

    let log: InferenceLog
    let labels: LabelStore

    /// Labelled and answered, by version, arm and day, for the answers of these days.
    func figures(
        of model: ModelName,
        days: Int,
        now: Timestamp
    ) async throws(InferenceLogError) -> [CoverageKey: (answers: Int, labels: LabelCoverage)] {
        let first = CoverageKey.day(of: now) - days + 1
        let since = Timestamp(milliseconds: Int64(first) * 86_400_000)
        let numbers = try await log.numbers(of: model, since: since)
        var figures: [CoverageKey: (answers: Int, labels: LabelCoverage)] = numbers.mapValues {
            ($0, LabelCoverage())
        }
        for (key, coverage) in try await labels.coverage(of: model) where key.day >= first {
            // Answers whose file is gone are still known by their labels.
            figures[key] = (max(numbers[key] ?? 0, coverage.labelled), coverage)
        }
        return figures
    }

    func view(
        of model: ModelName,
        days: Int,
        now: Timestamp,
        warnings: [String] = []
    ) async throws(InferenceLogError) -> CoverageView {
        let figures = try await figures(of: model, days: days, now: now)
        let first = Timestamp(milliseconds: Int64(CoverageKey.day(of: now) - days + 1) * 86_400_000)
        let groups = Dictionary(grouping: figures.keys) { ArmOfVersion(version: $0.version, arm: $0.arm) }
        let parts = groups.map { group, keys in
            part(group, keys.sorted { $0.day < $1.day }, figures)
        }.sorted { ($0.version, $0.arm) < ($1.version, $1.arm) }
        return CoverageView(
            model: model.text,
            since: first.description,
            answers: parts.reduce(0) { $0 + $1.answers },
            labelled: parts.reduce(0) { $0 + $1.labelled },
            waiting: try await labels.waiting(),
            parts: parts,
            warnings: warnings
        )
    }

    private struct ArmOfVersion: Hashable {
        let version: VersionNumber
        let arm: Arm
    }

    private func part(
        _ group: ArmOfVersion,
        _ keys: [CoverageKey],
        _ figures: [CoverageKey: (answers: Int, labels: LabelCoverage)]
    ) -> CoverageView.Part {
        let own = keys.compactMap { key in figures[key].map { (key, $0.answers, $0.labels) } }
        let answers = own.reduce(0) { $0 + $1.1 }
        let sum = own.reduce(LabelCoverage()) { $0 + $1.2 }
        return CoverageView.Part(
            version: group.version.value,
            arm: group.arm.rawValue,
            answers: answers,
            labelled: sum.labelled,
            coverage: answers > 0 ? Double(sum.labelled) / Double(answers) : nil,
            judged: sum.judged,
            wrong: sum.wrong,
            revised: sum.revised,
            days: own.map { key, answers, labels in
                let midnight = Timestamp(milliseconds: Int64(key.day) * 86_400_000)
                return CoverageView.Day(
                    day: String(midnight.description.prefix(10)),
                    answers: answers,
                    labelled: labels.labelled
                )
            }
        )
    }
}
