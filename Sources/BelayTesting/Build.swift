import BelayArtifacts
package import BelayCore

/// Values for tests that only need to be valid: say what the test is about and leave out the rest.
///
/// Names and numbers are the test's own constants; an illegal one ends the test with a sentence.
package enum Build {
    package static func model(_ name: String) -> ModelName {
        guard let model = ModelName(name) else { preconditionFailure("'\(name)' is not a model's name") }
        return model
    }

    package static func number(_ value: Int) -> VersionNumber {
        guard let number = VersionNumber(value) else {
            preconditionFailure("\(value) is not a version's number")
        }
        return number
    }

    /// `fraud@3`.
    package static func id(_ model: String, _ value: Int) -> VersionID {
        VersionID(Build.model(model), number(value))
    }

    /// The endpoint of a model in `prod`.
    package static func endpoint(_ model: String) -> EndpointID { EndpointID(Build.model(model), in: .prod) }

    /// One input `x` of `[-1, features]` and one output `label` of `[-1]`, both FP32.
    package static func signature(features: Int = 4) -> Signature {
        let input = TensorSpec(name: "x", type: .fp32, shape: [nil, features])
        let output = TensorSpec(name: "label", type: .fp32, shape: [nil])
        guard let signature = Signature(inputs: [input], outputs: [output]) else {
            preconditionFailure("a signature of one input and one output is legal")
        }
        return signature
    }

    /// A version of one file, `model.onnx`, that holds the UTF-8 bytes of `bytes`: other text, other digest.
    package static func version(
        _ model: String,
        bytes: String,
        label: String? = nil,
        signature: Signature = signature(),
        metrics: [String: Double] = [:],
        params: [String: String] = [:],
        note: String? = nil
    ) -> VersionDraft {
        guard let path = RelativePath("model.onnx"),
            let manifest = Manifest(
                files: [.init(path: path, size: Int64(bytes.utf8.count), digest: sha256(bytes.utf8))])
        else { preconditionFailure("one file with a plain name is a manifest") }
        return VersionDraft(
            model: Build.model(model),
            label: label.flatMap { VersionLabel($0) },
            digest: manifestDigest(manifest),
            manifest: manifest,
            entry: path,
            signature: signature,
            metrics: metrics,
            params: params,
            note: note
        )
    }

    /// A policy whose canary steps have these rising shares, in per cent; none is promotion at once.
    ///
    /// `dwell`, the shortest time at each share, `watch`, how long the candidate is judged after promotion,
    /// and the `deadline` are in milliseconds, the `holdback` in per cent. Every version that served counts
    /// as proven.
    package static func policy(
        _ model: String,
        steps: [Int] = [10, 50],
        dwell: Int64 = 0,
        minSamples: Int = 0,
        watch: Int64 = 0,
        guards: [Guard] = [.errorRate],
        keepWarm: Int = 2,
        holdback: Int = 0,
        deadline: Int64? = nil,
        exposure: Plan.Exposure? = nil,
        unit: ServingSettings.Unit = .request
    ) -> Policy {
        let stages = steps.compactMap { Share(partsPerMillion: $0 * 10_000) }.map {
            Plan.Step(share: $0, dwellMilliseconds: dwell, minSamples: minSamples)
        }
        let plan = Plan(
            steps: stages,
            watchMilliseconds: watch,
            holdback: Share(partsPerMillion: holdback * 10_000) ?? .none,
            deadlineMilliseconds: deadline,
            exposure: exposure
        )
        guard stages.count == steps.count, let plan,
            let policy = Policy(
                model: Build.model(model),
                serving: ServingSettings(unit: unit, timeoutMilliseconds: 5000, record: .standard),
                plan: plan,
                guards: guards,
                labels: Policy.Labels(output: nil),
                rollback: Policy.Rollback(
                    goodAfterMilliseconds: 0,
                    keepWarm: keepWarm,
                    failing: .standard,
                    standby: .wait
                )
            )
        else { preconditionFailure("the shares \(steps) or the guards do not form a policy") }
        return policy
    }
}
