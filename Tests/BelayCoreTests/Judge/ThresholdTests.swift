import Foundation
import Testing

@testable import BelayCore

@Suite("Threshold")
struct ThresholdTests {
    @Test func itIsWhatThePromisedRateOfFalseRollbacksAsksFor() {
        #expect(abs(GuardCase.threshold + log(Policy.falseRollbackRate)) < 1e-12)
    }
}
