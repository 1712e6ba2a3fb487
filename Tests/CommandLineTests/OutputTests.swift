import BelayCore
import BelayServer
import Foundation
import Testing

@testable import belay

@Suite struct OutputTests {
    private let look = Look(isColoured: false, symbols: .unicode)

    private func table() -> Table {
        var table = Table([.init("MODEL"), .init("N", .number), .init("NOTE")])
        table.add(["fraud", "3", "short"])
        table.add(["loan-default", "1 200", "a rather long note\u{1b}[31m\nwith a break"])
        table.add(["x", "", ""])
        return table
    }

    @Test func columnsAlignAndNumbersStandRight() {
        #expect(
            table().text(width: nil, look: look) == """
                MODEL             N  NOTE
                fraud             3  short
                loan-default  1 200  a rather long note [31m with a break
                x                 -  -

                """
        )
    }

    @Test func linesAreCutOnlyForATerminal() {
        let lines = table().text(width: 30, look: look).split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= 30 })
        #expect(lines[2] == "loan-default  1 200  a rather…")
    }

    @Test(arguments: [
        (0.0081, "+0.81 pts"), (-0.31, "-31.00 pts"), (0, "+0.00 pts"), (1e300, "+- pts"), (.nan, "+- pts"),
    ])
    func differencesArePoints(value: Double, text: String) {
        #expect(points(value) == text)
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1000, "1 000"), (18402, "18 402"), (-1_234_567, "−1 234 567")])
    func numbersAreGrouped(value: Int, text: String) {
        #expect(grouped(value).replacing("-", with: "−") == text)
    }

    @Test(arguments: [
        (Int64(0), "0 B"), (999, "999 B"), (1500, "1.5 kB"), (12_345_678, "12 MB"), (Int64.max, "9223372 TB"),
    ])
    func sizesAreShort(bytes: Int64, text: String) {
        #expect(size(bytes) == text)
    }

    @Test(arguments: [
        ("2026-11-23T14:25:03.118Z", "0 s"), ("2026-11-23T14:24:03.118Z", "1 min"),
        ("2026-11-22T14:25:03Z", "24 h"),
        ("2026-11-20T14:25:03Z", "3 d"), ("2027-01-01T00:00:00Z", "0 s"), ("soon", "soon"),
    ])
    func agesAreInOneUnit(time: String, text: String) throws {
        let now = try #require(Timestamp("2026-11-23T14:25:03.118Z"))
        #expect(age(time, now: now) == text)
    }

    @Test func theReceiptIsOneSentence() {
        #expect(
            receipt(from: 2, fence: "complete").sentence(look)
                == "✓ 1.2 ms  fraud@1 answers 100% (epoch 42 acknowledged; 0 in-flight replayed); "
                + "2 is quarantined; automatic releases are off"
        )
        #expect(
            receipt(from: 1, fence: "complete").sentence(look).hasPrefix(
                "✓ 1.2 ms  fraud@1 answers 100% already"
            )
        )
        #expect(
            receipt(from: 2, fence: "pending").sentence(look).hasPrefix(
                "? fraud@1 answers 100%, but not every"
            )
        )
    }

    @Test func whatWasAllowedToFinishIsInTheReceipt() {
        #expect(
            receipt(from: 2, drained: 3, fence: "complete").sentence(look)
                .contains("(epoch 42 acknowledged; 0 in-flight replayed, 3 drained);")
        )
        #expect(
            receipt(from: 2, cutOff: 3, fence: "complete").sentence(look)
                .contains("(epoch 42 acknowledged; 0 in-flight replayed, 3 cut off);")
        )
    }

    @Test func thatNobodyWasErasedIsNoSuccess() {
        let view = { (answers: Int) in
            ErasureView(answers: answers, labels: 0, commitment: "c0ffee", salt: "5a17").sentence(look)
        }
        #expect(view(3).hasPrefix("✓ 3 answers and 0 labels erased\n"))
        #expect(view(0).hasPrefix("? 0 answers and 0 labels erased; no answer that is kept names this"))
    }

    @Test func aShadowIsToldByItsPairs() {
        let view = { (metric: String, verdict: String, limit: Double) in
            GuardView(
                name: metric,
                metric: metric,
                verdict: verdict,
                unit: "fraction",
                versus: "none",
                value: 0.018,
                interval: [0.01, 0.03],
                limit: limit,
                n: 8214,
                nStable: 0
            ).line(look)
        }
        #expect(
            view("disagreement", "pass", 0.02)
                == "✓ disagreement pass  differs 1.80% [1.00%, 3.00%], limit 2.00%, n 8 214"
        )
        #expect(
            view("shadow_error", "unjudged", 1)
                == "· shadow_error unjudged  fails 1.80% [1.00%, 3.00%], n 8 214"
        )
    }

    @Test func aReleaseInTheShadowSaysSo() {
        #expect(
            release("shadow", step: 1, share: 100).sentence(look)
                == "▶ r3  fraud 1 → 2  shadow 100% (step 1 of 3)"
        )
    }

    @Test(arguments: [
        ("latency_p99", "ms", "none", 90.25, "90.3 ms [80.0 ms, 100 ms], limit 120 ms, n 7"),
        ("latency_p50", "ms", "stable", 4.125, "+4.13 ms [+80.0 ms, +100 ms], limit +120 ms, n 7"),
        (
            "latency_p95", "fraction", "stable_relative", 0.241,
            "+24.1% [+8000.0%, +10000.0%], limit +12000.0%, n 7"
        ),
        ("throughput", "per_second", "none", 1200, "1200/s [80.00/s, 100.00/s], limit 120.00/s, n 7"),
        (
            "prediction_drift", "psi", "none", 0.2134,
            "PSI 0.213 [PSI 80.000, PSI 100.000], limit PSI 120.000, n 7"
        ),
        ("brier", "number", "stable", -0.0125, "-0.0125 [+80.00, +100.00], limit +120.00, n 7"),
        ("feedback_score", "number", "none", 4.25, "4.2500 [80.00, 100.00], limit 120.00, n 7"),
    ])
    func figuresAreInTheUnitOfTheirMetric(
        metric: String,
        unit: String,
        versus: String,
        value: Double,
        text: String
    ) {
        let view = GuardView(
            name: metric,
            metric: metric,
            verdict: "pass",
            unit: unit,
            versus: versus,
            value: value,
            interval: [80, 100],
            limit: 120,
            n: 7,
            nStable: 0
        )
        #expect(view.figures == text)
    }

    @Test func whyAGuardIsBlindIsSaidWithWhatToDo() {
        let view = GuardView(
            name: "recall",
            metric: "recall",
            verdict: "blind",
            unit: "fraction",
            versus: "stable",
            value: nil,
            interval: nil,
            limit: -0.03,
            n: 0,
            nStable: 0,
            reason: "missing",
            detail: "no label has been seen in this step; send labels with `belay label fraud FILE`"
        )
        #expect(
            view.line(look)
                == "· recall blind  nothing seen yet; no label has been seen in this step; send labels with "
                + "`belay label fraud FILE`"
        )
    }

    @Test func aGuardIsToldWithItsNumbers() {
        #expect(
            guardView("breach").line(look)
                == "✕ error_rate breach  +0.81 pts [+0.52 pts, +1.10 pts], limit +0.50 pts, n 2 140 / 19 411"
        )
        #expect(
            guardView("pass").line(Look(isColoured: true, symbols: .ascii)).hasPrefix(
                "\u{1b}[32mok\u{1b}[0m "
            )
        )
        #expect(guardView("somethingNew").line(look).hasPrefix("· "))
    }

    @Test func newsAreToldOnce() {
        var news = ReleaseNews()
        #expect(news.lines(release("gating"), look) == ["▶ r3  gating"])
        #expect(news.lines(release("gating"), look) == [])
        let blind = release("canary", step: 1, share: 1, guards: [guardView("blind")])
        #expect(
            news.lines(blind, look).map { $0.prefix(20) } == ["▶ r3  canary 1% (ste", "  · error_rate blind"]
        )
        #expect(news.lines(blind, look) == [])
        let passing = release("canary", step: 1, share: 1, guards: [guardView("pass")])
        #expect(news.lines(passing, look).count == 1)
        let held = release("canary", step: 1, share: 1, held: HoldView(by: "ada", why: "lunch", since: "x"))
        #expect(news.lines(held, look) == ["‖ r3  canary 1% (step 1 of 3), held by ada: lunch"])
        #expect(news.lines(release("settled", share: 100), look) == [])
    }

    @Test func aReleaseIsOneLine() {
        #expect(release("settled", share: 100).sentence(look) == "✓ r3  fraud@2 serves 100%")
        #expect(
            release("canary", step: 2, share: 10).sentence(look)
                == "▶ r3  fraud 1 → 2  canary 10% (step 2 of 3)"
        )
        #expect(
            release("rolled_back", cause: "guard:error_rate").sentence(look)
                == "✕ r3  fraud@2 was rolled back (guard:error_rate); fraud@1 serves"
        )
        let breached = release("rolled_back", guards: [guardView("breach")], cause: "guard:error_rate")
        #expect(breached.decisiveGuard == guardView("breach"))
        #expect(release("rolled_back", guards: [guardView("breach")], cause: "request").decisiveGuard == nil)
    }

    private func receipt(from: Int, cutOff: Int = 0, drained: Int = 0, fence: String) -> RollbackView {
        RollbackView(
            model: "fraud",
            from: from,
            to: 1,
            cause: "request",
            epoch: 42,
            acknowledgedInMilliseconds: 1.234,
            replayed: 0,
            cutOff: cutOff,
            drained: drained,
            fence: fence
        )
    }

    @Test func whatNobodyCanSayBeforehandIsNotForetold() throws {
        let json = #"""
            {"model": "fraud", "answers": 9, "answers_per_second": 2, "undecidable": null, "steps": [
             {"step": 1, "kind": "canary", "share": 10, "requests": 100, "lasts_ms": 50000,
              "slowest": "error_rate", "unforeseen": UNFORESEEN, "guards": []}]}
            """#
        let text = { (names: String) in
            let data = Data(json.replacingOccurrences(of: "UNFORESEEN", with: names).utf8)
            return try JSONDecoder().decode(ForecastView.self, from: data).text(look)
        }
        #expect(
            try text(#"["f1", "brier"]"#)
                == "  canary 10%  error_rate needs at least 100 requests, 50 s at 2.0 a second; "
                + "what f1, brier needs cannot be said beforehand\n"
        )
        #expect(
            try text("[]") == "  canary 10%  error_rate needs about 100 requests, 50 s at 2.0 a second\n"
        )
    }

    /// A null in the place of a number is refused, so it is none of the requests that are counted.
    @Test func whatIsMissingIsSaidOfRequestsThatFit() {
        let view = GuardView(
            name: "m",
            metric: "missing_rate",
            verdict: "pass",
            unit: "fraction",
            versus: "none",
            value: 0,
            interval: nil,
            limit: 0.02,
            n: 500,
            nStable: 0,
            feature: "amount"
        )
        #expect(view.figures == "0.00% in amount, limit 2.00%, n 500 that fit the signature")
    }

    @Test func aReplayThatNothingStopsMayHaveWaited() {
        let course = { (names: [String]) in
            CourseView(rollback: nil, hold: nil, guards: [], waitsFor: names).sentence(look)
        }
        #expect(course([]) == "· nothing would have stopped it")
        #expect(
            course(["recall", "f1"])
                == "· nothing would have stopped it, but it would have waited: recall, f1 saw nothing to "
                + "judge by"
        )
    }

    @Test func aWatchedStatusSaysEachChangeOnce() {
        var news = StatusNews()
        let before = endpoint(serving: 1, release: release("canary", step: 1, share: 10))
        #expect(
            news.lines(before, look) == [
                "✓ fraud  version 1 serves", "▶ r3  canary 10% (step 1 of 3)",
            ]
        )
        #expect(news.lines(before, look).isEmpty)
        #expect(
            news.lines(endpoint(serving: 2), look) == [
                "✓ fraud  version 2 serves instead of 1", "✓ r3  over; why: belay why r3",
            ]
        )
    }

    @Test func aWatchedStatusSaysWhatIsNotRecordedYet() {
        var news = StatusNews()
        _ = news.lines(endpoint(serving: 2), look)
        let full = SuspensionView(version: 2, since: "", failure: "No space was left.")
        #expect(
            news.lines(endpoint(serving: 2, suspended: full), look) == [
                "  fraud@2 answers nobody any more; its rollback could not be recorded, which is tried "
                    + "again: No space was left."
            ]
        )
        #expect(news.lines(endpoint(serving: 1), look) == ["✓ fraud  version 1 serves instead of 2"])
    }

    @Test func theDoctorSeesWhatIsNotRecordedYet() {
        #expect(DoctorCommand.rollbacks(endpoint(serving: 2)).ok)
        let waiting = SuspensionView(version: 2, since: "", failure: nil)
        let check = DoctorCommand.rollbacks(endpoint(serving: 2, suspended: waiting))
        #expect(!check.ok)
        #expect(
            check.detail == "fraud@2 answers nobody any more; its rollback waits for the disk to record it"
        )
    }

    private func endpoint(
        serving version: Int,
        release: ReleaseView? = nil,
        suspended: SuspensionView? = nil
    ) -> StatusView {
        StatusView(
            endpoints: [
                EndpointView(
                    model: "fraud",
                    environment: "prod",
                    serving: ServingView(version: version, since: "", proven: true, ready: true),
                    release: release,
                    standbys: [],
                    shadow: nil,
                    withdrawn: [],
                    automatic: true,
                    epoch: 1,
                    fencing: false,
                    suspended: suspended,
                    readiness: []
                )
            ],
            undelivered: [:]
        )
    }

    private func guardView(_ verdict: String) -> GuardView {
        GuardView(
            name: "error_rate",
            metric: "error_rate",
            verdict: verdict,
            unit: "fraction",
            versus: "stable",
            value: 0.0081,
            interval: [0.0052, 0.011],
            limit: 0.005,
            n: 2140,
            nStable: 19_411
        )
    }

    private func release(
        _ phase: String,
        step: Int? = nil,
        share: Double = 0,
        guards: [GuardView] = [],
        held: HoldView? = nil,
        cause: String? = nil
    ) -> ReleaseView {
        ReleaseView(
            id: "r3",
            model: "fraud",
            candidate: 2,
            stable: 1,
            phase: phase,
            step: step,
            steps: 3,
            share: share,
            held: held,
            gates: [],
            guards: guards,
            cause: cause,
            proposedBy: "ada",
            proposedAt: "",
            endedAt: nil,
            reason: nil
        )
    }
}
