/// Where one labelled answer lies in the table of predictions and labels.
///
/// Of K named classes, cell `prediction × (K + 1) + label`, with K for every other class. Two different
/// classes that are both among the others make one cell more, so with no named class there are just two
/// cells: 0 right, 1 wrong.
package struct LabelCell: Hashable, Sendable {
    /// Classes that a policy may name.
    package static let mostClasses = 50

    package let code: Int
    private let classes: Int

    /// - Parameters:
    ///   - prediction: Index among the named classes; nil for another one.
    ///   - label: The same.
    ///   - agrees: Whether the two are equal, which indices alone do not tell of the others.
    ///   - classes: How many classes are named, K.
    package init(prediction: Int?, label: Int?, agrees: Bool, classes: Int) {
        self.classes = classes
        let width = classes + 1
        if prediction == nil, label == nil, !agrees {
            code = width * width
        } else {
            code = (prediction ?? classes) * width + (label ?? classes)
        }
    }

    /// Returns nil for a code that K named classes do not have.
    package init?(code: Int, classes: Int) {
        guard (0...Self.mostClasses).contains(classes), (0...(classes + 1) * (classes + 1)).contains(code)
        else { return nil }
        self.code = code
        self.classes = classes
    }

    private var isOthersApart: Bool { code == (classes + 1) * (classes + 1) }

    /// Index of the predicted class; nil for one that is not named.
    package var prediction: Int? {
        isOthersApart ? nil : named(code / (classes + 1))
    }

    /// Index of the true class; nil for one that is not named.
    package var label: Int? {
        isOthersApart ? nil : named(code % (classes + 1))
    }

    package var agrees: Bool { !isOthersApart && code / (classes + 1) == code % (classes + 1) }

    private func named(_ index: Int) -> Int? { index < classes ? index : nil }
}
