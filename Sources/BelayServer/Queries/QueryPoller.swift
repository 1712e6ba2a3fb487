import BelayCore
import Logging

/// Asks a Prometheus server what guards on a `query` want to know of the releases that are judged.
///
/// A question without an answer is a reading without a value, so that its guard is blind and says so; it is
/// never left out in silence.
struct QueryPoller: Sendable {
    private static let timeout = Duration.seconds(5)
    private static let mostBytes = 64 << 10
    /// Questions under way at a time.
    private static let most = 4

    /// Where the server is, `http://127.0.0.1:9090`; nil when nobody said, and no question has an answer.
    let base: String?
    let http: any OutgoingHTTP
    let logger: Logger

    /// One question of a round.
    struct Question: Equatable, Sendable {
        let release: ReleaseID
        let guardName: String
        let arm: Arm
        let query: QueryText
    }

    /// What has to be asked now: for each release whose candidate gets requests, each guard on a query, of
    /// the candidate, and of stable where the limit compares with it.
    static func questions(in state: State) -> [Question] {
        state.endpoints.values.sorted { $0.id < $1.id }.flatMap { endpoint -> [Question] in
            guard let release = state.activeRelease(at: endpoint.id), release.share > .none else { return [] }
            return release.proposal.policy.guards.flatMap { guarded -> [Question] in
                guard guarded.metric == .query, let template = guarded.focus.query else { return [] }
                return arms(of: guarded, in: release.proposal).map { arm, version in
                    Question(
                        release: release.id,
                        guardName: guarded.name,
                        arm: arm,
                        query: QueryText(template, model: endpoint.id.model, version: version, arm: arm)
                    )
                }
            }
        }
    }

    private static func arms(of guarded: Guard, in proposal: Proposal) -> [(Arm, VersionNumber)] {
        let candidate = [(Arm.candidate, proposal.candidate)]
        switch guarded.limit {
        case .absolute, .atLeast, .never: return candidate
        case .againstStable, .relativeToStable, .withinOfStable:
            return candidate + (proposal.stable.map { [(.stable, $0)] } ?? [])
        }
    }

    /// Asks all of them, a few at a time.
    func answers(
        to questions: [Question],
        now: @escaping @Sendable () -> Timestamp
    ) async -> [ReleaseID: [EvidenceTick.Reading]] {
        var readings: [ReleaseID: [EvidenceTick.Reading]] = [:]
        await withTaskGroup(of: (ReleaseID, EvidenceTick.Reading).self) { group in
            var waiting = questions[...]
            for question in waiting.prefix(Self.most) {
                group.addTask { (question.release, await reading(of: question, now: now)) }
            }
            waiting = waiting.dropFirst(Self.most)
            while let (release, reading) = await group.next() {
                readings[release, default: []].append(reading)
                guard let next = waiting.popFirst() else { continue }
                group.addTask { (next.release, await self.reading(of: next, now: now)) }
            }
        }
        return readings.mapValues { readings in
            readings.sorted { ($0.guardName, $0.arm.rawValue) < ($1.guardName, $1.arm.rawValue) }
        }
    }

    private func reading(
        of question: Question,
        now: @Sendable () -> Timestamp
    ) async -> EvidenceTick.Reading {
        var (value, problem): (Double?, String?)
        switch await answer(to: question.query, now: now) {
        case .value(let number): value = number
        case .missing(let why): problem = why
        case .unusable(let why):
            problem = why
            logger.warning(
                "a query has no answer",
                metadata: [
                    "release": "\(question.release)", "guard": "\(question.guardName)", "error": "\(why)",
                ]
            )
        }
        return EvidenceTick.Reading(
            guardName: question.guardName,
            arm: question.arm,
            value: value,
            at: now(),
            problem: problem
        )
    }

    /// The operator names the server, so it may be on this machine or in a private network.
    private func answer(to query: QueryText, now: @Sendable () -> Timestamp) async -> QueryAnswer {
        guard let base else {
            return .unusable("no monitor is known; start the server with --prometheus URL")
        }
        let request = OutgoingRequest(
            method: .get,
            url: query.url(at: base),
            headers: [OutgoingRequest.Header("Accept", "application/json")],
            body: [],
            allowsPrivate: true,
            timeout: Self.timeout,
            answerBytes: Self.mostBytes
        )
        do throws(OutgoingFailure) {
            let answer = try await http.send(request)
            return answer.isCut
                ? .unusable("it answered too much")
                : QueryAnswer(status: answer.status, body: answer.body, now: now())
        } catch {
            return .unusable(error.explanation.summary)
        }
    }
}
