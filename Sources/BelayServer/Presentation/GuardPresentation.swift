import BelayCore

extension GuardView {
    /// The policy is the one that the guard belongs to; nil where only the report is left.
    init(_ report: GuardReport, under policy: Policy?) {
        let guarded = policy?.guards.first { $0.name == report.name }
        let versus = report.versus(under: guarded)
        let scale = report.metric.unitScale(versus)
        var interval: [Double]?
        if let lower = report.lower, let upper = report.upper { interval = [lower * scale, upper * scale] }
        self.init(
            name: report.name,
            metric: report.metric.rawValue,
            verdict: report.verdict.rawValue,
            unit: report.metric.unitName(versus),
            versus: versus.rawValue,
            value: report.value.map { $0 * scale },
            interval: interval,
            limit: report.limit * scale,
            n: report.candidateSamples,
            nStable: report.stableSamples,
            logEvidence: report.logEvidence,
            reason: report.reason?.rawValue,
            detail: report.explanation(of: guarded, model: policy?.model),
            slice: report.slice?.description,
            feature: report.feature
        )
    }
}

// MARK: - Why a guard can say no more

extension GuardReport {
    /// Why it is blind or undecided, and what to do; nil when there is nothing to add.
    func explanation(of guarded: Guard?, model: ModelName?) -> String? {
        guard verdict == .blind || verdict == .undecided, let reason else { return nil }
        let model = model?.text ?? "MODEL"
        switch reason {
        case .missing: return "no \(metric.evidence) has been seen in this step; \(remedy(model))"
        case .stale: return "no \(metric.evidence) has come lately; \(remedy(model))"
        case .tooFew: return tooFew
        case .split:
            return "requests were not split as they should be, so the versions do not compare; "
                + "look for retries, caches or balancers between callers and Belay"
        case .coverage:
            return
                "the versions did not get labels for the same part of their answers, so they do not compare; "
                + "send labels for a random part of both"
        case .noReference:
            return metric == .query
                ? "stable's figure is 0, and no part of nothing can be allowed; "
                    + "ask for a figure that is not, or bound it by `max` or `min`"
                : withoutReference(guarded)
        case .waived: return "a person has waived it"
        case .looksBad:
            return "what callers met again looks bad, though it is no proof; "
                + "look at the answers, then roll back or waive it"
        case .unproven:
            return "it is not proven yet that the candidate is within the margin; more answers will tell"
        }
    }
}

extension GuardReport {
    private var tooFew: String {
        guard let seen, let needed else {
            return metric == .throughput
                ? "its window is not full yet" : "too few \(metric.evidence)s have been seen yet"
        }
        let whose = metric == .query || metric.isOfInputs ? "" : " of the candidate"
        // A window of inputs goes on from one step to the next.
        let place = metric == .featureDrift ? "" : " in this step"
        return "\(grouped(seen)) of the \(grouped(needed)) \(metric.evidence)s\(whose) that it needs\(place) "
            + "have come"
    }

    private func withoutReference(_ guarded: Guard?) -> String {
        guard metric.isOfInputs || metric == .predictionDrift else {
            return "there is nothing of stable's to hold it against yet; "
                + "it needs some 200 \(metric.evidence)s of stable"
        }
        let input = guarded?.focus.feature.map { "'\($0)'" } ?? "inputs"
        let what = metric == .predictionDrift ? "predictions" : input
        return "when the release was proposed, the log had too little of stable's \(what) to compare with; "
            + "it takes 200 answers, recorded and not redacted: roll back, and release again once there are"
    }

    private func remedy(_ model: String) -> String {
        problem.map { "the monitor was asked, but \($0.withoutStop)" } ?? metric.remedy(model)
    }
}

extension String {
    /// Words of others, as a part of a sentence of ours.
    var withoutStop: Substring { hasSuffix(".") ? dropLast() : self[...] }
}

extension Metric {
    /// Whether it speaks of requests, whichever version answered them.
    fileprivate var isOfInputs: Bool {
        switch self {
        case .missingRate, .unseenRate, .featureDrift: true
        default: false
        }
    }

    /// What the metric counts, in one word.
    fileprivate var evidence: String {
        switch self {
        case .disagreement: "pair of answers"
        case .shadowError: "copied request"
        case .query: "figure"
        case .flagRate: "answer"
        case .feedbackScore: "score"
        case .missingRate, .unseenRate, .featureDrift, .schemaErrors: "request"
        default: isOfLabels ? "label" : "answer"
        }
    }

    fileprivate func remedy(_ model: String) -> String {
        switch self {
        case .query: "it is asked every 15 s while the candidate gets requests"
        case .feedbackScore: "send scores to POST /v1/feedback, or with `belay feedback \(model) ID 4`"
        case .disagreement, .shadowError: "it needs requests that can be copied"
        default:
            isOfLabels && self != .flagRate
                ? "send labels with `belay label \(model) FILE`"
                : "are requests reaching Belay? `belay doctor`"
        }
    }
}
