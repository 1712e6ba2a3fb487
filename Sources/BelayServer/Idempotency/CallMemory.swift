import BelayCore

/// The answers to calls that carried an `Idempotency-Key`, so that nothing happens twice.
///
/// A repeated call gets the first one's answer (draft-ietf-httpapi-idempotency-key-header-07).
///
/// A value: time comes in. Kept for a day, at most ``mostCalls`` calls and ``mostBytes`` bytes of answers;
/// the oldest go first. It is lost with the process, after which a repeated call meets the state itself: a
/// release that has begun, a version that is registered, a rollback that is done.
struct CallMemory: Sendable {
    static let mostCalls = 10_000
    static let mostBytes = 64 << 20
    static let keptFor = Duration.seconds(86_400)

    /// An answer as it was first given.
    struct Answer: Equatable, Sendable {
        let status: Int
        let contentType: String?
        let eTag: String?
        let body: [UInt8]
    }

    /// What a call with a key is to its memory.
    enum Standing: Equatable {
        /// Not seen before: the caller carries it out, and then calls ``CallMemory/finish(_:with:)``.
        case new
        case repeated(Answer)
        /// The first one has not been answered yet.
        case underway
        /// The key was used for something else.
        case different
    }

    private struct Call {
        let fingerprint: Int
        let at: Timestamp
        var answer: Answer?
    }

    private var calls: [String: Call] = [:]
    /// Keys in the order of their calls; answered and forgotten ones may linger until they come first.
    private var order: [String] = []
    private var bytes = 0

    /// Notes a call, and says what it is to those before.
    ///
    /// The key is unique to what its caller wants, and who calls is part of it; fingerprints are equal for
    /// equal paths and bodies, and equal headers that a call depends on.
    mutating func begin(_ key: String, fingerprint: Int, at now: Timestamp) -> Standing {
        forget(before: now)
        if let call = calls[key] {
            guard call.fingerprint == fingerprint else { return .different }
            return call.answer.map(Standing.repeated) ?? .underway
        }
        if calls.count >= Self.mostCalls { forgetOldest() }
        calls[key] = Call(fingerprint: fingerprint, at: now)
        order.append(key)
        return .new
    }

    /// Keeps the answer; nil forgets the call, so that it may be tried again.
    mutating func finish(_ key: String, with answer: Answer?) {
        guard calls[key] != nil else { return }
        guard let answer, answer.body.count <= Self.mostBytes / 64 else {
            remove(key)
            return
        }
        calls[key]?.answer = answer
        bytes += answer.body.count
        while bytes > Self.mostBytes, order.count > 1 { forgetOldest() }
    }

    private mutating func forget(before now: Timestamp) {
        while let first = order.first, let call = calls[first], now.since(call.at) >= Self.keptFor {
            forgetOldest()
        }
    }

    private mutating func forgetOldest() {
        guard let first = order.first else { return }
        remove(first)
    }

    private mutating func remove(_ key: String) {
        if let call = calls.removeValue(forKey: key) { bytes -= call.answer?.body.count ?? 0 }
        if let index = order.firstIndex(of: key) { order.remove(at: index) }
    }
}
