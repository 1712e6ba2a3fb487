import BelayCore
import Foundation
import Testing

@Suite("Coding of values")
struct CodingTests {
    private func roundTrip<Value: Codable & Equatable>(_ value: Value, as json: String) throws {
        let bytes = try JSONEncoder().encode([value])
        let expected = try JSONSerialization.jsonObject(with: Data("[\(json)]".utf8)) as? NSArray
        #expect(try JSONSerialization.jsonObject(with: bytes) as? NSArray == expected)
        #expect(try JSONDecoder().decode([Value].self, from: bytes) == [value])
    }

    private func refuses<Value: Decodable>(_ type: Value.Type, _ texts: [String]) {
        for json in texts {
            #expect(throws: DecodingError.self, "\(type): \(json)") {
                try JSONDecoder().decode([Value].self, from: Data("[\(json)]".utf8))
            }
        }
    }

    @Test func everyValueTravelsAsItsText() throws {
        try roundTrip(fraud, as: #""fraud""#)
        try roundTrip(EnvironmentName.prod, as: #""prod""#)
        try roundTrip(label("1.5.0"), as: #""1.5.0""#)
        try roundTrip(digest(1), as: "\"sha256:\(digest(1).hex)\"")
        try roundTrip(noon, as: #""2026-11-23T12:00:00.000Z""#)
        try roundTrip(ReleaseID(142), as: #""r142""#)
        try roundTrip(ann, as: #""ann""#)
        try roundTrip(Actor.belay, as: #""belay""#)
        try roundTrip(id(3), as: #""fraud@3""#)
        try roundTrip(prod, as: #""fraud#prod""#)
        try roundTrip(Salt(0xff), as: #""00000000000000ff""#)
        try roundTrip(Salt(.max), as: #""ffffffffffffffff""#)
        try roundTrip(legal(RelativePath("a/b.onnx")), as: #""a/b.onnx""#)
        try roundTrip(ServingSettings.Unit.header("x-user"), as: #""header:x-user""#)
        try roundTrip(ServingSettings.Unit.pointer("/a/b"), as: #""/a/b""#)
        try roundTrip(ServingSettings.Unit.request, as: #""request""#)
    }

    @Test func everyNumberTravelsAsANumber() throws {
        try roundTrip(number(3), as: "3")
        try roundTrip(Epoch(17), as: "17")
        try roundTrip(share(percent: 2.5), as: "25000")
    }

    @Test func noTextSmugglesInAnIllegalValue() {
        refuses(ModelName.self, [#""../etc""#, #""""#, "1", "null", "[]", "{}"])
        refuses(EnvironmentName.self, [#""a b""#])
        refuses(VersionLabel.self, [#""7""#])
        refuses(Digest.self, [#""sha256:00""#])
        refuses(Timestamp.self, [#""2026-02-30T00:00:00Z""#, #""yesterday""#, "0"])
        refuses(ReleaseID.self, [#""r0""#, #""r9223372036854775807""#, "1"])
        refuses(VersionID.self, [#""fraud""#, #""fraud@0""#])
        refuses(EndpointID.self, [#""fraud""#])
        refuses(RelativePath.self, [#""../x""#, #""/x""#])
        refuses(
            ServingSettings.Unit.self,
            [#""""#, #""header:""#, #""header:a b""#, #""user""#, #""header:a:b""#]
        )
    }

    @Test func noNumberSmugglesInAnIllegalValue() {
        refuses(VersionNumber.self, ["0", "-1", "1.5", "1e10", "9223372036854775808", #""1""#, "true"])
        refuses(Share.self, ["-1", "1000001", "0.5", "1e300", #""5%""#])
        refuses(Epoch.self, [#""1""#, "1e300", "null"])
    }

    @Test(arguments: [
        "", "ff", "00000000000000fg", "0000000000000000ff", "00000000000000FF", "+0000000000000ff",
        "-0000000000000ff", "0x000000000000ff", " 000000000000000",
    ])
    func aSaltIsExactlySixteenLowerCaseDigits(text: String) {
        #expect(Salt(text) == nil)
    }
}
