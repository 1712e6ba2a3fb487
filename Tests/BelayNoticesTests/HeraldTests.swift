import BelayCore
import BelayNotices
import BelayTesting
import Foundation
import Testing

@Suite("Telling")
struct HeraldTests {
    private static let hook = target(.webhook, .plain("https://hooks/belay"), secret: "HOOK")

    @Test func whatHappensIsToldOnce() async throws {
        let town = try Town(notify: [Self.hook])
        let id = try town.release()
        try await town.round()
        try await town.round()
        let types = town.board.requests.compactMap { $0.json["type"] as? String }
        #expect(types == ["release.started", "release.step_entered"])
        #expect(Set(town.board.requests.compactMap { $0.header("webhook-id") }).count == types.count)
        let data = try #require(town.board.requests.last?.json["data"] as? [String: Any])
        #expect(data["model"] as? String == "fraud")
        #expect(data["release"] as? String == "\(id)")
        #expect(data["url"] as? String == "http://belay:7700/v1/releases/\(id)/why")
        #expect(try await town.deliveries(.delivered).count == types.count)
    }

    @Test func nothingIsLostOrToldTwiceOverARestartAnywhere() async throws {
        let town = try Town(notify: [Self.hook])
        try await town.round()
        let before = town.board.requests.count
        _ = try town.release()
        // The entries are in the ledger, nothing has been read.
        try town.restart()
        try await town.herald.listen()
        // The deliveries are in the outbox, nothing has been sent.
        try town.restart()
        try await town.round()
        try town.restart()
        try await town.round()
        let types = town.board.requests.dropFirst(before).compactMap { $0.json["type"] as? String }
        #expect(types == ["release.started", "release.step_entered"])
    }

    @Test func aTryWhoseAnswerWasLostIsRepeatedUnderTheSameID() async throws {
        let town = try Town(notify: [target(.webhook, .plain("https://hooks/"), events: ["release.started"])])
        _ = try town.release()
        try await town.herald.listen()
        let errand = try #require(try await town.herald.takeDue().last)
        guard case .delivery(let delivery) = errand else { throw CancellationError() }
        // It was sent, and the process was killed before that was recorded.
        try town.restart()
        try await town.round()
        #expect(town.board.requests.last?.header("webhook-id") == delivery.id)
    }

    @Test func whatCannotBeDeliveredIsTriedBySchedule() async throws {
        let town = try Town(notify: [target(.webhook, .plain("https://hooks/"), events: ["release.started"])])
        town.board.answer("hooks", .failure(.timedOut(host: "hooks")))
        _ = try town.release()
        try await town.round()
        var tries = town.board.requests.count
        #expect(try await town.deliveries(.waiting).map(\.tries) == [1])
        // In seconds; a tenth more is jitter.
        for wait in [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400] {
            town.wait(.seconds(wait) - .milliseconds(1))
            try await town.round()
            #expect(town.board.requests.count == tries, "tried before \(wait) s were over")
            town.wait(.milliseconds(Int64(wait) * 100 + 1))
            try await town.round()
            tries += 1
            #expect(town.board.requests.count == tries, "not tried after \(wait) s")
        }
        let failed = try #require(try await town.deliveries(.failed).first)
        #expect(failed.tries == RetrySchedule.mostTries)
        #expect(failed.error == "hooks did not answer in time.")
        town.wait(.seconds(1_000_000))
        try await town.round()
        #expect(town.board.requests.count == tries)
    }

    @Test func aTargetThatComesBackGetsWhatWaited() async throws {
        let town = try Town(notify: [target(.webhook, .plain("https://hooks/"), events: ["release.started"])])
        town.board.answer("hooks", .success(503), .success(204))
        _ = try town.release()
        try await town.round()
        #expect(try await town.outbox.undelivered(since: town.now) == ["fraud": 1])
        town.wait(.seconds(6))
        try await town.round()
        let delivered = try #require(try await town.deliveries(.delivered).first)
        #expect(delivered.tries == 2)
        #expect(delivered.status == 204)
        #expect(try await town.outbox.undelivered(since: town.now) == [:])
    }

    @Test(arguments: [301, 302, 307, 308, 400, 404, 500])
    func everyAnswerThatIsNoSuccessIsAFailure(status: Int) async throws {
        let town = try Town(notify: [target(.webhook, .plain("https://hooks/"), events: ["release.started"])])
        town.board.answer("hooks", .success(status))
        _ = try town.release()
        try await town.round()
        let waiting = try #require(try await town.deliveries(.waiting).first)
        #expect(waiting.status == status)
        #expect(waiting.error == "HTTP \(status)")
    }

    @Test func aTargetThatIsGoneGetsNothingMoreUntilItIsTried() async throws {
        let town = try Town(notify: [target(.webhook, .plain("https://hooks/"), events: ["release.*"])])
        town.board.answer("hooks", .success(410), .success(200))
        _ = try town.release()
        try await town.round()
        #expect(town.board.requests.count == 1)
        #expect(try await town.deliveries(.dropped).count >= 2)
        try town.world { try $0.rollBack("fraud", at: 5000) }
        try await town.round()
        #expect(town.board.requests.count == 1)
        _ = try await town.herald.test(Build.endpoint("fraud"), by: .person("ada"))
        try await town.round()
        #expect(town.board.requests.last?.json["type"] as? String == "notify.test")
    }

    @Test func aTargetThatHangsKeepsNobodyElseWaiting() async throws {
        let slow = target(.webhook, .plain("https://slow/"), events: ["release.*"])
        let quick = target(.webhook, .plain("https://quick/"), events: ["release.*"])
        let town = try Town(notify: [slow, quick])
        _ = try town.release()
        try await town.herald.listen()
        let errands = try await town.herald.takeDue()
        #expect(errands.count == 2)
        // The slow one has not come back; the quick one goes on.
        for errand in errands {
            guard case .delivery(let delivery) = errand, delivery.target.url == quick.url else { continue }
            try await town.herald.carryOut(errand)
        }
        #expect(town.board.requests.map(\.url) == ["https://quick/", "https://quick/"])
        #expect(try await town.herald.takeDue().isEmpty)
    }

    @Test func aDeliveryCanBeSentAgainUnderItsID() async throws {
        let town = try Town(notify: [target(.webhook, .plain("https://hooks/"), events: ["release.started"])])
        _ = try town.release()
        try await town.round()
        let first = try #require(try await town.deliveries(.delivered).first)
        #expect(try await town.outbox.resend(first.id, now: town.now) != nil)
        #expect(try await town.outbox.resend("ntc_unknown", now: town.now) == nil)
        try await town.round()
        #expect(town.board.requests.compactMap { $0.header("webhook-id") } == [first.id, first.id])
    }

    @Test func aGuardThatStaysBlindIsToldOnceOverARestart() async throws {
        let town = try Town(notify: [target(.webhook, .plain("https://hooks/"), events: ["guard.*"])])
        let id = try town.release()
        town.report([id: [breach("error_rate", .blind)]])
        try await town.round()
        town.wait(.seconds(61))
        try await town.round()
        try town.restart()
        try await town.round()
        town.wait(.seconds(61))
        try await town.round()
        #expect(town.board.requests.compactMap { $0.json["type"] as? String } == ["guard.blind"])
    }

    @Test func whatHappenedBeforeTheOutboxWasMadeIsNotTold() async throws {
        let town = try Town(notify: [Self.hook])
        let path = "\(town.folder)/fresh.sqlite"
        let sequence = town.world { $0.state.sequence }
        let outbox = try Outbox(path: path, position: sequence)
        #expect(try await outbox.position() == sequence)
        try outbox.close()
        // Only a new file takes the position it is given.
        let again = try Outbox(path: path, position: 0)
        #expect(try await again.position() == sequence)
        try again.close()
    }

    @Test func noSecretIsInTheFileOrInWhatIsTold() async throws {
        let targets = [
            Self.hook, target(.slack, .secret(.environment("SLACK"))), target(.pagerduty, secret: "PD"),
            target(.webhook, .plain("https://hooks/"), secret: "MISSING"),
        ]
        let town = try Town(notify: targets)
        town.board.answer("slack", .failure(.unreachable(host: "slack", reason: "the connection failed")))
        _ = try town.release()
        try await town.round()
        let missing = try await town.deliveries(.waiting).compactMap(\.error)
        #expect(missing.contains("there is nothing in env:MISSING"))
        try town.outbox.close()
        let names = try FileManager.default.contentsOfDirectory(atPath: town.folder)
        for name in names {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(town.folder)/\(name)"))
            for secret in Town.secrets.values {
                #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(secret) is in \(name)")
            }
        }
    }
}
