import CONNXRuntime

/// A C object, named by its address.
///
/// Pointers may not cross threads in Swift; these objects may, by contract of the C side. The number can, and
/// it is turned back into a pointer only in the call that needs it.
struct Handle: Sendable {
    private let address: UInt

    init(_ pointer: OpaquePointer) { self.address = UInt(bitPattern: pointer) }

    @unsafe var pointer: OpaquePointer { unsafe unsafeBitCast(address, to: OpaquePointer.self) }
}

/// Room for the sentence that a failing C function writes.
typealias Reason = (text: UnsafeMutablePointer<CChar>, capacity: Int)

/// Calls a C function that gives an object, or nothing and a reason.
@safe func made(
    _ failure: (String) -> InferenceError,
    _ body: (Reason) -> OpaquePointer?
) throws(InferenceError) -> Handle {
    let outcome: (handle: Handle?, reason: String) = unsafe withReason { reason in
        unsafe body(reason).map(Handle.init)
    }
    guard let handle = outcome.handle else { throw failure(outcome.reason) }
    return handle
}

/// Calls a C function that gives 0, or a code and a reason.
@safe func check(
    _ failure: (String) -> InferenceError,
    _ body: (Reason) -> Int32
) throws(InferenceError) {
    let outcome: (code: Int32?, reason: String) = unsafe withReason { reason in
        let code = unsafe body(reason)
        return code == 0 ? code : nil
    }
    guard outcome.code == nil else { return }
    throw failure(outcome.reason)
}

/// The reason is read only when there is no value.
private func withReason<Value>(_ body: (Reason) -> Value?) -> (Value?, String) {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 2_048) { buffer in
        guard let start = buffer.baseAddress else { return (nil, "no memory for a message") }
        unsafe start.pointee = 0
        let value = unsafe body((start, buffer.count))
        return (value, value == nil ? unsafe sentence(start) : "")
    }
}

/// One line without a full stop, as sentences around it need it.
private func sentence(_ text: UnsafePointer<CChar>) -> String {
    let line = unsafe String(cString: text).split(whereSeparator: \.isNewline).joined(separator: " ")
    return String(line.hasSuffix(".") ? line.dropLast() : line[...])
}
