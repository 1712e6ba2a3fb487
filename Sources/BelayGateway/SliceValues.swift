import BelayCore
import BelayInference
import Synchronization

/// The values of one slicing, numbered in the order in which they were first seen.
///
/// Shared by the threads of both versions, so a known value must cost little: it is found by its bits, or by
/// the hash of its text, and no text is made of a number that is known.
final class SliceValues: Sendable {
    private struct State: Sendable {
        var numbers: [UInt64: Int] = [:]
        var texts: [String] = []
    }

    private let state = Mutex(State())

    /// As people write them, by their number.
    var texts: [String] { state.withLock { $0.texts } }

    /// From 0; ``BelayCore/CountingPlan/mostValues`` for all others and for what is missing.
    func number(of value: TensorColumn.Value) -> Int {
        guard let key = Self.key(of: value) else { return CountingPlan.mostValues }
        return state.withLock { state in
            if let known = state.numbers[key] { return known }
            let next = state.texts.count
            guard next < CountingPlan.mostValues, let text = value.description else {
                return CountingPlan.mostValues
            }
            state.numbers[key] = next
            state.texts.append(text)
            return next
        }
    }

    /// Nil for what is missing, and for texts that are too long.
    ///
    /// A tensor has numbers or flags or texts, so their keys need not differ.
    private static func key(of value: TensorColumn.Value) -> UInt64? {
        switch value {
        // Zero has two signs and one name.
        case .number(let number): number == 0 ? 0 : number.bitPattern
        case .flag(let flag): flag ? 1 : 0
        case .text(let bytes) where bytes.count <= CountingPlan.mostValueBytes:
            CategoryHash(bytes: bytes).value
        case .text, .missing: nil
        }
    }
}
