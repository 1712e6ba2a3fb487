import ArgumentParser
import BelayCore
import BelayServer

/// `belay deliveries`: whether those who are to be told have been told.
struct DeliveriesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deliveries",
        abstract: "List the notices sent to Slack, PagerDuty, Alertmanager and webhooks, newest first.",
        discussion: """
            belay deliveries fraud --failed    what has not arrived, and why
            belay deliveries --resend ntc_…    sends one again, under the same id
            """
    )

    @Argument(help: "One model; else all.", transform: modelName)
    var model: ModelName?

    @Flag(help: "Only what has not arrived.")
    var failed = false

    @Option(help: ArgumentHelp("Send this one again.", valueName: "id"))
    var resend: DeliveryArgument?

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard resend == nil || (model == nil && !failed) else {
            throw ValidationError("--resend takes no model and no --failed.")
        }
    }

    func run() async throws {
        let client = try options.client()
        if let resend {
            let view: DeliveryView = try await client.post(.resend(resend), ReasonBody(reason: nil))
            return try options.show(view) { "\($0.good($0.symbols.pass)) \(view.id) will be sent again\n" }
        }
        let list: DeliveryList = try await client.get(
            .deliveries(model, state: failed ? "undelivered" : "all")
        )
        try options.show(list) { deliveryTable(list, $0) }
    }
}

/// `belay notify test`: tries whether notices arrive.
struct NotifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notify",
        abstract: "Try whether the notices of a model arrive.",
        subcommands: [Test.self]
    )

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test",
            abstract: "Tell everybody that the model's policy names that this is a test, and wait for it.",
            discussion: "Exit code 1 when one of them was not reached."
        )

        /// A target has 15 s to answer, and others may be before it.
        private static let patience = Duration.seconds(40)

        @Argument(help: "The model.", transform: modelName)
        var model: ModelName

        @OptionGroup var options: ServerOptions

        func run() async throws {
            let client = try options.client()
            let sent: DeliveryList = try await client.post(.testNotices(model), ReasonBody(reason: nil))
            let ids = Set(sent.deliveries.map(\.id))
            let clock = ContinuousClock()
            let deadline = clock.now + Self.patience
            while true {
                let all: DeliveryList = try await client.get(.deliveries(model, state: "all"))
                let own = DeliveryList(deliveries: all.deliveries.filter { ids.contains($0.id) })
                // One try is enough to know.
                guard own.deliveries.contains(where: { $0.tries == 0 && $0.state == "waiting" }),
                    clock.now < deadline
                else {
                    try options.show(own) { deliveryTable(own, $0) }
                    guard own.deliveries.allSatisfy({ $0.state == "delivered" }) else {
                        throw ExitCode(ExitStatus.error.rawValue)
                    }
                    return
                }
                try await clock.sleep(for: .milliseconds(200))
            }
        }
    }
}

/// The id of a delivery: `ntc_` and hexadecimal digits.
struct DeliveryArgument: ExpressibleByArgument, Equatable {
    let id: String

    init?(argument: String) {
        let digits = argument.dropFirst(4)
        let isHexadecimal = digits.allSatisfy { $0.isASCII && $0.isHexDigit }
        guard argument.hasPrefix("ntc_"), (1...64).contains(digits.count), isHexadecimal else { return nil }
        id = argument
    }
}

private func deliveryTable(_ list: DeliveryList, _ look: Look) -> String {
    guard !list.deliveries.isEmpty else { return "no notice\n" }
    let now = wallClock()
    var table = Table([
        .init("ID"), .init("VIA"), .init("TARGET"), .init("TYPE"), .init("MODEL"), .init("SENT", .number),
        .init("STATE"), .init("TRIES", .number), .init("ERROR"),
    ])
    for delivery in list.deliveries {
        let type = delivery.act == "clear" ? "\(delivery.type) over" : delivery.type
        table.add([
            delivery.id, delivery.via, delivery.target, type, delivery.model, age(delivery.at, now: now),
            delivery.state, String(delivery.tries), delivery.error ?? "",
        ])
    }
    return table.text(width: Stream.output.width, look: look)
}
