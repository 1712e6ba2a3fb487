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
        root, serving, sampling, keep, plan, step, watch, exposure, guarded, labels, rollback, fallback,
        notify,
    ]

    static let root = PolicyKeys(
        name: "policy",
        required: ["belay", "model"],
        optional: ["description", "serving", "rollout", "guards", "labels", "rollback", "notify"],
        meant: [
            "name": "model", "version": "belay", "plan": "rollout", "steps": "rollout", "metrics": "guards",
            "alerts": "notify", "notifications": "notify",
        ],
        later: [
            "owners": takeOut, "tier": takeOut, "card": takeOut, "pipeline": takeOut, "features": takeOut,
            "sources": "take it out and register versions with `belay register`",
            "environments": "take it out; an endpoint serves in prod",
            "gates": "take it out; the signature and a trial load are always checked",
            "approvals": "take it out and stop a release with `belay hold`",
            "freeze": "take it out and stop a release with `belay hold`",
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
        optional: ["use", "steps", "end", "deadline", "watch", "exposure"],
        meant: [
            "plan": "use", "strategy": "use", "step": "steps", "canary": "steps",
            "shadow": "steps", "then": "end", "ending": "end", "timeout": "deadline", "budget": "exposure",
            "bake": "watch", "monitor": "watch",
        ],
        later: [:]
    )

    static let watch = PolicyKeys(
        name: "watch",
        required: ["for"],
        optional: ["holdback"],
        meant: ["time": "for", "duration": "for", "control": "holdback", "keep": "holdback"],
        later: [:]
    )

    static let exposure = PolicyKeys(
        name: "exposure",
        required: [],
        optional: ["bad_answers", "units"],
        meant: ["errors": "bad_answers", "bad": "bad_answers", "users": "units", "accounts": "units"],
        later: [:]
    )

    static let step = PolicyKeys(
        name: "step",
        required: [],
        optional: ["shadow", "canary", "for", "min_samples", "advance"],
        meant: [
            "weight": "canary", "share": "canary", "percent": "canary", "traffic": "canary",
            "duration": "for",
            "wait": "for", "pause": "for", "samples": "min_samples", "min_requests": "min_samples",
            "mirror": "shadow", "require": "advance",
        ],
        later: [
            "ab": canaryOnly, "approve": "take it out and write end: hold after the last step",
            "metric": takeOut, "goal": takeOut,
        ]
    )

    /// Every key of a guard that is a bound.
    static let bounds = ["max", "max_rise", "min", "max_drop", "max_change"]

    static let guarded = PolicyKeys(
        name: "guard",
        required: ["metric"],
        optional: ["name"] + bounds + [
            "min_samples", "window", "no_data", "then", "feature", "label", "slice_by", "vs", "query", "most",
        ],
        meant: [
            "threshold": "max", "limit": "max", "maximum": "max", "minimum": "min",
            "max_increase": "max_rise", "max_decrease": "max_drop", "margin": "max_rise", "action": "then",
            "on_breach": "then", "samples": "min_samples", "check": "metric", "class": "label",
            "column": "feature", "input": "feature", "slices": "slice_by", "group_by": "slice_by",
            "promql": "query", "missing_data": "no_data", "cap": "most", "compare": "vs", "baseline": "vs",
        ],
        later: [
            "breaches": "take it out; a breach is proven, so it need not be seen twice",
            "confidence": "take it out; all guards together err in at most 1% of releases",
            "scope": "take it out; guards judge a release and the time after it", "runbook": takeOut,
        ]
    )

    static let labels = PolicyKeys(
        name: "labels",
        required: [],
        optional: [
            "output", "probability", "type", "positive", "threshold", "classes", "join_within",
            "typical_delay",
        ],
        meant: [
            "prediction": "output", "field": "output", "column": "output", "probabilities": "probability",
            "score": "probability", "kind": "type", "positive_class": "positive", "labels": "classes",
            "delay": "typical_delay", "within": "join_within", "window": "join_within",
            "cutoff": "threshold", "cut_off": "threshold", "decision_threshold": "threshold",
        ],
        later: [:]
    )

    static let notify = PolicyKeys(
        name: "notify",
        required: ["via"],
        optional: ["url", "key", "secret", "events", "severity", "format", "private"],
        meant: [
            "type": "via", "address": "url", "webhook": "url", "routing_key": "key", "token": "secret",
            "on": "events", "event": "events", "level": "severity", "allow_private": "private",
        ],
        later: [
            "channel": "take it out; a Slack webhook has a channel of its own", "repo": takeOut,
        ]
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
