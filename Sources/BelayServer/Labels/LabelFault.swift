import BelayCore

/// Why one label was not taken.
enum LabelFault: Error, Equatable, Sendable {
    case unreadable(String)
    case unknownModel(String)
    case unknownKind(String)
    case badTime(String)
    case badFeedback
    case noMatch
    case ambiguousMatch(Int)
    case matchTooWide
    case answerWasAnError(String, Int)
    case answerWasErased(String)
    case noPrediction
    case notComparable(String)
    case tooManyForAnswer(String)
    case tooManyWaiting

    var code: String {
        switch self {
        case .unreadable: "label.unreadable"
        case .unknownModel: "label.unknown-model"
        case .unknownKind: "label.unknown-kind"
        case .badTime: "label.bad-time"
        case .badFeedback: "label.bad-feedback"
        case .noMatch: "label.no-match"
        case .ambiguousMatch: "label.ambiguous-match"
        case .matchTooWide: "label.match-too-wide"
        case .answerWasAnError: "label.answer-was-an-error"
        case .answerWasErased: "label.answer-was-erased"
        case .noPrediction: "label.no-prediction"
        case .notComparable: "label.not-comparable"
        case .tooManyForAnswer: "label.too-many-for-answer"
        case .tooManyWaiting: "label.too-many-waiting"
        }
    }

    var detail: String {
        switch self {
        case .unreadable(let why): why
        case .unknownModel(let model): "no model is called '\(model.prefix(80))'"
        case .unknownKind(let kind):
            "'\(kind.prefix(80))' is no kind of label; write outcome, feedback, expected or corrected"
        case .badTime(let text): "'\(text.prefix(80))' is not a time like 2026-11-23T14:25:03Z"
        case .badFeedback: "feedback is true or false, \"up\" or \"down\", 1 or 0, or a score from 0 up"
        case .noMatch: "no answer in the inference log matches; send the label again later, or its id"
        case .ambiguousMatch(let number): "\(number) or more answers match; make 'between' narrower"
        case .matchTooWide:
            "more than \(LabelMatching.mostAnswers) answers lie between; make 'between' narrower"
        case .answerWasAnError(let id, let status): "the answer '\(id)' was an error (\(status))"
        case .answerWasErased(let id): "what the answer '\(id)' said was erased"
        case .noPrediction:
            "the model has several outputs; name the one to compare in `labels.output` of the policy"
        case .notComparable(let why): why
        case .tooManyForAnswer(let id): "too many labels were kept for the answer '\(id)' already"
        case .tooManyWaiting: "too many labels wait for their answers; send it again later"
        }
    }
}

/// Why a whole batch was not taken.
enum LabelsError: Error, Equatable, Sendable {
    case notJSON
    case notCSV(String)
    case empty
    case tooMany
}

extension LabelsError: Explainable {
    var category: FailureCategory { self == .tooMany ? .tooLarge : .invalid }

    var explanation: Explanation {
        switch self {
        case .notJSON:
            Explanation(
                code: "labels.not-json",
                summary: "The body is not a JSON array.",
                remedy: "Send one label, an array of labels, or one label a line."
            )
        case .notCSV(let why):
            Explanation(
                code: "labels.not-csv",
                summary: why,
                remedy: "Send RFC 4180 with a header: id,value, and if you like at,kind,source,model."
            )
        case .empty:
            Explanation(
                code: "labels.empty",
                summary: "The body holds no label.",
                remedy: "Send {\"id\": …, \"model\": …, \"value\": …}, an array of such, or one a line."
            )
        case .tooMany:
            Explanation(
                code: "labels.too-many",
                summary: "The body holds more than \(LabelDelivery.mostLabels) labels.",
                remedy: "Send them in several requests."
            )
        }
    }
}
