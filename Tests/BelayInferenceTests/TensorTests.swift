import BelayCore
import BelayInference
import Testing

@Suite("Tensor")
struct TensorTests {
    @Test(arguments: [
        [9_223_372_036_854_775_807, 2], [4_611_686_018_427_387_904, 4], [16_777_217], [4_097, 4_096],
        [0, 9_223_372_036_854_775_807], [Int](repeating: 1, count: 17),
    ])
    func aHostileShapeIsTooLargeAndNeverTraps(shape: [Int]) {
        let error = #expect(throws: InferenceError.self) {
            try Tensor(type: .fp32, shape: shape, storage: .packed([]))
        }
        #expect(error?.explanation.code == "inference.too-large")
    }

    @Test func aNegativeDimensionIsRefused() {
        #expect(throws: InferenceError.self) { try Tensor(type: .fp32, shape: [-1], storage: .packed([])) }
        #expect(throws: InferenceError.self) {
            try Tensor(type: .fp32, shape: [Int.min, 2], storage: .packed([]))
        }
    }

    @Test func storageMustBeWhatTypeAndShapeSay() {
        #expect(throws: InferenceError.self) {
            try Tensor(type: .fp32, shape: [2], storage: .packed([0, 0, 0, 0]))
        }
        #expect(throws: InferenceError.self) {
            try Tensor(type: .fp32, shape: [1], storage: .packed([0, 0, 0]))
        }
        #expect(throws: InferenceError.self) { try Tensor(type: .fp32, shape: [1], storage: .strings([[0]])) }
        #expect(throws: InferenceError.self) { try Tensor(type: .bytes, shape: [1], storage: .packed([0])) }
    }

    @Test func aScalarHasOneElementAndAnEmptyBatchNone() throws {
        #expect(try Tensor(type: .int8, shape: [], storage: .packed([7])).count == 1)
        #expect(try Tensor(type: .fp32, shape: [0, 30], storage: .packed([])).count == 0)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, .signalingNaN])
    func theFirstValueThatIsNotFiniteIsFound(value: Double) throws {
        let narrow = littleEndian(Float16(1).bitPattern) + littleEndian(Float16(value).bitPattern)
        #expect(try Tensor(type: .fp16, shape: [2], storage: .packed(narrow)).firstNonFinite == 1)
        #expect(try floats([0, -1, Float(value), Float(value)]).firstNonFinite == 2)
        let wide = littleEndian(value.bitPattern) + littleEndian(1.0.bitPattern)
        #expect(try Tensor(type: .fp64, shape: [2], storage: .packed(wide)).firstNonFinite == 0)
    }

    @Test func theLargestFiniteNumbersAreFinite() throws {
        #expect(try floats([.greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0]).firstNonFinite == nil)
        #expect(try integers([-1, .max, .min]).firstNonFinite == nil)
    }
}

@Suite("The check of a request against a signature")
struct SignatureCheckTests {
    let signature: Signature

    init() throws {
        signature = try known(
            Signature(
                inputs: [
                    TensorSpec(name: "x", type: .fp32, shape: [nil, 2]),
                    TensorSpec(name: "city", type: .bytes, shape: [nil]),
                ],
                outputs: [TensorSpec(name: "y", type: .fp32, shape: [nil])]
            )
        )
    }

    func x(_ shape: [Int], type: TensorType = .fp32) throws -> NamedTensor {
        let bytes = [UInt8](repeating: 0, count: shape.reduce(type.width ?? 1, *))
        return NamedTensor(name: "x", tensor: try Tensor(type: type, shape: shape, storage: .packed(bytes)))
    }

    func sentence(_ inputs: [NamedTensor], outputs: [String] = []) -> String? {
        do {
            try signature.check(inputs, outputs: outputs)
            return nil
        } catch {
            return error.explanation.summary
        }
    }

    @Test func whatFitsPassesInAnyOrder() throws {
        let city = NamedTensor(name: "city", tensor: try strings(["Ulm"]))
        #expect(sentence([try x([1, 2]), city]) == nil)
        #expect(sentence([city, try x([7, 2])], outputs: ["y"]) == nil)
    }

    @Test func eachMistakeIsNamed() throws {
        let city = NamedTensor(name: "city", tensor: try strings(["Ulm"]))
        let z = NamedTensor(name: "z", tensor: try strings([]))
        #expect(sentence([city]) == "Input 'x' (FP32 [-1, 2]) is missing.")
        #expect(sentence([city, z]) == "There is no input 'z'; the model takes 'x', 'city'.")
        #expect(sentence([city, city]) == "Input 'city' was given twice.")
        #expect(
            sentence([city, try x([1, 2], type: .fp64)])
                == "Input 'x' must be FP32 [-1, 2], but its datatype is FP64."
        )
        #expect(
            sentence([city, try x([1, 3])]) == "Input 'x' must be FP32 [-1, 2], but its shape is [1, 3]."
        )
        #expect(sentence([city, try x([2])]) == "Input 'x' must be FP32 [-1, 2], but its shape is [2].")
        #expect(
            sentence([city, try x([1, 2])], outputs: ["p"]) == "There is no output 'p'; the model gives 'y'."
        )
        #expect(sentence([city, try x([1, 2])], outputs: ["y", "y"]) == "Output 'y' was asked for twice.")
    }
}
