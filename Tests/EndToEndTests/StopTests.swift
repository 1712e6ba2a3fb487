import Foundation
import Glibc
import Testing

extension EndToEnd {
    @Suite("Stopping and starting", .serialized)
    struct Stopping {
        @Test func aServerToldToStopAnswersWhatItWasAskedBefore() async throws {
            try await withServer { server in
                try await server.serveFirst("demo")
                let load = Load(on: server, model: "demo", clients: 16)
                _ = try await eventually("every client was answered") { load.count > 320 ? true : nil }
                #expect(try await server.stop(SIGTERM) == 0)
                let asked = try await load.stop()
                for request in asked {
                    switch request.outcome {
                    case .success(let reply): #expect(reply.status == 200 && reply.value == 1)
                    case .failure(let failure): Issue.record("a request was lost: \(failure)")
                    }
                }
            }
        }

        @Test func aRequestThatTakesLongIsAnsweredBeforeTheServerEnds() async throws {
            try await withServer { server in
                #expect(try await server.belay("register", "slow", fixture("slow.onnx")).code == 0)
                #expect(try await server.belay("release", "slow@1", "--wait").code == 0)
                let answer = try await onOwnThread {
                    let connection = try HTTPConnection(to: server.inference)
                    let second = try HTTPConnection(to: server.inference)
                    defer {
                        connection.close()
                        second.close()
                    }
                    try connection.send("POST", "/v2/models/slow/infer", Question.slow(rounds: 10_000))
                    // An answer on another connection, so that the slow request is known to have arrived.
                    _ = try second.exchange("GET", "/v2/health/ready", Data())
                    server.process.signal(SIGTERM)
                    return try connection.receive()
                }
                #expect(answer.status == 200, "\(answer.text)")
                #expect(try await server.process.end() == 0)
            }
        }

        @Test func whoAsksASecondTimeIsNotKeptWaiting() async throws {
            try await withServer { server in
                #expect(try await server.belay("register", "slow", fixture("slow.onnx")).code == 0)
                #expect(try await server.belay("release", "slow@1", "--wait").code == 0)
                let connection = try await onOwnThread {
                    let connection = try HTTPConnection(to: server.inference)
                    try connection.send("POST", "/v2/models/slow/infer", Question.slow(rounds: 1_000_000_000))
                    let second = try HTTPConnection(to: server.inference)
                    defer { second.close() }
                    _ = try second.exchange("GET", "/v2/health/ready", Data())
                    return connection
                }
                server.process.signal(SIGTERM)
                _ = try await eventually("the server says that it stops") {
                    let answer = try? await server.ask("GET", "/readyz")
                    return answer == nil || answer?.status == 503 ? true : nil
                }
                #expect(try await server.stop(SIGTERM) == -SIGTERM)
                connection.close()
            }
        }

        @Test func aSecondServerOnTheSameDataNamesTheFirst() async throws {
            try await withServer { server in
                let words = ["serve", "--data", server.bed.data, "--listen", "127.0.0.1:0"]
                let second = try await server.bed.run(words + ["--inference", "127.0.0.1:0"])
                #expect(second.code == 1, "\(second)")
                #expect(second.errors.contains("Process \(server.process.id) "), "\(second)")
                #expect(try await server.belay("status").code == 0, "the first goes on")
            }
        }
    }
}
