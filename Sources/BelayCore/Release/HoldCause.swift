/// What made the judge hold a release: written `guard:recall`, `deadline` or `exposure`.
package enum HoldCause: Hashable, Sendable, TextCoded {
    /// A guard that only holds was breached; its name.
    case breach(of: String)
    /// The time that the plan gives it has passed without a decision.
    case deadline
    /// Going on would cost more bad answers, or meet more units, than the plan allows.
    case exposure

    package init?(_ text: String) {
        switch text {
        case "deadline": self = .deadline
        case "exposure": self = .exposure
        default:
            guard text.hasPrefix("guard:"), text.count > 6 else { return nil }
            self = .breach(of: String(text.dropFirst(6)))
        }
    }

    package var description: String {
        switch self {
        case .breach(let name): "guard:\(name)"
        case .deadline: "deadline"
        case .exposure: "exposure"
        }
    }

    /// Why, for the record.
    package var sentence: String {
        switch self {
        case .breach(let name): "guard \(name) was breached"
        case .deadline: "the plan's deadline has passed without a decision"
        case .exposure: "going on would exceed the plan's exposure"
        }
    }
}
