import Foundation
import Glibc
import Synchronization

/// A moment on this machine's monotonic clock, in nanoseconds.
func moment() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

/// Clients that ask without a break, each on its own thread and keep-alive connection.
final class Load: Sendable {
    /// One request: when it was about to be sent, and what became of it.
    struct Asked: Sendable {
        let sentAt: UInt64
        let outcome: Result<Reply, HTTPFailure>
    }

    struct Reply: Sendable {
        let status: Int
        /// From the header `Belay-Version`.
        let version: Int?
        let value: Double?
    }

    private let asked = Mutex<[Asked]>([])
    private let isStopped = Atomic<Bool>(false)
    private let running: Atomic<Int>

    /// Every client goes on until ``stop()``, or until the server ends its connection, politely or not.
    init(on server: Server, model: String, clients: Int) {
        running = Atomic(clients)
        let address = server.inference
        for _ in 0..<clients {
            Thread { [self] in
                ask(address, "/v2/models/\(model)/infer")
                running.subtract(1, ordering: .sequentiallyConsistent)
            }.start()
        }
    }

    private func ask(_ address: String, _ path: String) {
        do throws(HTTPFailure) {
            let connection = try HTTPConnection(to: address)
            defer { connection.close() }
            while !isStopped.load(ordering: .sequentiallyConsistent) {
                let sentAt = moment()
                do throws(HTTPFailure) {
                    let answer = try connection.exchange("POST", path, Question.one)
                    let version = answer.headers["belay-version"].flatMap { Int($0) }
                    let reply = Reply(status: answer.status, version: version, value: value(answer))
                    asked.withLock { $0.append(Asked(sentAt: sentAt, outcome: .success(reply))) }
                    if answer.headers["connection"] == "close" { return }
                } catch {
                    asked.withLock { $0.append(Asked(sentAt: sentAt, outcome: .failure(error))) }
                    return
                }
            }
        } catch {
            asked.withLock { $0.append(Asked(sentAt: moment(), outcome: .failure(error))) }
        }
    }

    /// How many answers a version has given so far.
    func answers(of version: Int) -> Int {
        asked.withLock { all in
            all.count { (try? $0.outcome.get())?.version == version }
        }
    }

    var count: Int { asked.withLock { $0.count } }

    /// Ends the load and returns everything that was asked.
    func stop() async throws -> [Asked] {
        isStopped.store(true, ordering: .sequentiallyConsistent)
        _ = try await eventually("all clients stopped") {
            running.load(ordering: .sequentiallyConsistent) == 0 ? true : nil
        }
        return asked.withLock { $0 }
    }
}
