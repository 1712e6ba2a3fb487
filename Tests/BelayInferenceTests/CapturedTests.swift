import BelayCore
import BelayInference
import Testing

/// What tritonclient 2.73.0 (`tritonclient.http`) put on the wire, byte for byte.
@Suite("tritonclient's bytes")
struct CapturedTests {
    @Test func itsDefaultsAreBinaryInputsAndNoOutputs() throws {
        let header =
            #"{"id":"r-1","inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","#
            + #""parameters":{"binary_data_size":12}},{"name":"s","shape":[2],"datatype":"BYTES","#
            + #""parameters":{"binary_data_size":11}}],"parameters":{"binary_data_output":true}}"#
        let tail = try bytes("0000803f0000204052499db9010000006102000000ff00")
        #expect(header.utf8.count == 227)
        let request = try OIPRequest(
            decoding: Array(header.utf8) + tail,
            headerLength: 227,
            limits: .standard
        )
        #expect(request.id == "r-1")
        #expect(request.inputs.first?.tensor.doubles == [1, 2.5, Double(Float(-3e-4))])
        #expect(request.inputs.last?.tensor.storage == .strings([[0x61], [0xff, 0]]))
        #expect(request.outputs.isEmpty && request.binaryOutput)
    }

    @Test func inputsAndOutputsMayBeMixed() throws {
        let header =
            #"{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","#
            + #""data":[1.0,2.5,-0.0003000000142492354]},{"name":"flag","shape":[2],"datatype":"BOOL","#
            + #""parameters":{"binary_data_size":2}},{"name":"h","shape":[1],"datatype":"FP16","#
            + #""parameters":{"binary_data_size":2}}],"outputs":[{"name":"label","#
            + #""parameters":{"binary_data":false}},{"name":"p","parameters":{"classification":2,"#
            + #""binary_data":true}}],"parameters":{"priority":3,"timeout":250000}}"#
        #expect(header.utf8.count == 433)
        let body = Array(header.utf8) + (try bytes("0100662e"))
        let request = try OIPRequest(decoding: body, headerLength: 433, limits: .standard)
        #expect(request.inputs.map(\.tensor.count) == [3, 2, 1])
        #expect(request.inputs[2].tensor.doubles == [Double(Float16(0.1))])
        #expect(
            request.outputs == [
                RequestedOutput(name: "label", isBinary: false),
                RequestedOutput(name: "p", isBinary: true, classes: 2),
            ]
        )
        #expect(request.timeoutMicroseconds == 250_000)
        #expect(!request.binaryOutput)
    }

    @Test func withoutBinaryDataItIsAllJSON() throws {
        let body =
            #"{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","#
            + #""data":[1.0,2.5,-0.0003000000142492354]}],"outputs":[{"name":"label","#
            + #""parameters":{"binary_data":false}}],"#
            + #""parameters":{"sequence_id":7,"sequence_start":true,"sequence_end":false}}"#
        let request = try OIPRequest(decoding: Array(body.utf8), limits: .standard)
        #expect(request.inputs.first?.tensor.doubles == [1, 2.5, Double(Float(-3e-4))])
    }
}

/// Bytes from hexadecimal digits.
func bytes(_ hexadecimal: String) throws -> [UInt8] {
    let digits = Array(hexadecimal)
    return try stride(from: 0, to: digits.count, by: 2).map { index in
        try known(UInt8(String(digits[index...index + 1]), radix: 16))
    }
}
