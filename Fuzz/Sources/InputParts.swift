/// An input is a line, which may be empty, and a body: what comes in headers, and what comes behind them.
func parts(of input: [UInt8]) -> (line: String, body: [UInt8]) {
    guard let end = input.prefix(64).firstIndex(of: UInt8(ascii: "\n")) else { return ("", input) }
    return (String(decoding: input[..<end], as: UTF8.self), Array(input[(end + 1)...]))
}
