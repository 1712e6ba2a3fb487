import Foundation
import Testing

@testable import BelayStats

@Suite("ChangeDetector")
struct ChangeDetectorTests {
    /// Whether the t-th event is bad: one in ten, one in five after the 400th.
    static func bad(_ t: Int) -> Bool { (t * 7919 + t / 3) % (t < 400 ? 10 : 5) == 0 }

    @Test(arguments: Reference.changes)
    func agreesWithTheReference(limit: Double, expected: [Double]) throws {
        var single = try #require(ChangeDetector(limit: limit, averageRunLength: 1e6))
        var measured: [Double] = []
        for t in 0..<1_000 {
            single.settle(Self.bad(t) ? 1 : 0)
            if [0, 399, 999].contains(t) { measured.append(single.logStatistic) }
        }
        var ticks = try #require(ChangeDetector(limit: limit, averageRunLength: 1e6))
        for t in 0..<60 {
            ticks.settle(bad: t % 3, good: 40 + 7 * t % 11)
            if [0, 59].contains(t) { measured.append(ticks.logStatistic) }
        }
        for (value, reference) in zip(measured, expected) { #expect(agree(value, reference)) }
    }

    @Test func aSingleOutcomeIsATickOfOne() throws {
        var single = try #require(ChangeDetector(limit: 0.1, averageRunLength: 1e6))
        var (counted, graded) = (single, single)
        for t in 0..<500 {
            let isBad = Self.bad(t)
            single.settle(isBad ? 1 : 0)
            counted.settle(bad: isBad ? 1 : 0, good: isBad ? 0 : 1)
            graded.settle([try #require(OneSampleBet.Cell(value: isBad ? 1 : 0, count: 1))])
        }
        #expect(single == graded)
        #expect(agree(counted.logStatistic, single.logStatistic))
    }

    @Test func alarmsAtTheLogarithmOfTheRunLength() throws {
        var detector = try #require(ChangeDetector(limit: 0.01, averageRunLength: 1e4))
        #expect(agree(detector.threshold, 9.210340371976184))
        #expect(detector.logStatistic == -.infinity)
        var outcomes = 0
        while !detector.hasAlarmed {
            detector.settle(1)
            outcomes += 1
            try #require(outcomes < 100)
        }
        #expect(detector.logStatistic >= detector.threshold)
        detector.reset()
        #expect(detector == ChangeDetector(limit: 0.01, averageRunLength: 1e4))
    }

    /// Of 40 healthy streams of 2,000 outcomes, the mean run length of 10,000 lets about 8 alarm at most.
    @Test func healthyStreamsRarelyAlarm() throws {
        var generator = SplitMix64(seed: 9)
        var alarms = 0
        for _ in 0..<40 {
            var detector = try #require(ChangeDetector(limit: 0.05, averageRunLength: 1e4))
            for _ in 0..<2_000 where !detector.hasAlarmed {
                detector.settle(generator.next() % 100 < 5 ? 1 : 0)
            }
            if detector.hasAlarmed { alarms += 1 }
        }
        #expect(alarms <= 14)
    }

    @Test(arguments: [
        (0.1, 10_000, 0.01), (0.1, 100, 0.06), (0.02, 400, 0.014), (0.5, 1_000_000, 0.05),
        (0, 1_000, 0.0014131539176628967), (1, 1_000, 0.1),
    ])
    func toleranceIsATenthOrTwoDeviations(rate: Double, observations: Int, expected: Double) throws {
        let tolerance = try #require(ChangeDetector.tolerance(rate: rate, observations: observations))
        #expect(agree(tolerance, expected))
    }

    @Test(arguments: [(0, 10.0), (1, 10), (.nan, 10), (0.5, 1), (0.5, .infinity), (0.5, .nan), (0.5, -1)])
    func numbersOutOfRangeAreRefused(limit: Double, runLength: Double) {
        #expect(ChangeDetector(limit: limit, averageRunLength: runLength) == nil)
    }

    @Test func whatIsNoOutcomeIsPassedOver() throws {
        var detector = try #require(ChangeDetector(limit: 0.5, averageRunLength: 10))
        let before = detector
        for value in [-0.1, 1.1, .nan, .infinity] { detector.settle(value) }
        detector.settle(bad: -5, good: 0)
        detector.settle([])
        #expect(detector == before)
        #expect(ChangeDetector.tolerance(rate: .nan, observations: 10) == nil)
        #expect(ChangeDetector.tolerance(rate: 0.5, observations: 0) == nil)
    }

    @Test(arguments: [Double.leastNonzeroMagnitude, 1e-9, 0.5, 1 - 1e-16])
    func hostileCountsDoNotTrap(limit: Double) throws {
        var detector = try #require(ChangeDetector(limit: limit, averageRunLength: 10))
        detector.settle(bad: .max, good: .max)
        detector.settle(bad: .max, good: 0)
        detector.settle(bad: 0, good: .max)
        #expect(!detector.logStatistic.isNaN)
        #expect(detector.observations == .max)
    }
}
