import BelayCore
import BelayTesting
import Testing

@testable import BelayServer

/// What an engineer on call reads of a guard that can say no more.
@Suite("Words of blind guards")
struct GuardWordsTests {
    private func report(
        _ metric: Metric,
        _ reason: GuardReport.Reason,
        verdict: Verdict = .blind,
        seen: Int? = nil,
        needed: Int? = nil,
        problem: String? = nil
    ) -> GuardReport {
        GuardReport(
            name: metric.rawValue,
            metric: metric,
            verdict: verdict,
            value: nil,
            lower: nil,
            upper: nil,
            limit: 0.1,
            candidateSamples: 1234,
            stableSamples: 0,
            logEvidence: 0,
            reason: reason,
            seen: seen,
            needed: needed,
            problem: problem
        )
    }

    private func words(_ report: GuardReport) -> String {
        report.explanation(of: nil, model: Build.model("fraud")) ?? ""
    }

    @Test(arguments: Metric.allCases)
    func everyReasonOfEveryMetricIsASentence(metric: Metric) {
        for reason in GuardReport.Reason.allCases {
            let text = words(report(metric, reason))
            #expect(text.count > 20 || reason == .waived, "\(metric) \(reason)")
            #expect(!text.hasSuffix("."), "the sentence gets its end where it stands: \(text)")
        }
    }

    @Test func tooFewIsCountedInThisStepAndNotInTheOneThatIsShown() {
        #expect(
            words(report(.accuracy, .tooFew, verdict: .undecided, seen: 7, needed: 20))
                == "7 of the 20 labels of the candidate that it needs in this step have come"
        )
        #expect(
            words(report(.featureDrift, .tooFew, verdict: .undecided, seen: 0, needed: 500))
                == "0 of the 500 requests that it needs have come"
        )
    }

    @Test func aFigureOfNothingIsNoReference() {
        #expect(
            words(report(.query, .noReference))
                == "stable's figure is 0, and no part of nothing can be allowed; "
                + "ask for a figure that is not, or bound it by `max` or `min`"
        )
    }

    @Test func whatTheMonitorSaidStandsInTheSentence() {
        let problem = "it refused the query: parse error."
        #expect(
            words(report(.query, .missing, problem: problem))
                == "no figure has been seen in this step; the monitor was asked, but it refused the query: "
                + "parse error"
        )
    }

    @Test func labelsThatCameAndDoNotCountAreRemarkedOn() {
        let noon = Timestamp(milliseconds: 1_763_899_200_000)
        var refusals = LabelCounts.Refusals()
        refusals.count = 1200
        (refusals.newest, refusals.at) = ("the line is not JSON", noon)
        let trouble = LabelTrouble(waiting: 1, refusals: refusals)
        #expect(
            trouble.remarks(at: noon) == [
                "1 200 labels of this model were refused since the server started, the newest at \(noon): "
                    + "the line is not JSON.",
                "1 label waits for an answer that this model has not given; a label's id is the answer's "
                    + "Belay-Request-Id.",
            ]
        )
        #expect(
            trouble.remarks(at: noon.advanced(by: .seconds(7200))).count == 1,
            "long ago explains nothing"
        )
        #expect(LabelTrouble(waiting: 0, refusals: nil).remarks(at: noon).isEmpty)
    }

    @Test func refusedLabelsAreCountedByWhyAndKeptApartByModel() {
        let counts = LabelCounts()
        let noon = Timestamp(milliseconds: 0)
        let (fraud, churn) = (Build.model("fraud"), Build.model("churn"))
        counts.refuse(.init(line: 1, code: "label.bad-time", detail: "time"), of: fraud, at: noon)
        #expect(counts.refusals(of: churn) == nil)
        counts.refuse(
            .init(line: 1, code: "label.unreadable", detail: "JSON"),
            of: nil,
            at: noon.advanced(by: .seconds(1))
        )
        #expect(counts.refusals(of: churn)?.newest == "JSON", "nobody knows whose it was")
        #expect(counts.refusals(of: churn)?.isUnknown == true)
        #expect(counts.refusals(of: fraud)?.newest == "time")
        #expect(counts.refused == ["label.bad-time": 1, "label.unreadable": 1])
    }
}
