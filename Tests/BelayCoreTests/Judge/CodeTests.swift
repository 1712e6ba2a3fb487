import BelayCore
import BelayStats
import Testing

@Suite struct CodeTests {
    @Test func everySeriesIsReadAsItIsWritten() throws {
        let some: [Series] =
            [
                .answers, .latency, .invalidOutput, .circuitBreaker, .disagreement, .shadowError, .labels,
                .flags, .score, .prediction, .schema, .labelled, .feature("age"), .feature("a:b=c"),
            ] + Series.Loss.allCases.map { .loss($0) }
        for series in some { #expect(Series(series.description) == series) }
        #expect(Series("nothing") == nil)
    }

    @Test(arguments: 0...5)
    func aCellTellsItsClasses(classes: Int) throws {
        let indices = (0..<classes).map(Int?.some) + [nil]
        var codes: Set<Int> = []
        for prediction in indices {
            for label in indices {
                for agrees in prediction == nil && label == nil ? [true, false] : [prediction == label] {
                    let cell = LabelCell(
                        prediction: prediction,
                        label: label,
                        agrees: agrees,
                        classes: classes
                    )
                    codes.insert(cell.code)
                    #expect(cell.prediction == prediction && cell.label == label && cell.agrees == agrees)
                    #expect(LabelCell(code: cell.code, classes: classes) == cell)
                }
            }
        }
        #expect(codes == Set(0...(classes + 1) * (classes + 1)))
        #expect(LabelCell(code: (classes + 1) * (classes + 1) + 1, classes: classes) == nil)
        #expect(LabelCell(code: -1, classes: classes) == nil)
    }

    @Test(arguments: [1.1e-9, 2.5e-7, 0.04, 1, 17, 250_000, 9.9e11])
    func aMagnitudeIsKnownWithinOnePercent(value: Double) throws {
        let code = try #require(Magnitude.code(of: value))
        #expect(abs(Magnitude.value(of: code) / value - 1) < 0.0101)
    }

    @Test func magnitudesHaveEndsAndRefuseWhatIsNone() {
        #expect(Magnitude.code(of: 0) == 0 && Magnitude.value(of: 0) == 0)
        #expect(Magnitude.code(of: .nan) == nil && Magnitude.code(of: -1) == nil)
        #expect(Magnitude.code(of: .infinity) == Magnitude.highest)
        #expect(Magnitude.value(of: .max).isFinite)
    }
}
