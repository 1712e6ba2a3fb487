import CBelayCount
import Foundation

/// What one call of something costs: thread CPU time, and allocations by anybody in the process.
struct Cost {
    let median: Double
    let least: Double
    let allocations: Double
}

/// Runs `body` in 21 rounds of about `milliseconds` each, after one that is not counted.
func cost(milliseconds: Double, _ body: () throws -> Void) rethrows -> Cost {
    var calls = 1
    while try timed(calls, body) < milliseconds * 1_000 / 4 { calls *= 2 }
    calls *= 4
    let before = belay_allocations()
    let rounds = try (0..<21).map { _ in try timed(calls, body) / Double(calls) }.sorted()
    let allocations = Double(belay_allocations() - before) / Double(21 * calls)
    return Cost(median: rounds[10], least: rounds[0], allocations: allocations)
}

/// Microseconds of this thread's CPU.
private func timed(_ calls: Int, _ body: () throws -> Void) rethrows -> Double {
    let start = threadTime()
    for _ in 0..<calls { try body() }
    return threadTime() - start
}

private func threadTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
}

/// Prints a row of the table, unless another step was asked for.
func report(_ name: String, milliseconds: Double = 20, _ body: () throws -> Void) rethrows {
    if CommandLine.arguments.count > 4, !name.hasPrefix(CommandLine.arguments[4]) { return }
    let cost = try cost(milliseconds: milliseconds, body)
    print("| \(name) | \(text(cost.median)) | \(text(cost.least)) | \(text(cost.allocations)) |")
}

/// Two decimals.
private func text(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
}
