/// A check before any live request reaches the candidate.
package enum GateName: String, Codable, Sendable {
    /// Requests written for stable are answered the same way.
    case signature
    /// The files are intact, load, and answer a probe.
    case probe
}

/// The outcome of one gate, with the reason a person needs.
package struct GateReport: Hashable, Codable, Sendable {
    package enum Outcome: String, Codable, Sendable {
        case pass
        case fail
        case error
        case skipped
    }

    package let gate: GateName
    package let outcome: Outcome
    /// One sentence; empty for a plain pass.
    package let detail: String

    package init(gate: GateName, outcome: Outcome, detail: String) {
        self.gate = gate
        self.outcome = outcome
        self.detail = detail
    }
}

/// The gate `signature`, which needs nothing but two values.
///
/// Without a stable version there is nothing to be compatible with.
package func signatureGate(candidate: Signature, stable: Signature?) -> GateReport {
    guard let stable else {
        return GateReport(
            gate: .signature,
            outcome: .skipped,
            detail: "nothing serves yet, so nothing to compare"
        )
    }
    let mismatches = candidate.mismatches(replacing: stable)
    return GateReport(
        gate: .signature,
        outcome: mismatches.isEmpty ? .pass : .fail,
        detail: mismatches.map(\.sentence).joined(separator: "; ")
    )
}

extension Signature.Mismatch {
    package var sentence: String {
        switch self {
        case .inputMissing(let name): "input '\(name)' that callers send is gone"
        case .inputAdded(let name): "input '\(name)' is required but callers do not send it"
        case .inputChanged(let name): "input '\(name)' has another type or shape"
        case .outputMissing(let name): "output '\(name)' that callers read is gone"
        case .outputChanged(let name): "output '\(name)' has another type or shape"
        }
    }
}
