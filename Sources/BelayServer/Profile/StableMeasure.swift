import BelayCore
import BelayInference
import BelayInferenceLog
import Logging

/// Measures what stable is like, right before a release is proposed.
///
/// From the log, newest answers first, beside everything else and in bounded time: whatever could be read by
/// then is the profile. A wrong or missing one costs a judge power, never its soundness; so a release is
/// never refused for want of it.
package struct StableMeasure: Sendable {
    static let mostAnswers = 20_000
    static let window = Duration.seconds(86_400)
    private static let mostFaults = 100
    package static let standardPatience = Duration.seconds(2)

    let log: InferenceLog
    let labels: LabelStore
    /// How long the log is read; the release waits so long at most, and for the block under way.
    let patience: Duration
    let logger: Logger

    /// What is known of the version that serves an endpoint, as far as the guards of `policy` need it; nil
    /// when nothing serves.
    func profile(
        of endpoint: EndpointID,
        under policy: Policy?,
        in state: State,
        now: Timestamp
    ) async -> StableProfile? {
        guard let serving = state.endpoints[endpoint], let stable = serving.stable,
            let version = state.version(VersionID(endpoint.model, stable.version))
        else { return nil }
        let policy = policy ?? serving.effectivePolicy
        let wish = ProfileDraft.Wish(
            stable: stable.version,
            servesSince: stable.since,
            signature: version.signature,
            prediction: policy.labels.output,
            columns: policy.guards.columns(of: version.signature)
        )
        var draft = ProfileDraft(wish, now: now)
        do {
            await read(into: &draft, endpoint.model, now: now)
            let measured = draft.profile(extent: serving.effectivePolicy.serving.record.extent)
            return try await withLabels(measured, stable.release.flatMap { state.releases[$0] }, policy)
        } catch {
            logger.warning(
                "what stable is like could not be measured",
                metadata: ["endpoint": "\(endpoint)", "error": "\(error.explanation.summary)"]
            )
            return .unknown
        }
    }

    private func read(
        into draft: inout ProfileDraft,
        _ model: ModelName,
        now: Timestamp
    ) async {
        let deadline = ContinuousClock.now + patience
        var filter = AnswerFilter(model: model)
        filter.since = now.advanced(by: .zero - Self.window)
        var cursor = await log.newest(matching: filter)
        var looked = 0
        var faults = 0
        while looked < Self.mostAnswers, faults < Self.mostFaults, ContinuousClock.now < deadline {
            do throws(InferenceLogError) {
                guard let answers = try await cursor.next() else { return }
                for answer in answers.prefix(Self.mostAnswers - looked) { draft.add(answer.record) }
                looked += answers.count
            } catch {
                // The others tell of stable all the same.
                faults += 1
                logger.warning(
                    "a part of the log could not be read to measure stable",
                    metadata: ["model": "\(model)", "error": "\(error.explanation.summary)"]
                )
            }
        }
    }

    /// Adds what labels say, where some guard asks for labels: those that were evidence when the version that
    /// serves was on trial, and since.
    private func withLabels(
        _ profile: StableProfile,
        _ release: Release?,
        _ policy: Policy
    ) async throws(InferenceLogError) -> StableProfile {
        guard let release, policy.guards.contains(where: \.metric.isOfLabels) else { return profile }
        let known = LabelMeans(
            try await labels.evidence(of: release.id),
            classes: release.proposal.policy.labels.namedClasses.count
        )
        return StableProfile(
            answers: profile.answers,
            latency: profile.latency,
            means: profile.means.merging(known.means) { _, labelled in labelled },
            most: known.most,
            references: profile.references,
            answersPerSecond: profile.answersPerSecond
        )
    }
}

extension [Guard] {
    /// The columns that these guards look at, in a request or an answer of this signature.
    ///
    /// A guard on features that names none is on each of them, up to a bound.
    fileprivate func columns(of signature: Signature) -> [Series] {
        var columns: [Series] = []
        for guarded in self {
            switch guarded.metric {
            case .predictionDrift: columns.append(.prediction)
            case .featureDrift, .missingRate, .unseenRate:
                if let feature = guarded.focus.feature {
                    columns.append(.feature(feature))
                } else {
                    columns += TensorColumn.features(of: signature.inputs, most: CountingPlan.mostColumns)
                        .map(Series.feature)
                }
            default: break
            }
        }
        var seen: Set<Series> = []
        return columns.filter { seen.insert($0).inserted }.prefix(CountingPlan.mostColumns).map(\.self)
    }
}
