import BelayCore
import BelayInference
import BelayInferenceLog

/// Joins statements with their answers: what each shows, and what it may be evidence for.
///
/// A value for one batch: it remembers what it looked up.
struct LabelJoin {
    /// How long labels wait for their answers when the policy does not say.
    static let standardWait = Duration.seconds(7 * 86_400)

    private struct Origin: Hashable {
        let model: ModelName
        let version: VersionNumber
        let release: ReleaseID?
    }

    private struct Reading {
        let scoring: LabelScoring
        let slicing: LabelSlicing
        let joinWithin: Duration?
    }

    let state: State
    private var readings: [Origin: Reading] = [:]
    private var settled: [VersionID: ReleaseID?] = [:]

    init(state: State) { self.state = state }

    /// - Throws: The fault that keeps the label from ever being compared with this answer.
    mutating func record(
        _ statement: LabelStatement,
        value: LabelValue,
        answer: AnswerRecord
    ) throws(LabelFault) -> LabelRecord {
        guard answer.status < 400 else { throw .answerWasAnError(answer.id, answer.status) }
        // Nothing may be said any more of what was erased.
        guard !answer.isErased else { throw .answerWasErased(answer.id) }
        let origin = origin(of: answer)
        let reading = try reading(for: origin)
        let shown =
            statement.kind == .feedback
            ? try LabelScoring.opinion(value, isScore: statement.isScore)
            : try reading.scoring.truth(value, isTabular: statement.isTabular, answer: answer)
        let isLate = reading.joinWithin.map { statement.receivedAt.since(answer.at) > $0 } ?? false
        // Whoever fell back was answered by a version that the coin had not chosen: evidence for nobody.
        let release = answer.fallback == nil && !isLate ? origin.release : nil
        let isSettled = release != nil && answer.release == nil
        return LabelRecord(
            statement,
            answer: LabelledAnswer(
                version: answer.version,
                at: answer.at,
                arm: answer.arm,
                release: release,
                side: isSettled ? .candidate : answer.arm,
                share: isSettled ? .all : answer.share,
                unit: answer.unit,
                epochs: release.flatMap { state.releases[$0]?.epochs(of: answer.at) } ?? 0...0
            ),
            outcomes: release == nil ? [] : reading.slicing.outcomes(shown, of: answer),
            wrong: shown.wrong
        )
    }

    /// What stable answers between releases counts for the release that it came with, as its candidate with
    /// all requests, so that its decay can be judged.
    private mutating func origin(of answer: AnswerRecord) -> Origin {
        let id = VersionID(answer.model, answer.version)
        var release = answer.release
        if release == nil, answer.arm == .stable {
            if settled[id] == nil { settled[id] = .some(settledRelease(of: id)) }
            release = settled[id] ?? nil
        }
        return Origin(model: answer.model, version: answer.version, release: release)
    }

    private func settledRelease(of id: VersionID) -> ReleaseID? {
        state.releases.values.filter { release in
            guard release.proposal.endpoint == EndpointID(id.model, in: .prod),
                release.proposal.candidate == id.number
            else { return false }
            switch release.phase {
            case .watching, .settled: return true
            case .gating, .refused, .shadow, .canary, .rolledBack: return false
            }
        }.map(\.id).max()
    }

    private mutating func reading(for origin: Origin) throws(LabelFault) -> Reading {
        if let reading = readings[origin] { return reading }
        guard let signature = state.models[origin.model]?.versions[origin.version]?.signature else {
            throw .noPrediction
        }
        let policy = policy(of: origin.model, origin.release)
        let reading = Reading(
            scoring: LabelScoring(policy: policy, signature: signature),
            slicing: LabelSlicing(policy: policy, signature: signature),
            joinWithin: policy.labels.joinWithinMilliseconds.map { .milliseconds($0) }
        )
        readings[origin] = reading
        return reading
    }

    /// A release is judged by the policy that it began with.
    private func policy(of model: ModelName, _ release: ReleaseID?) -> Policy {
        release.flatMap { state.releases[$0]?.proposal.policy }
            ?? state.endpoints[EndpointID(model, in: .prod)]?.effectivePolicy ?? .standard(for: model)
    }
}

extension Release {
    /// Within this time of an epoch's beginning, a gateway may still have routed by the coins of the last.
    private static let turn = Duration.seconds(5)

    /// The evidence epochs that an answer may have been given in.
    ///
    /// Only the beginning of the newest is known; what is older may be of any before, and is taken for new
    /// evidence only if its unit gave none in all of them.
    func epochs(of time: Timestamp) -> ClosedRange<Int> {
        guard evidenceEpoch > 0, let epochBegan else { return 0...0 }
        let isNewest = time.since(epochBegan) >= Self.turn
        return isNewest ? evidenceEpoch...evidenceEpoch : 0...evidenceEpoch - 1
    }
}

extension State {
    /// Evidence for a release that is over is handed on this long when its policy sets no end to joining.
    private static let lateLabels = Duration.seconds(30 * 86_400)

    /// Whether labels may still say something about a release: while it runs, while its version serves, and
    /// afterwards until the last of its answers is too old to be joined.
    func takesLabels(_ release: Release, at now: Timestamp) -> Bool {
        guard let ended = release.phase.endedAt else { return true }
        if endpoints[release.proposal.endpoint]?.stable?.release == release.id { return true }
        let within = release.proposal.policy.labels.joinWithinMilliseconds
        return now.since(ended) <= within.map { .milliseconds($0) } ?? Self.lateLabels
    }

    /// How long a label of this model waits for its answer.
    func labelWait(of model: ModelName) -> Duration {
        let policy = endpoints[EndpointID(model, in: .prod)]?.effectivePolicy
        return policy?.labels.joinWithinMilliseconds.map { .milliseconds($0) } ?? LabelJoin.standardWait
    }
}
