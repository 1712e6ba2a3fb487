import Testing

@testable import belay

@Suite struct NoticeArgumentTests {
    @Test(arguments: [
        ("ntc_0a1b", true), ("ntc_", false), ("0a1b", false), ("ntc_../x", false), ("ntc_xyz", false),
        ("ntc_\u{ff11}", false),
    ])
    func aDeliveryIsNamedByItsDigits(text: String, isLegal: Bool) {
        #expect((DeliveryArgument(argument: text) != nil) == isLegal)
    }
}
