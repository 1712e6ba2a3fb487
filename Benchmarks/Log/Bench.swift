import BelayCore
import BelayInferenceLog
import Foundation
import Glibc

/// CPU seconds of this process so far, all threads.
private func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

@main
struct Bench {
    static func main() async throws {
        let answers = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 200_000
        let folder = NSTemporaryDirectory() + "belay-bench-log-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        guard let model = ModelName("fraud"), let version = VersionNumber(2) else { return }
        let request = [UInt8](repeating: 0x31, count: 300)
        let response = [UInt8](repeating: 0x32, count: 200)
        let ids = (0..<answers).map { _ in UUID().uuidString.lowercased() }
        let log = try InferenceLog(folder: folder, limits: .standard)
        let pause = 1000
        let before = cpuSeconds()
        for (number, id) in ids.enumerated() {
            log.record(
                AnswerRecord(
                    id: id,
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
            )
            if number % pause == pause - 1 { await log.flush() }
        }
        await log.flush()
        let used = cpuSeconds() - before
        let counters = log.counters
        await log.close()
        print("answered", counters.answered, "logged", counters.logged, "dropped", counters.dropped)
        print("CPU per answer", used / Double(answers) * 1e6, "µs")
    }
}
