import BelayControl
import BelayCore
import BelayNotices
import Foundation
import Testing

@testable import BelayServer

@Suite("Metrics")
struct MetricsTests {
    @Test func aFamilyIsItsHelpItsTypeAndItsSamples() {
        var text = MetricsText()
        text.family("belay_things_total", .counter, "Things.\nMany \\ of them.") { family in
            family.add([:], 3)
            family.add(["model": "a\"b\\c\nd", "env": "prod"], 0.25)
        }
        #expect(
            text.text == #"""
                # HELP belay_things_total Things.\nMany \\ of them.
                # TYPE belay_things_total counter
                belay_things_total 3
                belay_things_total{model="a\"b\\c\nd",env="prod"} 0.25

                """#
        )
    }

    @Test func aFamilyWithoutSamplesIsLeftOut() {
        var text = MetricsText()
        text.family("belay_things", .gauge, "Things.") { _ in }
        #expect(text.text == "")
    }

    @Test func openMetricsEndsWithItsMarkAndCallsCountersWithoutTotal() {
        var histogram = LatencyHistogram()
        histogram.add(microseconds: 400)
        var text = MetricsText(.openMetrics)
        text.family("belay_things_total", .counter, "\"Things\".") { $0.add(["m": "x"], 3) }
        text.family("t_seconds", .histogram, "Time.") { $0.add([:], histogram) }
        text.end()
        let lines = text.text.split(separator: "\n").map(String.init)
        #expect(
            lines.prefix(3) == [
                #"# HELP belay_things \"Things\"."#, "# TYPE belay_things counter",
                #"belay_things_total{m="x"} 3"#,
            ]
        )
        #expect(lines.contains(#"t_seconds_bucket{le="10.0"} 1"#))
        #expect(lines.last == "# EOF")
    }

    @Test(arguments: [
        (nil, false), ("", false), ("*/*", false), ("text/plain", false), ("application/json", false),
        ("application/openmetrics-text", true), ("application/openmetrics-text; version=1.0.0; q=0", false),
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", true
        ),
        ("application/openmetrics-text;version=0.0.1,text/plain;q=0.1", false),
        ("text/plain;q=0.9, application/openmetrics-text;version=1.0.0;q=0.3", false),
        (";;q=,=,q", false),
    ])
    func theFormatIsWhatIsAskedForFirst(accept: String?, isOpen: Bool) {
        #expect((MetricsText.Format(accept: accept) == .openMetrics) == isOpen)
    }

    /// A panel on a metric that is called otherwise stays empty, and looks like peace.
    @Test(arguments: ["grafana/belay.json", "belay.rules.yaml"])
    func dashboardAndRulesAskForMetricsThatExist(file: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let path = folder.appending(path: "Examples/monitoring/\(file)")
        let text = try String(contentsOf: path, encoding: .utf8)
        let metrics = Metrics(
            snapshot: nothing,
            tallies: ControlTallies(),
            figures: GatewayFigures(),
            logged: [:],
            reserve: 0,
            belayVersion: "",
            surroundings: Surroundings()
        )
        let known = Set(metrics.written(as: .prometheus).families)
        #expect(known.count > 30)
        let asked = Set(text.matches(of: /belay_[a-z_]+/).map { String($0.output) })
        #expect(asked.count > 5)
        // Labels that alerts carry back to Belay.
        let labels: Set = ["belay_model", "belay_env", "belay_action"]
        for name in asked.subtracting(labels) {
            let family = ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) }.map {
                String(name.dropLast($0.count))
            }
            #expect(known.contains(name) || known.contains(family ?? name), "\(name)")
        }
    }

    @Test func bucketsAddUpAndTheLastHoldsAll() {
        var histogram = LatencyHistogram()
        for microseconds in [400, 400, 700, 20_000_000] { histogram.add(microseconds: microseconds) }
        var text = MetricsText()
        text.family("t_seconds", .histogram, "Time.") { $0.add(["model": "m"], histogram) }
        let lines = text.text.split(separator: "\n").dropFirst(2).map(String.init)
        #expect(lines.count == LatencyHistogram.bounds.count + 3)
        #expect(lines[0] == #"t_seconds_bucket{model="m",le="0.0005"} 2"#)
        #expect(lines[1] == #"t_seconds_bucket{model="m",le="0.001"} 3"#)
        #expect(lines[13] == #"t_seconds_bucket{model="m",le="10"} 3"#)
        #expect(lines[14] == #"t_seconds_bucket{model="m",le="+Inf"} 4"#)
        #expect(lines[15] == #"t_seconds_sum{model="m"} 20.0015"#)
        #expect(lines[16] == #"t_seconds_count{model="m"} 4"#)
    }

    @Test func exactlyOneStateIsOne() {
        var text = MetricsText()
        text.family("s", .gauge, "State.") { $0.add(["m": "x"], state: "b", of: ["a", "b"]) }
        #expect(text.text.hasSuffix("s{m=\"x\",state=\"a\"} 0\ns{m=\"x\",state=\"b\"} 1\n"))
    }

    @Test(arguments: [(Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (1e300, "1e+300")])
    func numbersOfAnyKindAreWritten(value: Double, written: String) {
        var text = MetricsText()
        text.family("n", .gauge, "Number.") { $0.add([:], value) }
        #expect(text.text.hasSuffix("n \(written)\n"))
    }

    @Test func whatTheGatewayCountedIsTold() throws {
        let id = try VersionID(#require(ModelName("fraud")), #require(VersionNumber(2)))
        var figures = GatewayFigures()
        figures.answered(.init(version: id, arm: .candidate), code: 200, microseconds: 900)
        figures.rejected(code: 404)
        figures.set(.halfOpen, of: id)
        figures.shadow(id) { $0.differing += 1 }
        figures.fellBack(.init(model: id.model, role: "candidate", reason: "timeout"))
        let metrics = Metrics(
            snapshot: nothing,
            tallies: ControlTallies(),
            figures: figures,
            logged: ["logged": 5, "dropped": 1],
            reserve: 1024,
            belayVersion: "0.2.0",
            surroundings: Surroundings(
                notices: [.init(via: .slack, result: "delivered"): 2],
                undelivered: ["fraud": 1],
                verification: (Timestamp(milliseconds: 1500), true),
                labels: [id: 7],
                refusedLabels: ["label.unreadable": 4],
                coverage: [id: 0.25]
            ),
            drifts: [EndpointID(id.model, in: .prod): ["amount": 0.5, "age": 0.125]]
        )
        let lines = Set(metrics.text.split(separator: "\n").map(String.init))
        let place = #"model="fraud",env="prod",version="2""#
        let expected = [
            #"belay_build_info{version="0.2.0"} 1"#, "belay_audit_entries_total 0",
            "belay_reserve_bytes 1024",
            #"belay_requests_total{\#(place),arm="candidate",code="200"} 1"#,
            #"belay_request_duration_seconds_bucket{\#(place),arm="candidate",le="0.001"} 1"#,
            #"belay_requests_rejected_total{code="404"} 1"#,
            #"belay_breaker_state{\#(place),state="half_open"} 1"#,
            "belay_shadow_differing_total{\(place)} 1",
            #"belay_inference_log_answers_total{result="dropped"} 1"#,
            #"belay_webhook_deliveries_total{via="slack",result="delivered"} 2"#,
            #"belay_webhook_undelivered{model="fraud"} 1"#,
            "belay_audit_last_verified_timestamp_seconds 1.5", "belay_audit_verified 1",
            "belay_labels_total{\(place)} 7", "belay_label_coverage_ratio{\(place)} 0.25",
            #"belay_labels_refused_total{code="label.unreadable"} 4"#,
            #"belay_feature_psi{model="fraud",env="prod",feature="amount"} 0.5"#,
            #"belay_feature_psi{model="fraud",env="prod",feature="age"} 0.125"#,
            #"belay_fallback_hops_total{model="fraud",env="prod",role="candidate",reason="timeout"} 1"#,
        ]
        for line in expected { #expect(lines.contains(line), "\(line)") }
    }
}

/// Nothing is registered.
private let nothing = Snapshot(
    state: State(),
    now: Timestamp(milliseconds: 0),
    loaded: [],
    reports: [:],
    standbys: [:],
    fenced: [],
    suspended: [:]
)

@Suite("Readiness")
struct ReadinessTests {
    @Test func aServerThatServesNothingIsReadyUntilItDrains() {
        #expect(Readiness(nothing, isDraining: false, isLogWritable: false).text == "ready\n")
        #expect(Readiness(nothing, isDraining: true, isLogWritable: true).text == "draining\n")
    }
}
