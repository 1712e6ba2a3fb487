import BelayCore

// Values that tests are about something else than. Each is legal; a typing error stops the whole run.

func legal<Value>(_ value: Value?) -> Value {
    guard let value else { preconditionFailure("a sample value was refused") }
    return value
}

let fraud = legal(ModelName("fraud"))
let prod = EndpointID(fraud, in: .prod)
let ann = Actor.person("ann")
let noon = Timestamp(milliseconds: 1_795_435_200_000)
let hour = Duration.seconds(3600)

func number(_ value: Int) -> VersionNumber { legal(VersionNumber(value)) }
func id(_ value: Int) -> VersionID { VersionID(fraud, number(value)) }
func share(percent: Double) -> Share { legal(Share(partsPerMillion: Int(percent * 10_000))) }
let champion = legal(AliasName("champion"))
func label(_ text: String) -> VersionLabel { legal(VersionLabel(text)) }

func digest(_ seed: Int) -> Digest {
    legal(Digest(bytes: (0..<32).map { UInt8(truncatingIfNeeded: seed &* 31 &+ $0 &* 7) }))
}

func spec(_ name: String, _ type: TensorType, _ shape: [Int?]) -> TensorSpec {
    TensorSpec(name: name, type: type, shape: shape)
}

func signature(_ inputs: [TensorSpec], _ outputs: [TensorSpec]) -> Signature {
    legal(Signature(inputs: inputs, outputs: outputs))
}

/// Thirty numbers in, a label out.
let thirtyFeatures = signature([spec("features", .fp32, [nil, 30])], [spec("label", .int64, [nil])])
/// What callers of ``thirtyFeatures`` do not send.
let twentyFeatures = signature([spec("features", .fp32, [nil, 20])], [spec("label", .int64, [nil])])

func draft(
    _ seed: Int,
    of model: ModelName = fraud,
    label: VersionLabel? = nil,
    signature: Signature = thirtyFeatures
) -> VersionDraft {
    let path = legal(RelativePath("model.onnx"))
    return VersionDraft(
        model: model,
        label: label,
        digest: digest(seed),
        manifest: legal(Manifest(files: [Manifest.File(path: path, size: 9, digest: digest(seed + 1000))])),
        entry: path,
        signature: signature,
        metrics: ["auc": 0.97],
        params: ["depth": "3"],
        note: nil
    )
}

func step(percent: Double, dwell: Duration = .seconds(60), minSamples: Int = 100) -> Plan.Step {
    Plan.Step(
        share: share(percent: percent),
        dwellMilliseconds: dwell.wholeMilliseconds,
        minSamples: minSamples
    )
}

func shadowStep(percent: Double, dwell: Duration = .seconds(60), minSamples: Int = 100) -> Plan.Step {
    Plan.Step(
        kind: .shadow,
        share: share(percent: percent),
        dwellMilliseconds: dwell.wholeMilliseconds,
        minSamples: minSamples
    )
}

func plan(_ steps: [Plan.Step], ending: Plan.Ending = .promote, watch: Duration = .zero) -> Plan {
    legal(Plan(steps: steps, ending: ending, watchMilliseconds: watch.wholeMilliseconds))
}

/// 5 %, then 25 %, then everyone.
func twoSteps(watch: Duration = .zero) -> Plan {
    plan([step(percent: 5), step(percent: 25)], watch: watch)
}

func policy(
    _ plan: Plan,
    for model: ModelName = fraud,
    guards: [Guard] = [.errorRate],
    serving: ServingSettings = .standard,
    keepWarm: Int = 2,
    goodAfter: Duration = hour,
    failing: FailureSettings = .standard,
    standby: Policy.StandbyRule = .wait
) -> Policy {
    legal(
        Policy(
            model: model,
            serving: serving,
            plan: plan,
            guards: guards,
            labels: Policy.Labels(output: nil),
            rollback: Policy.Rollback(
                goodAfterMilliseconds: goodAfter.wholeMilliseconds,
                keepWarm: keepWarm,
                failing: failing,
                standby: standby
            )
        )
    )
}

func bound(
    _ name: String,
    _ metric: Metric,
    _ limit: Guard.Limit,
    minSamples: Int? = nil,
    then reaction: Guard.Reaction = .rollback,
    focus: Guard.Focus = Guard.Focus()
) -> Guard {
    legal(
        Guard(
            name: name,
            metric: metric,
            limit: limit,
            minSamples: minSamples,
            reaction: reaction,
            focus: focus
        )
    )
}
