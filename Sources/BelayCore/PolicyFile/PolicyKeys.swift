/// The keys that one kind of mapping in `belay.yaml` takes; `docs/belay.schema.json` is held equal by a test.
package struct PolicyKeys: Sendable {
    /// The name of the same table in the JSON Schema.
    package let name: String
    package let required: [String]
    package let optional: [String]
    /// Words that people write instead, each with the key that they mean.
    let meant: [String: String]
    /// Keys that a later version will take, each with what to do meanwhile.
    let later: [String: String]

    package var known: [String] { required + optional }

    /// The key that a person most likely meant by `word`.
    func meaning(of word: String) -> String? {
        if let key = meant[word] { return key }
        guard let near = nearest(word, among: known + meant.keys.sorted()) else { return nil }
        return meant[near] ?? near
    }

    package static let all = [
        root, serving, sampling, keep, plan, step, guarded, labels, rollback, fallback,
    ]

    static let root = PolicyKeys(
        name: "policy",
        required: ["belay", "model"],
        optional: ["description", "serving", "rollout", "guards", "labels", "rollback"],
        meant: [
            "name": "model", "version": "belay", "plan": "rollout", "steps": "rollout", "metrics": "guards",
        ],
        later: [
            "owners": takeOut, "tier": takeOut, "card": takeOut, "pipeline": takeOut, "features": takeOut,
            "sources": "take it out and register versions with `belay register`",
            "environments": "take it out; an endpoint serves in prod",
            "gates": "take it out; the signature and a trial load are always checked",
            "approvals": "take it out and stop a release with `belay hold`",
            "freeze": "take it out and stop a release with `belay hold`",
            "notify": "take it out and follow releases with `belay status -w`",
            "drills": takeOut,
        ]
    )

    static let serving = PolicyKeys(
        name: "serving",
        required: [],
        optional: [
            "unit", "timeout", "record", "durability", "on_full", "redact", "subject", "keep",
        ],
        meant: [
            "key": "unit", "sticky": "unit", "sticky_by": "unit", "deadline": "timeout", "capture": "record",
            "log": "record", "overflow": "on_full", "retention": "keep", "mask": "redact",
        ],
        later: [
            "protocol": "take it out; models run inside Belay as ONNX",
            "url": "take it out; models run inside Belay as ONNX",
        ]
    )

    static let sampling = PolicyKeys(
        name: "sampling",
        required: ["sample"],
        optional: [],
        meant: ["share": "sample", "rate": "sample", "percent": "sample"],
        later: [:]
    )

    static let keep = PolicyKeys(
        name: "keep",
        required: [],
        optional: ["for", "size"],
        meant: ["time": "for", "age": "for", "days": "for", "bytes": "size", "max": "size"],
        later: [:]
    )

    static let plan = PolicyKeys(
        name: "rollout",
        required: [],
        optional: ["use", "steps", "end"],
        meant: [
            "plan": "use", "strategy": "use", "step": "steps", "canary": "steps",
            "shadow": "steps", "then": "end", "ending": "end",
        ],
        later: [
            "deadline": "take it out and wait with `belay release --timeout`",
            "watch": "take it out; watching after promotion is not supported yet",
        ]
    )

    static let step = PolicyKeys(
        name: "step",
        required: [],
        optional: ["shadow", "canary", "for", "min_samples"],
        meant: [
            "weight": "canary", "share": "canary", "percent": "canary", "traffic": "canary",
            "duration": "for",
            "wait": "for", "pause": "for", "samples": "min_samples", "min_requests": "min_samples",
            "mirror": "shadow",
        ],
        later: [
            "ab": canaryOnly, "approve": "take it out and write end: hold after the last step",
            "metric": takeOut, "goal": takeOut,
        ]
    )

    static let guarded = PolicyKeys(
        name: "guard",
        required: ["metric"],
        optional: ["name", "max", "max_rise", "min", "max_drop", "min_samples", "then"],
        meant: [
            "threshold": "max", "limit": "max", "maximum": "max", "minimum": "min",
            "max_increase": "max_rise",
            "max_decrease": "max_drop", "margin": "max_rise", "action": "then", "on_breach": "then",
            "samples": "min_samples", "check": "metric",
        ],
        later: [
            "vs": "take it out; max_rise and max_drop compare with stable", "max_change": takeOut,
            "query": takeOut, "feature": takeOut, "slice_by": takeOut, "window": takeOut, "breaches": takeOut,
            "confidence": "take it out; all guards together err in at most 1% of releases",
            "no_data": "take it out; nothing advances without data",
            "scope": "take it out; guards judge releases", "runbook": takeOut,
        ]
    )

    static let labels = PolicyKeys(
        name: "labels",
        required: [],
        optional: ["output"],
        meant: ["prediction": "output", "field": "output", "column": "output"],
        later: ["join_within": takeOut, "typical_delay": takeOut, "positive": takeOut, "type": takeOut]
    )

    static let rollback = PolicyKeys(
        name: "rollback",
        required: [],
        optional: ["good_after", "keep_warm", "inflight", "standby", "fallback"],
        meant: [
            "standbys": "keep_warm", "keep": "keep_warm", "proven_after": "good_after",
            "in_flight": "inflight",
        ],
        later: [
            "to": "take it out; a rollback goes to the last good version",
            "automatic": "take it out; a guard with then: hold does not roll back",
            "max_automatic": takeOut,
            "quarantine": "take it out; what was rolled back is always quarantined",
        ]
    )

    static let fallback = PolicyKeys(
        name: "fallback",
        required: ["answer"],
        optional: [],
        meant: ["static": "answer", "outputs": "answer", "value": "answer"],
        later: ["rule": takeOut]
    )
}

private let takeOut = "take it out"
private let canaryOnly = "use canary steps"

/// The words that a key takes besides free values.
package enum PolicyWords {
    package static let plans = Plan.named.keys.sorted()
    package static let metrics = [
        Metric.errorRate, .accuracy, .invalidOutput, .circuitBreaker, .disagreement, .shadowError,
    ].map(\.rawValue)
    package static let reactions = [Guard.Reaction.rollback, .hold].map(\.rawValue)

    package static let extents = [RecordSettings.Extent.every, .none].map(\.description)
    package static let endings = Plan.Ending.allCases.map(\.rawValue)
    static let laterReactions: Set = ["page", "notify"]
    static let meantEndings = ["promotion": "promote", "wait": "hold", "pause": "hold", "approve": "hold"]
    static let meantExtents = ["all": "every", "always": "every", "off": "none", "never": "none"]
    static let meantReactions = ["pause": "hold", "stop": "hold", "freeze": "hold", "abort": "rollback"]
    static let laterMetrics: Set = [
        "latency_p50", "latency_p90", "latency_p95", "latency_p99", "null_rate", "schema_errors",
        "prediction_drift", "feature_drift", "auc", "estimated_auc", "brier", "recall", "precision", "f1",
    ]
    /// What people write for a metric that exists.
    static let meantMetrics = [
        "errors": "error_rate", "error": "error_rate", "failure_rate": "error_rate", "acc": "accuracy",
        "invalid": "invalid_output", "nan": "invalid_output", "differs": "disagreement",
        "difference": "disagreement", "breaker": "circuit_breaker", "shadow_errors": "shadow_error",
    ]
}
