import BelayCore
import Foundation
import Testing

@Suite("Policy: guards of every metric")
struct PolicyGuardTests {
    private static let labels =
        #""labels": {"output": "o", "probability": "p", "positive": 1, "classes": [1, 2]}, "#

    private func guards(_ text: String) throws -> [Guard] {
        try decoded(#"\#(Self.labels)"guards": [\#(text)]"#).guards.filter { !$0.metric.isNeverEvent }
    }

    @Test(arguments: [
        (#""error_rate", "max_rise": "0.5%""#, [Guard.Limit.againstStable(margin: 0.005)]),
        (#""error_rate", "max_rise": "25% of stable""#, [.relativeToStable(margin: 0.25)]),
        (#""latency_p99", "max": "250ms""#, [.absolute(max: 250_000)]),
        (#""latency_p99", "max": "1.5ms""#, [.absolute(max: 1500)]),
        (#""latency_p50", "max_rise": "20%""#, [.relativeToStable(margin: 0.2)]),
        (#""latency_p95", "max_rise": "40ms""#, [.againstStable(margin: 40_000)]),
        (#""latency_p95", "max_rise": "0ms""#, [.againstStable(margin: 0)]),
        (
            #""latency_p95", "max_rise": "25% of stable", "max": "80us""#,
            [.relativeToStable(margin: 0.25), .absolute(max: 80)]
        ),
        (#""throughput", "min": 100"#, [.atLeast(min: 100)]),
        (#""throughput", "max_drop": "20%""#, [.relativeToStable(margin: 0.2)]),
        (#""precision", "min": "90%""#, [.absolute(max: 0.1)]),
        (#""f1", "max_drop": 0.03"#, [.againstStable(margin: 0.03)]),
        (
            #""log_loss", "max": 0.6, "max_rise": "5%""#,
            [.relativeToStable(margin: 0.05), .absolute(max: 0.6)]
        ),
        (#""brier", "max_rise": 0.02"#, [.againstStable(margin: 0.02)]),
        (#""flag_rate", "max_rise": "1%""#, [.againstStable(margin: 0.01)]),
        (
            #""feedback_score", "most": 5, "min": 4.2, "max_drop": 0.3"#,
            [.againstStable(margin: 0.3), .absolute(max: 0.8)]
        ),
        (#""prediction_drift", "max": 0.2"#, [.absolute(max: 0.2)]),
        (#""feature_drift", "feature": "age", "max": 1.5"#, [.absolute(max: 1.5)]),
        (#""unseen_rate", "feature": "age", "max": "2%""#, [.absolute(max: 0.02)]),
        (
            #""query", "query": "f({{arm}})", "max_change": "20%", "max": 5, "min": 1"#,
            [.withinOfStable(change: 0.2), .absolute(max: 5), .atLeast(min: 1)]
        ),
    ])
    func aBoundIsReadInTheUnitOfItsMetric(text: String, limits: [Guard.Limit]) throws {
        let guards = try guards(#"{"metric": \#(text)}"#)
        #expect(guards.map(\.limit) == limits)
        #expect(Set(guards.map(\.name)).count == limits.count)
    }

    @Test func whatNarrowsAGuardReachesIt() throws {
        let recall = try #require(
            try guards(
                #"""
                {"metric": "recall", "max_drop": "3%", "label": 2, "slice_by": ["country", "age"],
                 "no_data": "fail", "min_samples": 70, "then": "notify", "vs": "stable"}
                """#
            ).first
        )
        #expect(recall.focus == Guard.Focus(label: "2", sliceBy: ["country", "age"], noData: .fail))
        #expect(recall.minSamples == 70)
        #expect(recall.reaction == .notify)
        let drift = try #require(
            try guards(
                #"{"metric": "feature_drift", "feature": "age", "max": 1, "no_data": "pass"}"#
            ).first
        )
        #expect(drift.focus == Guard.Focus(feature: "age", noData: .pass))
        let throughput = try guards(
            #"{"metric": "throughput", "min": 5, "max_drop": "20%", "window": "6h"}"#
        )
        #expect(
            throughput.map(\.focus.windowMilliseconds) == [nil, 21_600_000],
            "a bet on the answers of the whole release has no window"
        )
        let query = try #require(
            try guards(#"{"metric": "query", "name": "q", "query": "f({{version}})", "max": 5}"#).first
        )
        #expect(query.focus.query == "f({{version}})")
        let loss = try decoded(#""guards": [{"metric": "mae", "max": 3, "most": 9.5}]"#).guards.first
        #expect(loss?.focus.most == 9.5)
    }

    @Test func labelsReachThePolicy() throws {
        let labels = try decoded(
            #"""
            "labels": {"output": "o", "probability": "p", "type": "multiclass", "positive": true,
                       "classes": [true, 1.5, "c"], "join_within": "14d", "typical_delay": "3d"}
            """#
        ).labels
        #expect(
            labels
                == Policy.Labels(
                    output: "o",
                    probability: "p",
                    kind: .multiclass,
                    positive: "true",
                    classes: ["true", "1.5", "c"],
                    joinWithinMilliseconds: 1_209_600_000,
                    typicalDelayMilliseconds: 259_200_000
                )
        )
    }

    @Test func aThresholdReachesThePolicyAndComesBack() throws {
        let labels = try decoded(#""labels": {"output": "score", "positive": 1, "threshold": 0.35}"#).labels
        #expect(labels == Policy.Labels(output: "score", positive: "1", threshold: 0.35))
        let coded = try JSONEncoder().encode(labels)
        #expect(try JSONDecoder().decode(Policy.Labels.self, from: coded) == labels)
    }

    private static let mistakes: [(String, String)] = [
        (
            #"{"metric": "latency_p99", "max": 250}"#,
            #"/max guards[0].max is "250"; name the unit, such as 250ms "#
        ),
        (#"{"metric": "latency_p99"}"#, #" guards[0] needs "max_rise" or "max"; write max_rise: 25% to co"#),
        (
            #"{"metric": "latency_p99", "max": "1ms", "window": "1h"}"#,
            "/window guards[0].window does not suit its metric; take it out; latency_p99 counts the whole"
        ),
        (
            #"{"metric": "throughput", "max_drop": "5%", "window": "1h"}"#,
            "/window guards[0].window does not suit its metric; take it out, or write min; against stable"
        ),
        (
            #"{"metric": "missing_rate", "feature": "a", "max": "1%", "window": "1h"}"#,
            "/window guards[0].window does not suit its metric; take it out; missing_rate counts the whole"
        ),
        (
            #"{"metric": "throughput", "min": 1, "window": "59s"}"#,
            #"/window guards[0].window is "59s"; write a time from 1m to 366d, such as 15m, 1h30m or 7d "#
        ),
        (
            #"{"metric": "throughput", "min": 1, "window": 30}"#,
            #"/window guards[0].window is "30"; name the unit, such as 30m "#
        ),
        (
            #"{"metric": "accuracy", "max_drop": "25% of stable"}"#,
            "/max_drop guards[0].max_drop is a part of stable's, and here that would not say of what; writ"
        ),
        (
            #"{"metric": "throughput", "max_drop": 20}"#,
            #"/max_drop guards[0].max_drop is "20"; write a part of stable's from 0% to 99.9999999%, such "#
        ),
        (
            #"{"metric": "missing_rate", "max": "1%"}"#,
            #" guards[0] on missing_rate needs "feature"; write f"#
        ),
        (
            #"{"metric": "query", "query": "f({{arm}})", "min": -1}"#,
            "/min guards[0].min is out of the range of query; write a positive bound in its unit "
        ),
        (
            #"{"metric": "error_rate", "feature": "age"}"#,
            "/feature guards[0].feature does not suit its metric; take it out; error_rate is not about one"
        ),
        (
            #"{"metric": "feedback_score", "min": 4}"#,
            #"/min guards[0].min needs "most" beside it; write the best score that a person can give, suc"#
        ),
        (
            #"{"metric": "approvals", "query": "f({{arm}})", "max": 1}"#,
            #"/metric guards[0].metric "approvals" has a query; write metric: query and name: approvals "#
        ),
        (
            #"{"metric": "query", "query": "up", "max": 1}"#,
            "/query guards[0].query asks the same of every version; write {{version}} or {{arm}} where the"
        ),
        (#"{"metric": "error_rate", "vs": "live"}"#, #"/vs guards[0].vs does not know "live"; did you mean"#),
        (
            #"{"metric": "error_rate", "max": "1%", "vs": "stable"}"#,
            #"/vs guards[0].vs is "stable", and error_rate is compared with nothing; take it out, or write"#
        ),
        (
            #"{"metric": "error_rate", "then": "page"}"#,
            #"/then guards[0].then does not know "page"; did you mean "notify"? "#
        ),
        (
            #"{"metric": "null_rate", "feature": "a", "max": "1%"}"#,
            #"/metric guards[0].metric does not know "null_rate"; did you mean "missing_rate"? "#
        ),
        (
            #"{"metric": "recall", "label": "9", "max_drop": "1%"}"#,
            #"/label guards[0].label "9" is no class of labels; write one of 1, 2 "#
        ),
        (
            #"{"metric": "error_rate", "slice_by": "country"}"#,
            "/slice_by guards[0].slice_by needs a list, not a text; begin each entry with a dash "
        ),
    ]

    @Test(arguments: mistakes)
    func aMistakenGuardIsExplained(text: String, problem: String) throws {
        let found = try problems(policyJSON(#"\#(Self.labels)"guards": [\#(text)]"#))
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("/guards/0" + problem) == true, "\(found)")
    }

    @Test(arguments: [
        ("log_loss", #""max": 1"#, "needs labels.probability; write labels: {probability: NAME}"),
        ("recall", #""min": "90%""#, "needs labels.positive or labels.classes; write labels: {positive: 1}"),
        ("f1", #""min": "9%", "label": "b""#, "needs labels.positive or labels.classes; write labels: {pos"),
    ])
    func whatAGuardNeedsOfLabelsIsSaid(metric: String, more: String, problem: String) throws {
        let found = try problems(policyJSON(#""guards": [{"metric": "\#(metric)", \#(more)}]"#))
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("/guards/0 guards[0] on \(metric) \(problem)") == true, "\(found)")
    }

    /// Only a name that the policy gives can be counted apart from all others.
    @Test func theOtherClassOfTwoNeedsToBeNamed() throws {
        let recall = #"{"metric": "recall", "label": 0, "min": "90%"}"#
        let found = try problems(
            policyJSON(#""labels": {"type": "binary", "positive": 1}, "guards": [\#(recall)]"#)
        )
        #expect(
            found == [
                #"/guards/0/label guards[0].label "0" is no class of labels; give labels.classes with both, "#
                    + #"or write 1 [policy.contradiction]"#
            ]
        )
        let named = #""labels": {"type": "binary", "positive": 1, "classes": [0, 1]}"#
        #expect(try problems(policyJSON(#"\#(named), "guards": [\#(recall)]"#)).isEmpty)
    }

    @Test func guardsThatDependOnUnreadableLabelsAreNotBlamed() throws {
        let json = policyJSON(
            #""labels": {"type": "ranking"}, "guards": [{"metric": "log_loss", "max": 1}]"#
        )
        #expect(try problems(json).count == 1)
    }
}
