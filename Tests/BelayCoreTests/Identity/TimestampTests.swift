import BelayCore
import BelayStats
import Testing

@Suite("Timestamp")
struct TimestampTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00.000Z", 0 as Int64), ("1970-01-01T00:00:00.001Z", 1),
        ("1969-12-31T23:59:59.999Z", -1), ("2000-02-29T12:00:00.000Z", 951_825_600_000),
        ("2024-02-29T23:59:59.999Z", 1_709_251_199_999), ("2100-02-28T00:00:00.000Z", 4_107_456_000_000),
        ("2026-11-23T14:25:03.118Z", 1_795_443_903_118), ("1900-03-01T00:00:00.000Z", -2_203_891_200_000),
        ("0000-01-01T00:00:00.000Z", -62_167_219_200_000), ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ])
    func agreesWithTheCalendar(text: String, milliseconds: Int64) {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
        #expect(Timestamp(text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        ("2026-11-23T14:25:03Z", 1_795_443_903_000 as Int64), ("2026-11-23T14:25:03.1Z", 1_795_443_903_100),
        ("2026-11-23T14:25:03.12Z", 1_795_443_903_120), ("2016-12-31T23:59:60Z", 1_483_228_800_000),
    ])
    func readsShorterFractionsAndLeapSeconds(text: String, milliseconds: Int64) {
        #expect(Timestamp(text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "Z", "now", "2026-11-23", "2026-11-23T14:25:03", "2026-11-23T14:25:03.Z",
        "2026-11-23T14:25:03.1234Z",
        "2026-11-23T14:25:03+01:00", "2026-11-23 14:25:03Z", "2026-11-23t14:25:03z", "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "+026-01-01T00:00:00Z", "-001-01-01T00:00:00Z",
        "2026-1-01T00:00:00.0Z", "２026-01-01T00:00Z", "2026-11-23T14:25:03.١Z", "2026-11-23T14:25:03,118Z",
    ])
    func anythingElseIsNoTimestamp(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test(arguments: [
        "2026-02-29", "2026-02-30", "2026-02-31", "2024-02-30", "1900-02-29", "2100-02-29", "2026-04-31",
        "2026-06-31", "2026-09-31", "2026-11-31",
    ])
    func daysThatNoMonthHasAreRefused(date: String) {
        #expect(Timestamp("\(date)T00:00:00Z") == nil)
    }

    @Test func tenThousandRandomMomentsReadBackAsWritten() throws {
        var generator = SplitMix64(seed: 2026)
        for _ in 0..<10_000 {
            let moment = Timestamp(
                milliseconds: .random(in: -62_167_219_200_000...253_402_300_799_999, using: &generator)
            )
            guard Timestamp(moment.description) == moment else {
                Issue.record("\(moment.milliseconds) came back as another moment")
                return
            }
        }
    }

    @Test func textOrderIsTimeOrder() {
        var generator = SplitMix64(seed: 7)
        let moments = (0..<500).map { _ in
            Timestamp(milliseconds: .random(in: -1_000_000_000_000...4_000_000_000_000, using: &generator))
        }
        #expect(moments.sorted().map(\.description) == moments.map(\.description).sorted())
    }

    @Test(arguments: [Int64.min, .min / 2, -62_167_219_200_001, 253_402_300_800_000, .max / 2, .max])
    func everyMomentCanBeReadBack(milliseconds: Int64) {
        let moment = Timestamp(milliseconds: milliseconds)
        #expect(Timestamp(moment.description) == moment)
    }

    @Test func addingSaturates() {
        let last = Timestamp(milliseconds: .max)
        let first = Timestamp(milliseconds: .min)
        #expect(last.advanced(by: .seconds(1)) == last)
        #expect(first.advanced(by: .seconds(-1)) == first)
        #expect(noon.advanced(by: .seconds(Int64.max)) == last)
        #expect(noon.advanced(by: .seconds(Int64.min)) == first)
        #expect(noon.advanced(by: .milliseconds(5)).since(noon) == .milliseconds(5))
        #expect(noon.since(noon.advanced(by: hour)) == .zero - hour)
        #expect(last.since(first) > .zero)
        #expect(first.since(last) < .zero)
    }

    @Test func durationsAreRoundedTowardsZeroAndSaturate() {
        #expect(Duration.microseconds(1999).wholeMilliseconds == 1)
        #expect(Duration.microseconds(-1999).wholeMilliseconds == -1)
        #expect(Duration.seconds(Int64.max).wholeMilliseconds == .max)
        #expect(Duration.seconds(Int64.min).wholeMilliseconds == .min)
    }
}
