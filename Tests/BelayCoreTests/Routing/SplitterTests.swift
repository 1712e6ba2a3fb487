import BelayCore
import BelayStats
import Testing

@Suite("Splitter")
struct SplitterTests {
    private static let units = (0..<100_000).map { UnitHash(bytes: "user-\($0)".utf8) }

    @Test func aRampOnlyAddsUnits() {
        let ramp = [0, 1, 5, 10, 25, 50, 99, 100].map { share(percent: $0) }
        for unit in Self.units.prefix(20_000) {
            let arms = ramp.map { Splitter.arm(of: unit, salt: Salt(7), share: $0) }
            guard let first = arms.firstIndex(of: .candidate) else {
                Issue.record("\(unit.value) never met the candidate, not even at 100 %")
                return
            }
            guard arms[first...].allSatisfy({ $0 == .candidate }) else {
                Issue.record("\(unit.value) went back to stable")
                return
            }
        }
    }

    @Test func nothingMeetsNobodyAndAllMeetsEveryone() {
        for unit in Self.units.prefix(10_000) + [UnitHash(0), UnitHash(.max)] {
            #expect(Splitter.arm(of: unit, salt: Salt(1), share: .none) == .stable)
            #expect(Splitter.arm(of: unit, salt: Salt(1), share: .all) == .candidate)
        }
    }

    @Test(arguments: [0, 1, 42, .max] as [UInt64])
    func placesSpreadEvenly(salt: UInt64) {
        var bins = [Int](repeating: 0, count: 100)
        for unit in Self.units { bins[Splitter.place(of: unit, salt: Salt(salt)) / 10_000] += 1 }
        let expected = Double(Self.units.count) / 100
        let chiSquare = bins.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
        // 99 degrees of freedom: mean 99, standard deviation 14. Neither clumped nor suspiciously even.
        #expect((40...170).contains(chiSquare), "chi-square \(chiSquare)")
    }

    @Test(arguments: [0.01, 0.1, 1, 5, 50])
    func aShareIsKept(percent: Double) {
        let share = share(percent: percent)
        let met = Self.units.count { Splitter.arm(of: $0, salt: Salt(11), share: share) == .candidate }
        let expected = Double(Self.units.count) * share.fraction
        #expect(abs(Double(met) - expected) < 5 * (expected * (1 - share.fraction)).squareRoot())
    }

    @Test(arguments: [(1, 2), (0, 1), (42, 43), (7, .max)] as [(UInt64, UInt64)])
    func twoReleasesTossIndependently(first: UInt64, second: UInt64) {
        let tenth = share(percent: 10)
        let both = Self.units.count {
            Splitter.arm(of: $0, salt: Salt(first), share: tenth) == .candidate
                && Splitter.arm(of: $0, salt: Salt(second), share: tenth) == .candidate
        }
        // Independent tosses meet both in 1 % of 100,000 units; five standard deviations are 157.
        #expect(abs(both - 1000) < 157, "\(both)")
    }

    @Test func nearEqualNamesLandFarApart() {
        let places = (0..<1000).map { Splitter.place(of: UnitHash(bytes: "u\($0)".utf8), salt: Salt(3)) }
        let neighbours = zip(places, places.dropFirst()).count { abs($0 - $1) < 1000 }
        #expect(neighbours < 12)
    }

    /// A change here moves users between versions during a release: it must be meant.
    @Test func placesAreThoseThatWereAgreed() {
        #expect(UnitHash(bytes: []).value == 0xefd0_1f60_ba99_2926)
        #expect(UnitHash(bytes: "ann".utf8).value == 7_995_230_380_516_241_683)
        let places = ["", "ann", "user-17"].map {
            Splitter.place(of: UnitHash(bytes: $0.utf8), salt: Salt(42))
        }
        #expect(places == [611_536, 70_001, 796_596])
        #expect(Splitter.place(of: UnitHash(.max), salt: Salt(.max)) == 232_620)
    }
}
