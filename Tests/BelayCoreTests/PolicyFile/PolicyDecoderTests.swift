import BelayCore
import Testing

@Suite struct PolicyDecoderTests {
    @Test func aPolicyOfTwoKeysIsTheStandardOne() throws {
        let fraud = try #require(ModelName("fraud"))
        #expect(try decoded() == .standard(for: fraud))
    }

    @Test func everyKeyReachesThePolicy() throws {
        let policy = try decoded(
            """
            "description": "text", "serving": {"unit": "header:X-User", "timeout": "400ms"},
            "rollout": {"steps": [{"canary": "0.5%", "for": "1h30m", "min_samples": 20}, {"canary": "10%"}]},
            "guards": [{"metric": "error_rate", "name": "errors", "max_rise": "0.5%", "max": 0.02,
                        "min_samples": 300, "then": "hold"},
                       {"metric": "accuracy", "max_drop": "3%", "min": "90%"}],
            "labels": {"output": "label"}, "rollback": {"good_after": "7d", "keep_warm": 3}
            """
        )
        #expect(
            policy.serving
                == ServingSettings(unit: .header("x-user"), timeoutMilliseconds: 400, record: .standard)
        )
        #expect(policy.plan.steps.map(\.share.partsPerMillion) == [5000, 100_000])
        #expect(policy.plan.steps.map(\.dwellMilliseconds) == [5_400_000, 0])
        #expect(policy.plan.steps.map(\.minSamples) == [20, 500])
        #expect(
            policy.guards.map(\.name) == [
                "errors", "errors.max", "accuracy", "accuracy.min", "invalid_output", "circuit_breaker",
            ]
        )
        #expect(policy.guards.map(\.reaction) == [.hold, .hold, .rollback, .rollback, .rollback, .rollback])
        #expect(policy.guards.map(\.minSamples) == [300, 300, nil, nil, nil, nil])
        #expect(
            policy.guards.map(\.limit) == [
                .againstStable(margin: 0.005), .absolute(max: 0.02), .againstStable(margin: 0.03),
                .absolute(max: 0.1), .never, .never,
            ]
        )
        #expect(policy.labels.output == "label")
        #expect(
            policy.rollback
                == Policy.Rollback(
                    goodAfterMilliseconds: 604_800_000,
                    keepWarm: 3,
                    failing: .standard,
                    standby: .wait
                )
        )
    }

    @Test(arguments: [
        (#"{"metric": "error_rate"}"#, Guard.Limit.againstStable(margin: 0)),
        (#"{"metric": "error_rate", "max_rise": "0%"}"#, .againstStable(margin: 0)),
        (#"{"metric": "error_rate", "max": "1%"}"#, .absolute(max: 0.01)),
        (#"{"metric": "error_rate", "max_rise": 0.01}"#, .againstStable(margin: 0.01)),
        (#"{"metric": "error_rate", "max_rise": 1e-3}"#, .againstStable(margin: 0.001)),
        (#"{"metric": "error_rate", "max_rise": 0.30000000000000004}"#, .againstStable(margin: 0.3)),
        (#"{"metric": "accuracy", "min": "97.5%"}"#, .absolute(max: 0.025)),
        (#"{"metric": "accuracy", "min": 0.9}"#, .absolute(max: 0.1)),
        (#"{"metric": "disagreement", "max": "2%"}"#, .absolute(max: 0.02)),
        (#"{"metric": "shadow_error", "max": 0.01}"#, .absolute(max: 0.01)),
        (#"{"metric": "circuit_breaker"}"#, .never),
    ])
    func oneBoundIsOneGuardUnderItsOwnName(text: String, limit: Guard.Limit) throws {
        let first = try #require(try decoded(#""guards": [\#(text)]"#).guards.first)
        #expect(first.limit == limit)
        #expect(first.name == first.metric.rawValue)
    }

    @Test func anEmptyListOfGuardsLeavesTheNeverEvents() throws {
        #expect(try decoded(#""guards": []"#).guards == Guard.neverEvents)
    }

    @Test func theNeverEventMayBeNamedAndIsThenNotAddedAgain() throws {
        let policy = try decoded(#""guards": [{"metric": "invalid_output", "name": "nan", "then": "hold"}]"#)
        #expect(policy.guards.map(\.name) == ["nan", "circuit_breaker"])
        #expect(policy.guards.map(\.reaction) == [.hold, .rollback])
    }

    @Test(arguments: [
        ("instant", Plan.instant), ("canary", .canary), ("careful", .careful), ("shadow-only", .shadowOnly),
    ])
    func aPlanCanBeNamed(name: String, plan: Plan) throws {
        #expect(try decoded(#""rollout": {"use": "\#(name)"}"#).plan == plan)
    }

    @Test func shadowStepsReachThePlan() throws {
        let policy = try decoded(
            #"""
            "rollout": {"steps": [{"shadow": "100%", "for": "30m", "min_samples": 2000}, {"shadow": "10%"},
                                  {"canary": "1%"}], "end": "hold"}
            """#
        )
        #expect(policy.plan.steps.map(\.kind) == [.shadow, .shadow, .canary])
        #expect(policy.plan.steps.map(\.share.percent) == [100, 10, 1])
        #expect(policy.plan.steps.map(\.minSamples) == [2000, 500, 500])
        #expect(policy.plan.ending == .hold)
        let only = try decoded(#""rollout": {"steps": [{"shadow": "5%"}, {"canary": "100%"}]}"#).plan
        #expect(only.steps.map(\.kind) == [.shadow])
    }

    @Test func anEndOverridesThatOfANamedPlan() throws {
        #expect(
            try decoded(#""rollout": {"use": "canary", "end": "hold"}"#).plan == .canary.ending(in: .hold)
        )
        #expect(
            try decoded(#""rollout": {"use": "shadow-only", "end": "promote"}"#).plan
                == .shadowOnly.ending(in: .promote)
        )
    }

    @Test func aLastStepOfAllMeansPromotion() throws {
        let policy = try decoded(#""rollout": {"steps": [{"canary": "10%"}, {"canary": "100%"}]}"#)
        #expect(policy.plan.steps.map(\.share.partsPerMillion) == [100_000])
        #expect(try decoded(#""rollout": {"steps": [{"canary": "100%"}]}"#).plan == .instant)
    }

    private static let mistakes: [(String, String)] = [
        (#"{"model": "m"}"#, #" the policy needs "belay"; begin with belay: 1 [policy.missing-key]"#),
        (
            #"{"belay": 1}"#,
            #" the policy needs "model"; write model: with the name of the model [policy.missing-key]"#
        ),
        (
            #"{"belay": 2, "model": "m"}"#,
            #"/belay "belay" is the version of the format, and this Belay reads 1; write belay: 1 [policy.b"#
        ),
        (
            #"[]"#,
            " the policy needs a mapping, not a list; write belay, model, description, serving, rollout, "
        ),
        (
            #"{"belay": 1, "model": 7}"#,
            #"/model model needs a text, not a number; put quotes around it: "7" [policy.wrong-type]"#
        ),
        (
            #"{"belay": 1, "model": "a/b"}"#,
            #"/model "a/b" cannot name a model; use 1 to 64 letters, digits, dots, dashes and underscores, "#
        ),
        (
            policyJSON(#""gaurds": []"#),
            #"/gaurds unknown key "gaurds" in the policy; did you mean "guards"? [policy.unknown-key]"#
        ),
        (
            policyJSON(#""shadow": 1"#),
            #"/shadow unknown key "shadow" in the policy; it takes belay, model, description, serving, roll"#
        ),
        (
            policyJSON(#""tier": "low""#),
            #"/tier "tier" in the policy is not supported by this version of Belay; take it out [policy.uns"#
        ),
        (
            policyJSON(#""serving": {"key": "request"}"#),
            #"/serving/key unknown key "key" in serving; did you mean "unit"? [policy.unknown-key]"#
        ),
        (
            policyJSON(#""serving": {"unit": "cookie"}"#),
            #"/serving/unit serving.unit is "cookie"; write request, header:X-User, or a JSON pointer such"#
        ),
        (
            policyJSON(#""serving": {"timeout": 30}"#),
            #"/serving/timeout serving.timeout is "30"; name the unit, such as 30s [policy.bad-value]"#
        ),
        (
            policyJSON(#""serving": {"timeout": "11m"}"#),
            #"/serving/timeout serving.timeout is "11m"; write a time from 1ms to 10m, such as 30s [polic"#
        ),
        (
            policyJSON(#""labels": {"output": ""}"#),
            "/labels/output labels.output holds 0 bytes; write the name of one of the model's outputs, of 1"
        ),
        (
            policyJSON(#""rollback": {"keep_warm": 0}"#),
            #"/rollback/keep_warm rollback.keep_warm is "0"; write a whole number from 1 to 20, without quo"#
        ),
        (
            policyJSON(#""rollback": {"good_after": null}"#),
            "/rollback/good_after rollback.good_after needs a time, not nothing; write one such as 30s "
        ),
    ]

    @Test(arguments: mistakes)
    func aMistakeIsNamedWithItsPlaceAndItsRemedy(json: String, problem: String) throws {
        try expectOne(problem, in: json)
    }

    private static let mistakenPlans: [(String, String)] = [
        (
            #"{}"#,
            #"/rollout rollout needs "use" or "steps"; write use: canary, or leave rollout out, which means "#
        ),
        (
            #"{"use": "canary", "steps": [{"canary": "1%"}]}"#,
            #"/rollout/use rollout has both "use" and "steps"; "#
        ),
        (
            #"{"use": "canary", "end": "pause"}"#,
            #"/rollout/end rollout.end does not know "pause"; did you mean "hold"? "#
        ),
        (#"{"use": "canry"}"#, #"/rollout/use rollout.use does not know "canry"; did you mean "canary"? "#),
        (
            #"{"steps": []}"#,
            "/rollout/steps rollout.steps is empty; write a step, or use: instant to promote as "
        ),
    ]

    @Test(arguments: mistakenPlans)
    func aMistakenPlanIsExplained(rollout: String, problem: String) throws {
        try expectOne(problem, in: policyJSON(#""rollout": \#(rollout)"#))
    }

    private static let mistakenSteps: [(String, String)] = [
        (#"{"canary": 10}"#, #"/canary rollout.steps[0].canary is "10"; write 10% if that is meant"#),
        (#"{"canary": 0.1}"#, #"/canary rollout.steps[0].canary is "0.1"; write 10% for that fraction of "#),
        (
            #"{"canary": "0%"}"#,
            #"/canary rollout.steps[0].canary is "0%"; write a percentage above 0% and up to "#
        ),
        (
            #"{"canary": "0.00001%"}"#,
            #"/canary rollout.steps[0].canary is "0.00001%"; write a percentage above 0% "#
        ),
        (
            #"{"canary": "1e1%"}"#,
            #"/canary rollout.steps[0].canary is "1e1%"; write a percentage above 0% and up "#
        ),
        (#"{"shadow": 1}"#, #"/shadow rollout.steps[0].shadow is "1"; write 1% if that is meant"#),
        (
            #"{"shadow": "1%", "canary": "1%"}"#,
            #"/shadow rollout.steps[0] has both "shadow" and "canary"; make two steps of it"#
        ),
        (#"{"ab": "50%"}"#, #"/ab "ab" in rollout.steps[0] is not supported by this version of "#),
        (#"{"weight": "10%"}"#, #"/weight unknown key "weight" in rollout.steps[0]; did you mean "canary"?"#),
        (#"{"for": "5m"}"#, #" rollout.steps[0] needs "canary" or "shadow"; write the share, such as c"#),
        (
            #"{"canary": "1%", "min_samples": "500"}"#,
            #"/min_samples rollout.steps[0].min_samples is "500"; "#
        ),
        (#"{"canary": "1%", "min_samples": 1.5}"#, #"/min_samples rollout.steps[0].min_samples is "1.5"; "#),
        (
            #"{"canary": "1%", "for": "5 m"}"#,
            #"/for rollout.steps[0].for is "5 m"; write a time from 0s to 366d, "#
        ),
        (
            #"{"canary": "100%", "for": "5m"}"#,
            "/for rollout.steps[0].for asks something of a promotion; take it "
        ),
    ]

    @Test(arguments: mistakenSteps)
    func aMistakenStepIsExplained(step: String, problem: String) throws {
        try expectOne("/rollout/steps/0" + problem, in: policyJSON(#""rollout": {"steps": [\#(step)]}"#))
    }

    @Test func sharesThatDoNotRiseAndAnEarlyPromotionAreRefused() throws {
        let steps = ["10%", "10%", "100%", "5%"].map { #"{"canary": "\#($0)"}"# }.joined(separator: ",")
        let json = policyJSON(#""rollout": {"steps": [\#(steps)]}"#)
        let found = try problems(json)
        let expected = [
            "/rollout/steps/1/canary rollout.steps[1].canary is 10%, which does not exceed the 10% before i",
            "/rollout/steps/2 rollout.steps[2] promotes the candidate and is not the last step; move canary",
            "/rollout/steps/3/canary rollout.steps[3].canary is 5%, which does not exceed the 10% before it",
        ]
        #expect(found.count == expected.count)
        #expect(zip(found, expected).allSatisfy { $0.hasPrefix($1) }, "\(found)")
    }

    @Test func aShadowStepAfterACanaryStepIsRefused() throws {
        let json = policyJSON(#""rollout": {"steps": [{"canary": "1%"}, {"shadow": "1%"}]}"#)
        try expectOne(
            "/rollout/steps/1/shadow rollout.steps[1] is a shadow step after a canary step",
            in: json
        )
    }

    private static let mistakenGuards: [(String, String)] = [
        (#"{"metric": "accuracy"}"#, #" guards[0] needs "max_drop" or "min"; "#),
        (
            #"{"metric": "accuracy", "max": "1%"}"#,
            "/max guards[0].max does not suit its metric; accuracy takes "
        ),
        (
            #"{"metric": "error_rate", "min": "1%"}"#,
            "/min guards[0].min does not suit its metric; error_rate takes "
        ),
        (
            #"{"metric": "error_rate", "max": "0%"}"#,
            "/max guards[0].max must lie between 0% and 100%, both excluded;"
        ),
        (
            #"{"metric": "accuracy", "min": "100%"}"#,
            "/min guards[0].min must lie between 0% and 100%, both excluded;"
        ),
        (
            #"{"metric": "error_rate", "max_rise": "100%"}"#,
            "/max_rise guards[0].max_rise lets everything pass; "
        ),
        (#"{"metric": "error_rate", "max": 1}"#, #"/max guards[0].max is "1"; write 1%"#),
        (
            #"{"metric": "error_rate", "max": "0.01"}"#,
            #"/max guards[0].max is "0.01"; write a rate from 0% to 100%"#
        ),
        (
            #"{"metric": "error_rate", "max": "-1%"}"#,
            #"/max guards[0].max is "-1%"; write a rate from 0% to 100%"#
        ),
        (
            #"{"metric": "invalid_output", "max": "1%"}"#,
            "/max guards[0].max does not suit its metric; invalid_output"
        ),
        (
            #"{"metric": "latency_p90", "max": "1%"}"#,
            #"/metric guards[0].metric "latency_p90" is not supported by"#
        ),
        (
            #"{"metric": "errors"}"#,
            #"/metric guards[0].metric does not know "errors"; did you mean "error_rate"?"#
        ),
        (
            #"{"metric": "error_rate", "treshold": "1%"}"#,
            #"/treshold unknown key "treshold" in guards[0]; did you "#
        ),
        (
            #"{"metric": "error_rate", "then": "pause"}"#,
            #"/then guards[0].then does not know "pause"; did you mean "#
        ),
        (
            #"{"metric": "error_rate", "breaches": 3}"#,
            #"/breaches "breaches" in guards[0] is not supported by this"#
        ),
        (#"{"metric": "error_rate", "name": "a b"}"#, #"/name "a b" cannot name a guard; "#),
        (#"{"metric": "error_rate", "name": "invalid_output"}"#, #" guards[0] is the second guard called "#),
        (#"{"metric": "accuracy", "name": "circuit_breaker", "min": "9%"}"#, " guards[0] is the second"),
        (#"{"metric": "disagreement"}"#, #" guards[0] needs "max"; write max: 2% to allow for that part"#),
        (
            #"{"metric": "disagreement", "max": "0%"}"#,
            "/max guards[0].max must lie between 0% and 100%, both excluded; allow a little"
        ),
        (
            #"{"metric": "shadow_error", "max": "1%", "max_rise": "1%"}"#,
            "/max_rise guards[0].max_rise does not suit its metric; shadow_error takes max"
        ),
    ]

    @Test(arguments: mistakenGuards)
    func aMistakenGuardIsExplained(text: String, problem: String) throws {
        try expectOne("/guards/0" + problem, in: policyJSON(#""guards": [\#(text)]"#))
    }

    @Test func guardsOfOneNameAreRefused() throws {
        let json = policyJSON(#""guards": [{"metric": "error_rate"}, {"metric": "error_rate", "max": "1%"}]"#)
        try expectOne(
            #"/guards/1 guards[1] is the second guard called "error_rate"; give it another"#,
            in: json
        )
    }

    @Test func allMistakesAreFoundAtOnce() throws {
        let json = #"""
            {"belay": "1", "modle": "m", "serving": [], "rollout": {"use": "x"}, "guards": {},
             "labels": {"a": 1}}
            """#
        #expect(try problems(json).count == 6)
    }

    @Test func aHostileDocumentCostsABoundedNumberOfMessages() throws {
        let keys = (0..<5000).map { #""k\#($0)": \#($0)"# }.joined(separator: ", ")
        guard case .failure(let problems) = decodePolicy(try document("{\(keys)}")) else {
            Issue.record("it is no policy")
            return
        }
        #expect(problems.all.count == PolicyProblems.most)
        #expect(problems.areCut)
    }

    @Test func listsAreBounded() throws {
        let steps = Array(repeating: #"{"canary": "1%"}"#, count: 51).joined(separator: ",")
        try expectOne("/rollout/steps ", in: policyJSON(#""rollout": {"steps": [\#(steps)]}"#))
        let guards = Array(repeating: #"{"metric": "error_rate"}"#, count: 51).joined(separator: ",")
        try expectOne("/guards ", in: policyJSON(#""guards": [\#(guards)]"#))
    }

    /// Exactly one problem, which begins like this; its code and the end of a long remedy are left out.
    private func expectOne(_ beginning: String, in json: String) throws {
        let found = try problems(json)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix(beginning) == true, "\(found)")
    }
}
