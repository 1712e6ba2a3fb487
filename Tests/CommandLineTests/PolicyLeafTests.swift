import BelayCore
import Foundation
import Testing

@testable import belay

@Suite("Policy: value by value")
struct PolicyLeafTests {
    private func read(_ yaml: String) throws -> (document: PolicyNode, policy: Policy) {
        let document = try PolicyFileReader.parse(Data(yaml.utf8), file: "belay.yaml")
        return (document, try decodePolicy(document).get())
    }

    private func origins(_ yaml: String) throws -> [String: String] {
        let (document, policy) = try read("belay: 1\nmodel: m\n" + yaml)
        let leaves = PolicyLeaves(of: policy, document: document).leaves
        return Dictionary(leaves.map { ($0.path, $0.origin.text) }) { first, _ in first }
    }

    @Test func eachValueSaysWhereItComesFrom() throws {
        let origins = try origins(
            """
            serving: {timeout: 1s}
            rollout: {steps: [{canary: 10%, for: 1m}], watch: {for: 1h}}
            guards:
              - {metric: error_rate, max_rise: 1%, max: 5%}
            """
        )
        #expect(origins["serving.timeout"] == "file")
        #expect(origins["serving.unit"] == "default")
        #expect(origins["rollout.steps[0].canary"] == "file")
        #expect(origins["rollout.steps[0].min_samples"] == "default")
        #expect(origins["rollout.watch.holdback"] == "default")
        #expect(origins["guards.error_rate.max_rise"] == "file")
        #expect(origins["guards.error_rate.max.max"] == "file")
        #expect(origins["guards.error_rate.max.then"] == "default")
        #expect(origins["guards.circuit_breaker.then"] == "always")
    }

    @Test func whatANamedPlanMeansIsTheNamedPlans() throws {
        let origins = try origins("rollout: {use: careful, end: hold}")
        #expect(origins["rollout.steps[1].canary"] == "plan careful")
        #expect(origins["rollout.end"] == "file")
    }

    @Test func aDifferenceIsOfWhatPoliciesMean() throws {
        let first = try read(
            """
            belay: 1
            model: m
            rollout: {use: canary}
            guards: [{metric: error_rate, max_rise: 0.5%}, {metric: latency_p99, max: 250ms}]
            """
        ).policy
        let second = try read(
            """
            belay: 1
            model: m
            guards: [{metric: error_rate, max_rise: 1%, then: hold}, {metric: brier, max: 0.2}]
            labels: {probability: p}
            """
        ).policy
        let difference = PolicyDifference(from: first, to: second)
        #expect(
            difference.changes.map(\.path) == [
                "guards.error_rate.max_rise", "guards.error_rate.then", "guards.latency_p99",
                "guards.brier", "labels.probability",
            ]
        )
        #expect(difference.changes.first?.from == "0.5%" && difference.changes.first?.to == "1%")
        let look = Look(isColoured: false, symbols: .ascii)
        #expect(
            difference.text(look).contains(
                "- guards.latency_p99          {metric: latency_p99, max: 250ms, no_data: wait, then: r"
            )
        )
        #expect(PolicyDifference(from: first, to: first).text(look) == "no difference\n")
    }

    @Test func whatIsShownReadsBackAsTheSamePolicy() throws {
        let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        for name in ["small", "medium", "full", "regression"] {
            let file = project.appendingPathComponent("Examples/policies/\(name).yaml")
            let policy = try read(try String(contentsOf: file, encoding: .utf8)).policy
            let yaml = PolicyNode(describing: policy).yaml
            #expect(try read(yaml).policy == policy, "\(yaml)")
        }
    }
}
