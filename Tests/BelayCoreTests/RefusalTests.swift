import BelayCore
import Testing

@Suite("Refusal")
struct RefusalTests {
    private static let all: [Refusal] = [
        .unknownModel(fraud, near: nil), .unknownModel(fraud, near: fraud), .unknownVersion(fraud, "9"),
        .unknownRelease(ReleaseID(9)), .labelTaken(label("v1"), by: id(1)), .quarantined(id(2)),
        .releaseInProgress(ReleaseID(1), prod), .alreadyServing(id(1)), .automaticSuspended(prod),
        .policyForAnotherModel(fraud, expected: fraud), .releaseEnded(ReleaseID(1)),
        .gatesRunning(ReleaseID(1)), .alreadyHeld(ReleaseID(1)), .notHeld(ReleaseID(1)), .nothingServes(prod),
        .neverServed(id(1)), .doesNotLoad(id(1), reason: "the file is cut short"),
        .doesNotLoad(id(1), reason: "The file is cut short."), .nothingToGoBackTo(prod, considered: []),
        .nothingToGoBackTo(
            prod,
            considered: [Considered(version: number(1), taken: false, why: "is quarantined")]
        ),
        .nothingToGoBackTo(
            prod,
            considered: [Considered(version: number(1), taken: false, why: "does not load: The file is cut.")]
        ),
        .notQuarantined(id(1)), .aliasIsLabel(champion, of: id(1)), .tooManyAliases(fraud),
        .standbyNotReady(ReleaseID(1), id(1), reason: "it is not loaded"),
        .unknownGuard(ReleaseID(1), "recall"), .unknownIncident(IncidentID(3)),
        .unknownName("scroe", at: "labels.output", of: id(1), known: ["score"]),
        .unknownName("amount", at: "guards[missing_rate].feature", of: id(1), known: ["x[0] to x[3]"]),
        .neverMissing(guardName: "missing_rate", .int64, of: id(1)),
        .undecidable(
            prod,
            Undecidable(
                guardName: "error_rate",
                step: 1,
                requests: 90_000,
                bound: .deadline(needed: 9_000_000, most: 3_600_000)
            )
        ),
        .undecidable(
            prod,
            Undecidable(guardName: "recall", step: 0, requests: 900, bound: .units(needed: 90, most: 50))
        ),
        .changedMeanwhile(prod, by: 17),
        .impossibleFallback(id(1), .missing(output: "label")),
        .impossibleFallback(id(1), .misfit(output: "label", reason: "it is 'a', which is no INT64")),
    ]

    /// Exhaustive on purpose: a new case stops the build here, and belongs into the list above too.
    private static func ordinal(_ refusal: Refusal) -> Int {
        switch refusal {
        case .unknownModel: 0
        case .unknownVersion: 1
        case .unknownRelease: 2
        case .labelTaken: 3
        case .quarantined: 4
        case .releaseInProgress: 5
        case .alreadyServing: 6
        case .automaticSuspended: 7
        case .policyForAnotherModel: 8
        case .releaseEnded: 9
        case .gatesRunning: 10
        case .alreadyHeld: 11
        case .notHeld: 12
        case .nothingServes: 13
        case .neverServed: 14
        case .doesNotLoad: 15
        case .nothingToGoBackTo: 16
        case .notQuarantined: 17
        case .aliasIsLabel: 18
        case .tooManyAliases: 19
        case .standbyNotReady: 20
        case .unknownGuard: 21
        case .unknownIncident: 22
        case .undecidable: 23
        case .unknownName: 24
        case .changedMeanwhile: 25
        case .neverMissing: 26
        case .impossibleFallback: 27
        }
    }

    @Test func theListHoldsEveryCase() {
        #expect(Set(Self.all.map(Self.ordinal)) == Set(0...27))
    }

    @Test func everyCaseHasACodeOfItsOwn() {
        let codes = Dictionary(grouping: Self.all) { $0.explanation.code }
        for (code, refusals) in codes {
            #expect(!code.isEmpty)
            #expect(code.allSatisfy { $0.isLowercase || $0 == "." || $0 == "-" }, "\(code)")
            #expect(Set(refusals.map(Self.ordinal)).count == 1, "\(code)")
        }
        #expect(codes.count == 28)
    }

    @Test(arguments: all)
    func everyExplanationIsMadeOfSentences(refusal: Refusal) {
        let explanation = refusal.explanation
        #expect(explanation.summary.hasSuffix("."))
        #expect(!explanation.summary.hasSuffix(".."))
        #expect(!explanation.summary.contains(".,"))
        #expect(explanation.remedy.hasSuffix(".") || explanation.remedy.hasSuffix("?"))
    }

    @Test func categoriesAreThoseThatExitCodesRestOn() {
        #expect(Refusal.quarantined(id(1)).category == .conflict)
        #expect(Refusal.releaseInProgress(ReleaseID(1), prod).category == .conflict)
        #expect(Refusal.changedMeanwhile(prod, by: 17).category == .changed)
        #expect(Refusal.unknownModel(fraud, near: nil).category == .notFound)
        #expect(Refusal.nothingToGoBackTo(prod, considered: []).category == .unsafe)
        #expect(Refusal.policyForAnotherModel(fraud, expected: fraud).category == .badPolicy)
    }
}
