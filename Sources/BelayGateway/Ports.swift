import BelayCore

/// What a gateway needs from the rest of the process, handed to every connection.
struct Ports: Sendable {
    let configuration: GatewayConfiguration
    let record: @Sendable (Answer) -> Void
    let labels: @Sendable (_ body: [UInt8], _ contentType: String?) async -> LabelReply
    let clock: @Sendable () -> Timestamp
    let ids: @Sendable () -> String
    let seen: SeenUnits
}
