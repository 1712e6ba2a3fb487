import BelayCore
import BelayInferenceLog

/// Labels of a model that came and do not count, which is why a guard may see none.
struct LabelTrouble: Equatable, Sendable {
    /// What was refused longer ago explains nothing.
    private static let recent = Duration.seconds(3600)

    /// Labels whose answers are not known.
    let waiting: Int
    let refusals: LabelCounts.Refusals?

    /// Sentences for whoever wonders where the labels are.
    func remarks(at now: Timestamp) -> [String] {
        var remarks: [String] = []
        if let refusals, refusals.count > 0, now.since(refusals.at) < Self.recent {
            let isOne = refusals.count == 1
            let whose = refusals.isUnknown ? "a model that cannot be told" : "this model"
            remarks.append(
                "\(grouped(refusals.count)) \(isOne ? "label" : "labels") of \(whose) "
                    + "\(isOne ? "was" : "were") refused since the server started, the newest at "
                    + "\(refusals.at): \(refusals.newest.withoutStop)."
            )
        }
        if waiting > 0 {
            let what = waiting == 1 ? "label waits for an answer" : "labels wait for answers"
            remarks.append(
                "\(grouped(waiting)) \(what) that this model has not given; "
                    + "a label's id is the answer's Belay-Request-Id."
            )
        }
        return remarks
    }
}

extension LabelIntake {
    func trouble(of model: ModelName) async throws -> LabelTrouble {
        LabelTrouble(waiting: try await labels.waiting(of: model), refusals: counts.refusals(of: model))
    }
}
