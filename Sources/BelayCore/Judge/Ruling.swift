/// What the judge permits or demands at one moment; every case carries the reports it rests on.
package enum Ruling: Equatable, Sendable {
    /// Not yet: something is undecided or blind, or the step has not lasted long enough.
    case wait([GuardReport])
    /// Every guard passes and the step has done its time.
    case advance([GuardReport])
    /// The release may not go on by itself.
    case hold(HoldCause, [GuardReport])
    /// Harm is proven; the named guard contributed most.
    case rollback(String, [GuardReport])

    package var reports: [GuardReport] {
        switch self {
        case .wait(let reports), .advance(let reports), .hold(_, let reports), .rollback(_, let reports):
            reports
        }
    }
}

extension Ruling {
    /// Why, in one sentence, for the record; nil while nothing follows.
    package var sentence: String? {
        switch self {
        case .wait: nil
        case .advance: "every guard passes and the step has done its time"
        case .hold(let cause, _): cause.sentence
        case .rollback(let name, _): "guard \(name) proved harm"
        }
    }
}
