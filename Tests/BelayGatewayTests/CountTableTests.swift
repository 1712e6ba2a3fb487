import BelayCore
import BelayInference
import Testing

@testable import BelayGateway

@Suite struct CountTableTests {
    @Test func everyKeyHasItsOwnCountHoweverManyThereAre() {
        var table = CountTable()
        // Keys that differ in few bits, as those of one request do, and in the highest that a key may have.
        let keys = (0..<1000).map { UInt64($0) << 38 } + (0..<1000).map { UInt64($0) << 16 | 1 << 62 }
        for (index, key) in keys.enumerated() { for _ in 0...(index % 3) { table.add(key) } }
        var found: [UInt64: Int] = [:]
        table.forEach { found[$0, default: 0] += $1 }
        #expect(table.count == Set(keys).count)
        var expected: [UInt64: Int] = [:]
        for (index, key) in keys.enumerated() { expected[key, default: 0] += index % 3 + 1 }
        #expect(found == expected)
    }

    @Test func nothingCountedIsNothing() {
        var isEmpty = true
        CountTable().forEach { _, _ in isEmpty = false }
        #expect(isEmpty)
    }
}

@Suite struct CountingTests {
    private func counting(slicing features: String...) -> Counting {
        let plan = CountingPlan(
            countsLatency: false,
            countsSchema: false,
            columns: [],
            slicings: features.map { CountingPlan.Slicing(feature: $0, series: [.answers]) }
        )
        return Counting(EvidenceEpoch(release: release, number: 0), plan: plan, .trial)
    }

    private func text(_ text: String) -> TensorColumn.Value { .text(Array(text.utf8)) }

    @Test func aNumberIsOneValueHoweverItIsWritten() {
        let counting = counting(slicing: "age")
        #expect(counting.slice(.number(0), of: 0) == counting.slice(.number(-0.0), of: 0))
        let half = counting.slice(counting.slice(.number(0.5), of: 0))
        #expect(half == RequestSlice(feature: "age", value: "0.5"))
    }

    @Test func aSliceIsFoundAgainByItsNumber() {
        let counting = counting(slicing: "country", "age")
        let numbers =
            ["NO", "SE", "NO"].map { counting.slice(text($0), of: 0) } + [counting.slice(.number(7), of: 1)]
        #expect(numbers[0] == numbers[2])
        #expect(
            numbers.map(counting.slice) == [
                RequestSlice(feature: "country", value: "NO"), RequestSlice(feature: "country", value: "SE"),
                RequestSlice(feature: "country", value: "NO"), RequestSlice(feature: "age", value: "7"),
            ]
        )
        #expect(counting.slice(Counting.whole) == nil)
    }

    @Test func valuesBeyondTheBoundAreCountedTogether() {
        let counting = counting(slicing: "country")
        let values = (0..<30).map { counting.slice(text("\($0)"), of: 0) }
        let others = RequestSlice(feature: "country", value: RequestSlice.others)
        #expect(Set(values).count == CountingPlan.mostValues + 1)
        #expect(values.suffix(10).allSatisfy { counting.slice($0) == others })
        #expect(counting.slice(counting.slice(.missing, of: 0)) == others)
        let long = String(repeating: "x", count: CountingPlan.mostValueBytes + 1)
        #expect(counting.slice(counting.slice(text(long), of: 0)) == others)
        // The twentieth keeps its place.
        #expect(counting.slice(text("19"), of: 0) == values[19])
    }
}
