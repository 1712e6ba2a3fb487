import BelayCore
import BelayInference
import Synchronization

/// What one caller asks, from the bytes of the body to tensors; shared by every version that is asked.
///
/// Reading costs time that belongs to no event loop, so the first version's thread reads, and the others find
/// what it read.
final class Question: Sendable {
    /// In which protocol the body is written and the answer is expected.
    enum Form: Equatable, Sendable {
        /// The Open Inference Protocol; the length of the JSON before binary tensors, nil when all is JSON.
        case inference(headerLength: Int?)
        /// MLflow's scoring protocol.
        case scoring(ScoringFormat)
    }

    let form: Form
    let coding: ContentCoding?
    /// Of the body as it came, in bytes.
    let length: Int
    private let bodyLimit: Int
    private let budget: BodyBudget
    private let state: Mutex<State>

    private struct State: Sendable {
        var body: [UInt8]
        var isInflated: Bool
        /// Bytes that are taken from the budget for the body.
        var held: Int
        /// Read once; what MLflow's protocol says depends on the signature, and is read for each version.
        var request: OIPRequest?
    }

    /// - Parameters:
    ///   - body: As it came.
    ///   - form: Its protocol.
    ///   - coding: What it is packed in.
    ///   - bodyLimit: How long it may be without that, in bytes.
    ///   - budget: What it grows by is taken from there; all that is taken goes back when nobody asks the
    ///     question any more, which may be long after its caller left.
    ///   - held: Bytes that were taken from the budget for it before.
    init(
        body: [UInt8],
        form: Form,
        coding: ContentCoding?,
        bodyLimit: Int,
        budget: BodyBudget,
        held: Int
    ) {
        self.budget = budget
        length = body.count
        self.form = form
        self.coding = coding
        self.bodyLimit = bodyLimit
        state = Mutex(State(body: body, isInflated: coding == nil, held: held, request: nil))
    }

    deinit { budget.give(state.withLock { $0.held }) }

    /// The body without its content coding; empty until that has been undone.
    var readBody: [UInt8] { state.withLock { $0.isInflated ? $0.body : [] } }

    var headerLength: Int? {
        guard case .inference(let length) = form else { return nil }
        return length
    }

    /// The body without its content coding.
    func inflatedBody() throws(Rejection) -> [UInt8] {
        let (body, isInflated) = state.withLock { ($0.body, $0.isInflated) }
        guard !isInflated, let coding else { return body }
        let (inflated, growth) = try budget.inflated(body, from: coding, limit: bodyLimit)
        let surplus = state.withLock { state in
            // A shadow may have been as quick.
            guard !state.isInflated else { return growth }
            (state.body, state.isInflated) = (inflated, true)
            state.held += growth
            return 0
        }
        budget.give(surplus)
        return inflated
    }

    /// What is asked of a version with this signature.
    func request(for signature: Signature) throws(Rejection) -> OIPRequest {
        let known = state.withLock { $0.request }
        let body = known == nil ? try inflatedBody() : []
        do throws(InferenceError) {
            if let known { return try known.completed(by: signature) }
            switch form {
            case .inference(let headerLength):
                let request = try OIPRequest(decoding: body, headerLength: headerLength, limits: .standard)
                state.withLock { $0.request = request }
                return try request.completed(by: signature)
            case .scoring(let format):
                return try Scoring.request(
                    decoding: body,
                    format: format,
                    signature: signature,
                    limits: .standard
                )
            }
        } catch {
            throw Rejection(objection: error)
        }
    }

    /// The scalar at a pointer into the body's JSON; nil when there is none.
    func scalar(at pointer: JSONPointer) -> String? {
        guard let body = try? inflatedBody() else { return nil }
        return pointer.scalar(in: body, headerLength: headerLength)
    }
}
