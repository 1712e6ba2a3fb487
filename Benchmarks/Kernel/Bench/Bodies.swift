import BelayCore
import BelayInference

/// The same numbers in every run: a linear congruence, its high bits.
struct Numbers {
    private var state: UInt64 = 0x9e37_79b9_7f4a_7c15

    /// At least 0 and below 1, with all 53 bits.
    mutating func next() -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 11) / Double(1 << 53)
    }
}

/// A request of `rows` × `columns` numbers from 0 to 30 with `decimals` digits behind the point, or as Python
/// writes a random double, where `decimals` is nil.
func body(rows: Int, columns: Int, decimals: Int?, input: TensorSpec) -> [UInt8] {
    var numbers = Numbers()
    let data = (0..<rows * columns).map { _ -> String in
        let value = numbers.next()
        guard let decimals else { return value.description }
        let power = (0..<decimals).reduce(1) { power, _ in power * 10 }
        let digits = String(Int(value * Double(power)))
        return "\(Int(value * 30)).\(String(repeating: "0", count: decimals - digits.count))\(digits)"
    }
    let shape = "[\(rows), \(columns)]"
    let head = #"{"id": "r-1", "inputs": [{"name": "\#(input.name)", "datatype": "\#(input.type.rawValue)", "#
    return Array((head + #""shape": \#(shape), "data": [\#(data.joined(separator: ", "))]}]}"#).utf8)
}

func tensor(of values: [Float]) throws -> Tensor {
    let bytes = values.flatMap { value in
        (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
    }
    return try Tensor(type: .fp32, shape: [values.count], storage: .packed(bytes))
}

func tensor(of values: [Double]) throws -> Tensor {
    let bytes = values.flatMap { value in
        (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
    }
    return try Tensor(type: .fp64, shape: [values.count], storage: .packed(bytes))
}
