import BelayCore
import BelayInference
import BelayStats

/// What one version's thread saw in a request and its answer: the bin of each column of the plan, then the
/// slice of each slicing.
struct Observation: Equatable, Sendable {
    fileprivate var numbers: [UInt16]

    func bin(ofColumn index: Int) -> Int { index < numbers.count ? Int(numbers[index]) : 0 }

    func slice(ofSlicing index: Int, columns: Int) -> Int {
        columns + index < numbers.count ? Int(numbers[columns + index]) : Counting.whole
    }
}

/// Looks into the requests of one version for what its release counts.
///
/// On the version's own thread, at tensors that are there anyway. Numbers, which is what nearly all features
/// are, are looked up a tensor at a time; the rest, one by one.
struct Observer: Sendable {
    let counting: Counting
    private let rows: [NumericRow]
    private let others: [(index: Int, column: ObservedColumn)]
    private let prediction: ObservedColumn?
    private let slicings: [TensorColumn?]
    /// What is seen of a request in which nothing is found.
    private let nothing: [UInt16]

    /// Returns nil when there is nothing to look at; `prediction` is the output that the policy names.
    init?(_ counting: Counting, signature: Signature, prediction: String?) {
        guard counting.needsObservation else { return nil }
        self.counting = counting
        let output = signature.prediction(chosen: prediction)?.name
        var numeric: [String: NumericRow] = [:]
        var others: [(index: Int, column: ObservedColumn)] = []
        var predicted: ObservedColumn?
        for (index, column) in counting.plan.columns.enumerated() {
            guard let feature = column.feature else {
                let place = output.flatMap { TensorColumn(prediction: $0, of: signature.outputs) }
                predicted = ObservedColumn(place, column.bins)
                continue
            }
            let place = TensorColumn(feature: feature, of: signature.inputs)
            if let element = place?.number, column.bins.kind == .numeric {
                numeric[element.tensor, default: NumericRow(tensor: element.tensor)]
                    .add(element.index, to: index, column.bins)
            } else {
                others.append((index, ObservedColumn(place, column.bins)))
            }
        }
        self.rows = Array(numeric.values)
        self.others = others
        self.prediction = predicted
        slicings = counting.plan.slicings.map { TensorColumn(feature: $0.feature, of: signature.inputs) }
        nothing =
            counting.plan.columns.map { UInt16(clamping: $0.bins.missingBin) } + counting.unknownSlices
    }

    /// What a request says; its prediction is missing until there is an answer.
    func observe(_ inputs: [NamedTensor]) -> Observation {
        var numbers = nothing
        for row in rows { row.look(into: inputs, &numbers) }
        for (index, column) in others { numbers[index] = column.bin(in: inputs) }
        let columns = numbers.count - slicings.count
        for index in slicings.indices {
            guard let value = slicings[index]?.value(in: inputs) else { continue }
            numbers[columns + index] = UInt16(clamping: counting.slice(value, of: index))
        }
        return Observation(numbers: numbers)
    }

    /// Adds what was answered.
    func complete(_ observation: inout Observation?, _ outputs: [NamedTensor]) {
        guard let index = counting.predictionColumn, let prediction, observation != nil else { return }
        observation?.numbers[index] = prediction.bin(in: outputs)
    }
}

/// The numeric columns of one tensor, laid out so that a request is looked through without following a
/// reference or taking one for each column.
private struct NumericRow: Sendable {
    let tensor: String
    /// For each column, which element of the tensor it is.
    private var elements: [Int] = []
    /// For each column, its place in the observation.
    private var places: [Int] = []
    /// The edges of all columns, one after the other; column i has those from `starts[i]` to `starts[i + 1]`.
    private var edges: [Double] = []
    private var starts = [0]

    init(tensor: String) { self.tensor = tensor }

    mutating func add(_ element: Int, to place: Int, _ bins: ReferenceBins) {
        elements.append(element)
        places.append(place)
        edges += bins.edges
        starts.append(edges.count)
    }

    /// Writes the bin of each column whose number is there; a bin's number is how many edges lie below.
    func look(into inputs: [NamedTensor], _ numbers: inout [UInt16]) {
        guard let found = inputs.firstIndex(where: { $0.name == tensor }) else { return }
        inputs[found].tensor.forEachNumber(at: elements) { column, number in
            guard number.isFinite else { return }
            let start = starts[column]
            var (low, high) = (start, starts[column + 1])
            while low < high {
                let middle = (low + high) / 2
                if edges[middle] < number { low = middle + 1 } else { high = middle }
            }
            numbers[places[column]] = UInt16(clamping: low - start)
        }
    }
}

/// One column that is looked for alone, with its bins ready to be looked up by the hash of a text.
private final class ObservedColumn: Sendable {
    private let place: TensorColumn?
    private let bins: ReferenceBins
    private let categories: [UInt64: Int]

    init(_ place: TensorColumn?, _ bins: ReferenceBins) {
        self.place = place
        self.bins = bins
        let rare = bins.rareCategories.map { ($0, bins.categories.count) }
        let named = bins.categories.enumerated().map { ($1, $0) } + rare
        let hashed = named.compactMap { text, bin in CategoryHash(text).map { ($0.value, bin) } }
        categories = Dictionary(hashed) { first, _ in first }
    }

    func bin(in tensors: [NamedTensor]) -> UInt16 {
        let value = place?.value(in: tensors) ?? .missing
        let bin =
            switch value {
            case .number, .flag: bins.bin(of: value.number)
            case .text(let bytes):
                bins.unseenBin.map { categories[CategoryHash(bytes: bytes).value] ?? $0 } ?? bins.missingBin
            case .missing: bins.missingBin
            }
        return UInt16(clamping: bin)
    }
}
