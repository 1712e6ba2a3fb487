/// One number for each of the five bettors of a ``Mixture``, without an allocation.
///
/// Rehearsals and benchmarks settle hundreds of millions of single outcomes; an array for each would cost
/// more than the arithmetic.
struct PerBettor: Equatable, Sendable {
    static let count = 5

    /// Three places stay zero.
    private var places: SIMD8<Double>

    init(_ first: Double, _ second: Double, _ third: Double, _ fourth: Double, _ fifth: Double) {
        places = SIMD8(first, second, third, fourth, fifth, 0, 0, 0)
    }

    init(repeating number: Double) { self.init(number, number, number, number, number) }

    /// Nil unless there are five.
    init?(_ numbers: [Double]) {
        guard numbers.count == Self.count else { return nil }
        self.init(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4])
    }

    static var indices: Range<Int> { 0..<count }

    subscript(index: Int) -> Double {
        get { places[index] }
        set { places[index] = newValue }
    }

    var numbers: [Double] { Self.indices.map { places[$0] } }

    /// The logarithm of the mean of five numbers known by their logarithms; see ``logarithmOfSum(_:)``.
    var logarithmOfMean: Double {
        var largest = places[0]
        for index in 1..<Self.count { largest = max(largest, places[index]) }
        guard largest.isFinite else { return largest }
        var sum = 0.0
        for index in Self.indices { sum += exponential(places[index] - largest) }
        return largest + logarithm(sum) - Self.logCount
    }

    private static let logCount = logarithm(Double(count))
}
