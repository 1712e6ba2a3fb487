import BelayCore
import BelayInference
import Foundation
import Testing

@Suite("judgeLabel")
struct LabelTests {
    func bools(_ values: [UInt8]) throws -> Tensor {
        try Tensor(type: .bool, shape: [values.count], storage: .packed(values))
    }

    @Test func aScalarIsComparedWithTheOnlyElement() throws {
        #expect(try judgeLabel(.number(1), against: integers([1])))
        #expect(try !judgeLabel(.number(2), against: integers([1])))
        #expect(try judgeLabel(.number(1), against: floats([1])))
        #expect(try judgeLabel(.number(0.1), against: floats([0.1])))
        #expect(try judgeLabel(.text("zür"), against: strings(["zür"])))
        #expect(try !judgeLabel(.text("zur"), against: strings(["zür"])))
        #expect(try judgeLabel(.bool(true), against: bools([1])))
        #expect(try judgeLabel(.bool(true), against: integers([1])))
        #expect(try judgeLabel(.number(0), against: bools([0])))
        #expect(try !judgeLabel(.bool(false), against: integers([7])))
        #expect(try !judgeLabel(.number(1.5), against: integers([1])))
        #expect(try !judgeLabel(.number(.nan), against: floats([.nan])))
    }

    @Test func aListIsRightWhenEveryElementIs() throws {
        #expect(try judgeLabel(.list([.number(1), .number(0)]), against: integers([1, 0])))
        #expect(try !judgeLabel(.list([.number(1), .number(1)]), against: integers([1, 0])))
        #expect(
            try judgeLabel(.list([.list([.number(1)]), .list([.number(0)])]), against: integers([1, 0]))
        )
    }

    @Test func labelsThatCouldNeverBeRightAreErrors() throws {
        let hopeless: [(LabelValue, Tensor)] = [
            (.text("1"), try integers([1])), (.number(1), try strings(["1"])), (.bool(true), try floats([1])),
            (.number(2), try bools([1])), (.number(1), try integers([1, 2])), (.list([]), try integers([1])),
            (.bool(true), try strings(["true"])), (.list([.number(0), .text("b")]), try integers([1, 2])),
        ]
        for (label, prediction) in hopeless {
            let error = #expect(throws: InferenceError.self) { try judgeLabel(label, against: prediction) }
            #expect(error?.explanation.code == "inference.label-mismatch")
        }
    }

    @Test func integersBeyondDoublesAreNotTakenForTheirNeighbours() throws {
        #expect(try !judgeLabel(.number(9_007_199_254_740_992), against: integers([9_007_199_254_740_993])))
        #expect(try !judgeLabel(.number(9_223_372_036_854_775_808), against: integers([.max])))
    }

    @Test(
        arguments: ["9007199254740993", "-9007199254740993", "9223372036854775807", "-9223372036854775808"]
    )
    func longWholeNumbersAreComparedDigitByDigit(text: String) throws {
        let label = try #require(LabelValue(try JSONTree(Array(text.utf8), mostDepth: 8)))
        let number = try #require(Int64(text))
        #expect(try judgeLabel(label, against: integers([number])))
        let neighbour = number == .max || number == .min ? 0 : number - 1
        #expect(try !judgeLabel(label, against: integers([neighbour])))
        #expect(try String(decoding: JSONEncoder().encode([label]), as: UTF8.self) == "[\(text)]")
    }

    @Test func aNumberThatADoubleHoldsIsNoOtherCase() throws {
        for text in ["9007199254740992", "1e15", "0.5", "1e300", "123456789012345678901234567890"] {
            let label = LabelValue(try JSONTree(Array(text.utf8), mostDepth: 8))
            #expect(label == Double(text).map { .number($0) })
        }
        let greatest = LabelValue(digits: "18446744073709551615")
        let tensor = try Tensor(type: .uint64, shape: [1], storage: .packed(littleEndian(UInt64.max)))
        #expect(try judgeLabel(greatest, against: tensor))
    }

    @Test func itIsReadFromJSONAndWrittenBack() throws {
        let label = LabelValue.list([.number(1), .text("1"), .bool(true), .list([.number(0.5)])])
        let json = #"[1,"1",true,[0.5]]"#
        #expect(try JSONDecoder().decode(LabelValue.self, from: Data(json.utf8)) == label)
        #expect(try String(decoding: JSONEncoder().encode(label), as: UTF8.self) == json)
    }
}
