import Foundation

/// How text for one stream looks: coloured or not, with symbols that its reader can show.
///
/// Colour never carries a meaning alone; every coloured word is also a symbol or a word.
struct Look: Equatable {
    let isColoured: Bool
    let symbols: Symbols

    init(isColoured: Bool, symbols: Symbols) {
        self.isColoured = isColoured
        self.symbols = symbols
    }

    init(_ stream: Stream) {
        self.init(isTerminal: stream.isTerminal, environment: ProcessInfo.processInfo.environment)
    }

    init(isTerminal: Bool, environment: [String: String]) {
        let refusesColour = !(environment["NO_COLOR"] ?? "").isEmpty || environment["TERM"] == "dumb"
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty }
        let name = locale?.lowercased() ?? "utf-8"
        self.init(
            isColoured: isTerminal && !refusesColour,
            symbols: name.contains("utf-8") || name.contains("utf8") ? .unicode : .ascii
        )
    }

    func good(_ text: String) -> String { coloured(text, "32") }
    func bad(_ text: String) -> String { coloured(text, "31") }
    func faint(_ text: String) -> String { coloured(text, "2") }

    private func coloured(_ text: String, _ code: String) -> String {
        isColoured ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
    }
}

/// The few marks that carry a meaning.
struct Symbols: Equatable {
    let pass: String
    let fail: String
    let held: String
    let undecided: String
    let running: String
    let nothing: String
    let arrow: String
    let cut: String

    static let unicode = Symbols(
        pass: "✓",
        fail: "✕",
        held: "‖",
        undecided: "?",
        running: "▶",
        nothing: "·",
        arrow: "→",
        cut: "…"
    )
    static let ascii = Symbols(
        pass: "ok",
        fail: "x",
        held: "=",
        undecided: "?",
        running: ">",
        nothing: ".",
        arrow: "->",
        cut: ">"
    )
}
