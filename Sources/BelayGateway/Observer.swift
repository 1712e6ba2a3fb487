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
/// On the version's own thread, at tensors that are there anyway: a value a column and a search in ten bins.
struct Observer: Sendable {
    let counting: Counting
    private let columns: [(place: TensorColumn?, bins: ColumnBins)]
    private let slicings: [TensorColumn?]

    /// Returns nil when there is nothing to look at; `prediction` is the output that the policy names.
    init?(_ counting: Counting, signature: Signature, prediction: String?) {
        guard counting.needsObservation else { return nil }
        self.counting = counting
        let output = signature.prediction(chosen: prediction)?.name
        columns = counting.plan.columns.map { column in
            let place =
                if let feature = column.feature {
                    TensorColumn(feature: feature, of: signature.inputs)
                } else {
                    output.flatMap { TensorColumn(prediction: $0, of: signature.outputs) }
                }
            return (place, ColumnBins(column.bins))
        }
        slicings = counting.plan.slicings.map { TensorColumn(feature: $0.feature, of: signature.inputs) }
    }

    /// What a request says; its prediction is missing until there is an answer.
    func observe(_ inputs: [NamedTensor]) -> Observation {
        var numbers: [UInt16] = []
        numbers.reserveCapacity(columns.count + slicings.count)
        for (index, column) in columns.enumerated() {
            let isPrediction = index == counting.predictionColumn
            let value = isPrediction ? .missing : column.place?.value(in: inputs) ?? .missing
            numbers.append(column.bins.bin(of: value))
        }
        for (index, place) in slicings.enumerated() {
            let value = place?.value(in: inputs)
            numbers.append(UInt16(clamping: counting.slice(value?.description, of: index)))
        }
        return Observation(numbers: numbers)
    }

    /// Adds what was answered.
    func complete(_ observation: inout Observation?, _ outputs: [NamedTensor]) {
        guard let index = counting.predictionColumn, observation != nil,
            let value = columns[index].place?.value(in: outputs)
        else { return }
        observation?.numbers[index] = columns[index].bins.bin(of: value)
    }
}

/// The bins of a column, ready to be looked up by the hash of a text.
private struct ColumnBins: Sendable {
    private let bins: ReferenceBins
    private let categories: [UInt64: Int]

    init(_ bins: ReferenceBins) {
        self.bins = bins
        let rare = bins.rareCategories.map { ($0, bins.categories.count) }
        let named = bins.categories.enumerated().map { ($1, $0) } + rare
        let hashed = named.compactMap { text, bin in CategoryHash(text).map { ($0.value, bin) } }
        categories = Dictionary(hashed) { first, _ in first }
    }

    func bin(of value: TensorColumn.Value) -> UInt16 {
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
