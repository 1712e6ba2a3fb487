import BelayCore
import Testing

/// The figures of a guard as a notice writes them.
@Suite struct FigureLineTests {
    private func line(
        _ metric: Metric,
        _ value: Double?,
        limit: Double,
        stable: Int,
        versus: GuardReport.Versus? = nil
    ) -> String {
        GuardReport(
            name: metric.rawValue,
            metric: metric,
            versus: versus,
            verdict: .breach,
            value: value,
            lower: nil,
            upper: nil,
            limit: limit,
            candidateSamples: 100,
            stableSamples: stable,
            logEvidence: 5
        ).line
    }

    @Test func everyMetricIsWrittenInItsOwnSense() {
        #expect(
            line(.errorRate, 0.0081, limit: 0.005, stable: 900)
                == "error_rate +0.81 pts, limit +0.5 pts, n 100"
        )
        #expect(line(.accuracy, -0.05, limit: -0.02, stable: 900) == "accuracy -5 pts, limit -2 pts, n 100")
        #expect(line(.accuracy, 0.81, limit: 0.9, stable: 0) == "accuracy 81%, limit 90%, n 100")
        #expect(line(.invalidOutput, 3, limit: 0, stable: 0) == "invalid_output: 3 times, limit 0, n 100")
        #expect(
            line(.latencyP50, 39.57, limit: 0.25, stable: 900, versus: .relative)
                == "latency_p50 +3957% of stable's, limit +25% of stable's, n 100"
        )
        #expect(
            line(.latencyP50, 1500, limit: 250, stable: 900, versus: .stable)
                == "latency_p50 +1.5 ms, limit +0.25 ms, n 100"
        )
        #expect(
            line(.accuracy, 0.31, limit: 0.0712, stable: 900, versus: .badness)
                == "accuracy 31% wrong, limit 7.12% wrong, n 100"
        )
        #expect(
            line(.latencyP99, 0.046, limit: 0.022, stable: 900, versus: .badness)
                == "latency_p99 4.6% too slow, limit 2.2% too slow, n 100"
        )
        #expect(line(.recall, nil, limit: 0, stable: 0) == "recall: nothing seen")
    }
}
