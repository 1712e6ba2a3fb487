import BelayCore
import BelayStore

/// Verifies the ledger of a data directory without a server, beside a running one, or on a copy.
///
/// - Throws: When there is no ledger to read. A broken one is not an error but the answer.
package func verifyLedger(dataDirectory: String) throws -> VerificationView {
    try verifyLedger(at: "\(dataDirectory)/belay.sqlite")
}

func verifyLedger(at path: String) throws -> VerificationView {
    do {
        return VerificationView(try Verification.verify(path: path))
    } catch StoreError.broken(let problem) {
        let report = VerificationReport(entries: 0, head: .genesis, first: nil, last: nil, problem: problem)
        return VerificationView(report)
    }
}

extension VerificationView {
    fileprivate init(_ report: VerificationReport) {
        self.init(
            entries: report.entries,
            head: report.head.hash.hex,
            firstAt: report.first?.description,
            lastAt: report.last?.description,
            ok: report.problem == nil,
            problem: report.problem.map {
                .init(seq: $0.sequence, what: $0.what.word, detail: $0.explanation)
            }
        )
    }
}

extension LedgerProblem.What {
    /// The problem's stable name on the wire.
    fileprivate var word: String {
        switch self {
        case .missing: "missing"
        case .malformed: "malformed"
        case .unlinked: "unlinked"
        case .altered: "altered"
        case .outOfTime: "out_of_time"
        case .undecodable: "undecodable"
        case .illegal: "illegal"
        case .truncated: "truncated"
        case .headDiffers: "head_differs"
        case .projection: "projection"
        case .schema: "schema"
        case .unreadable: "unreadable"
        }
    }
}
