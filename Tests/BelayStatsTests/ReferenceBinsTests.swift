import Foundation
import Testing

@testable import BelayStats

@Suite("ReferenceBins")
struct ReferenceBinsTests {
    @Test func numbersFallIntoTenths() throws {
        let bins = try #require(ReferenceBins(numbers: (1...1_000).map(Double.init).reversed(), missing: 7))
        #expect(bins.edges == stride(from: 100, through: 900, by: 100).map(Double.init))
        #expect(bins.counts == Array(repeating: 100, count: 10) + [7])
        #expect(bins.missingBin == 10 && bins.unseenBin == nil)
        #expect([-5, 100, 100.5, 901, 1e300].map { bins.bin(of: $0) } == [0, 0, 1, 9, 9])
        #expect([Double.nan, .infinity, -.infinity].map { bins.bin(of: $0) } == [10, 10, 10])
        #expect(bins.bin(of: Double?.none) == 10 && bins.bin(of: "text") == 10)
        #expect(bins.centres.count == 10 && bins.centres == bins.centres.sorted())
    }

    @Test func aCommonValueHasABinOfItsOwn() throws {
        let flag = try #require(
            ReferenceBins(
                numbers: Array(repeating: 0, count: 80) + Array(repeating: 1, count: 20),
                missing: 0
            )
        )
        #expect(flag.counts == [0, 80, 0, 20, 0, 0] || flag.counts == [0, 80, 20, 0, 0])
        let bins = [-1, 0, 1, 2].map { flag.bin(of: $0) }
        #expect(Set(bins).count == 4, "each side of a common value is another bin")
        let constant = try #require(ReferenceBins(numbers: [5, 5, 5, 5], missing: 0))
        #expect(Set([4, 5, 6].map { constant.bin(of: $0) }).count == 3)
    }

    @Test func everyReferenceValueIsCountedWhereItFalls() throws {
        var generator = SplitMix64(seed: 12)
        for round in 0..<60 {
            let numbers = (0..<(1 + 7 * round)).map { _ in
                Double(Int(generator.next() % UInt64(1 + round))) / 4 - 3
            }
            let bins = try #require(ReferenceBins(numbers: numbers, missing: 2))
            var counts = Array(repeating: 0, count: bins.count)
            for number in numbers { counts[bins.bin(of: number)] += 1 }
            counts[bins.missingBin] += 2
            #expect(counts == bins.counts)
            #expect(bins.edges == Array(Set(bins.edges)).sorted())
            #expect(bins.centres == bins.centres.sorted())
        }
    }

    @Test func textsFallIntoTheCommonestTheRestAndTheUnseen() throws {
        let texts = ["b": 5, "a": 5, "c": 9, "d": 1, "e": 2, "none": 0]
        let bins = try #require(ReferenceBins(texts: texts, missing: 3, most: 3))
        #expect(bins.categories == ["c", "a", "b"] && bins.rareCategories == ["d", "e"])
        #expect(bins.counts == [9, 5, 5, 3, 0, 3])
        #expect(["c", "b", "d", "e", "zz", "none"].map { bins.bin(of: $0) } == [0, 2, 3, 3, 4, 4])
        #expect(bins.bin(of: String?.none) == 5 && bins.unseenBin == 4 && bins.missingBin == 5)
        #expect(bins.bin(of: 7.0) == 4)
        #expect(agree(try #require(bins.shares).values[4], 0.5 / 28))
    }

    @Test func whatHoldsNothingOrTooMuchHasNoBins() {
        #expect(ReferenceBins(numbers: [.nan, .infinity], missing: 3) == nil)
        #expect(ReferenceBins(texts: [:], missing: 3) == nil)
        #expect(ReferenceBins(texts: ["a": 1], missing: 0, most: 0) == nil)
        let names = Dictionary(uniqueKeysWithValues: (0...1_000).map { ("n\($0)", 1) })
        #expect(ReferenceBins(texts: names, missing: 0) == nil)
    }

    @Test func hostileNumbersDoNotTrap() throws {
        let extremes = [
            -Double.greatestFiniteMagnitude, -Double.greatestFiniteMagnitude, .greatestFiniteMagnitude,
            .leastNonzeroMagnitude, 0, -0.0,
        ]
        let bins = try #require(ReferenceBins(numbers: extremes + extremes, missing: .max))
        #expect(bins.shares != nil)
        let texts = try #require(ReferenceBins(texts: ["a": .max, "b": .max, "c": -4], missing: -1))
        #expect(texts.shares != nil)
        for bins in [bins, texts] {
            let stored = try JSONEncoder().encode(bins)
            #expect(try JSONDecoder().decode(ReferenceBins.self, from: stored) == bins)
        }
    }
}
