import BelayCore
import BelayInferenceLog
import Foundation
import Glibc

/// Processor time of one answer in the log: all threads, until it is on disk and the segment is sealed.
@main
struct Bench {
    private static let rounds = 3

    private let model: ModelName
    private let version: VersionNumber
    private let ids: [String]
    private let request = [UInt8](repeating: 0x31, count: 300)
    private let response = [UInt8](repeating: 0x32, count: 200)

    /// - Parameter answers: How many; ids are as random as a caller's.
    private init?(answers: Int) {
        guard let model = ModelName("fraud"), let version = VersionNumber(2) else { return nil }
        self.model = model
        self.version = version
        ids = (0..<answers).map { number in
            let bits = (UInt64(number) &+ 1) &* 0x9e37_79b9_7f4a_7c15
            return "3f0c5a1e-77aa-4bd2-\(String(bits | 1 << 63, radix: 16))f"
        }
    }

    static func main() async throws {
        let answers = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 200_000
        guard let bench = Bench(answers: answers) else { return }
        print("| case | µs of processor time an answer | answered | logged |")
        print("|---|--:|--:|--:|")
        for _ in 0..<rounds {
            bench.report("making the record alone", bench.build(), nil)
            for batch in [1000, 300, 32, 1] {
                let (used, counters) = try await bench.run(batch: batch, answers: batch == 1 ? 2000 : answers)
                bench.report("batches of \(batch)", used, counters)
            }
            let (used, counters) = try await bench.run(batch: 32, answers: 6400, isHeld: true)
            bench.report("batches of 32, each synchronised", used, counters)
        }
    }

    private func report(_ name: String, _ used: Double, _ counters: LogCounters?) {
        let figure = String(format: "%.2f", used)
        print("| \(name) | \(figure) | \(counters?.answered ?? 0) | \(counters?.logged ?? 0) |")
    }

    private func build() -> Double {
        let before = cpuSeconds()
        var bytes = 0
        for number in ids.indices { bytes &+= answer(number).requestLength }
        precondition(bytes == 300 * ids.count, "a record was left out")
        return (cpuSeconds() - before) / Double(ids.count) * 1e6
    }

    private func run(
        batch: Int,
        answers: Int,
        isHeld: Bool = false
    ) async throws -> (microseconds: Double, LogCounters) {
        let folder = NSTemporaryDirectory() + "belay-bench-log-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let log = try InferenceLog(folder: folder, limits: .standard)
        var whenSettled: (@Sendable (Bool) -> Void)?
        if isHeld { whenSettled = { _ in } }
        let before = cpuSeconds()
        for number in 0..<answers {
            log.record(answer(number), whenSettled: whenSettled)
            if number % batch == batch - 1 { await log.flush() }
        }
        await log.close()
        return ((cpuSeconds() - before) / Double(answers) * 1e6, log.counters)
    }

    private func answer(_ number: Int) -> AnswerRecord {
        AnswerRecord(
            id: ids[number],
            at: Timestamp(milliseconds: 1_795_000_000_000 + Int64(number / 30)),
            model: model,
            version: version,
            release: ReleaseID(7),
            arm: number.isMultiple(of: 10) ? .candidate : .stable,
            share: .none,
            unit: UnitHash(UInt64(number % 5000)),
            latencyMicroseconds: 800,
            status: 200,
            fallback: nil,
            request: request,
            response: response
        )
    }
}

/// Processor time of this process so far, in seconds, all threads.
private func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
