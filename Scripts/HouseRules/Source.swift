/// A text file with its code, its comments and the inside of its strings told apart.
///
/// `code` and `comments` have the lines of the file, byte for byte as long, with everything else blanked:
/// what is found at a place in one is at that place in the others.
struct Source {
    /// The path from the root of the repository.
    let path: String
    let lines: [String]
    let code: [String]
    let comments: [String]

    init(path: String, text: String) {
        self.path = path
        let parts = path.hasSuffix(".swift") ? Lexer.parts(of: text) : (code: text, comments: "")
        lines = Self.lines(of: text)
        code = Self.lines(of: parts.code)
        comments = Self.lines(of: parts.comments)
    }

    /// The target of a file under Sources/.
    var target: String? {
        let folders = path.split(separator: "/")
        return folders.first == "Sources" && folders.count > 2 ? String(folders[1]) : nil
    }

    /// The lines' number, as editors count: an ending newline begins no line.
    var lineCount: Int { lines.last == "" ? lines.count - 1 : lines.count }

    var isTest: Bool { path.hasPrefix("Tests/") }

    /// Whether `// tidy: reason` stands on the line, or alone on the line above it.
    func excuses(line: Int) -> Bool {
        func hasReason(_ index: Int) -> Bool {
            guard comments.indices.contains(index), let mark = comments[index].range(of: "tidy: ") else {
                return false
            }
            return comments[index][mark.upperBound...].contains { $0.isLetter }
        }
        let index = line - 1
        let isAloneAbove = code.indices.contains(index - 1) && code[index - 1].allSatisfy(\.isWhitespace)
        return hasReason(index) || isAloneAbove && hasReason(index - 1)
    }

    private static func lines(of text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}

/// Tells Swift's code from comments and strings, interpolations included.
///
/// It knows nested comments, raw and multi-line strings and `#/…/#`; a bare `/…/` with a quote in it would
/// mislead it, which is a reason to write such an expression with the number signs.
private struct Lexer {
    private enum Context {
        /// The parentheses open since an interpolation began; unused outside one.
        case code(parentheses: Int)
        case string(numberSigns: Int, isMultiline: Bool)
    }

    private let bytes: [UInt8]
    private var code: [UInt8]
    private var comments: [UInt8]
    private var position = 0
    private var contexts = [Context.code(parentheses: 0)]

    static func parts(of text: String) -> (code: String, comments: String) {
        var lexer = Lexer(bytes: Array(text.utf8))
        while lexer.position < lexer.bytes.count { lexer.step() }
        return (String(decoding: lexer.code, as: UTF8.self), String(decoding: lexer.comments, as: UTF8.self))
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
        code = bytes
        comments = bytes.map { $0 == UInt8(ascii: "\n") ? $0 : UInt8(ascii: " ") }
    }

    private mutating func step() {
        switch contexts.last {
        case .string(let numberSigns, let isMultiline):
            stepInString(numberSigns, isMultiline)
        case .code(let parentheses):
            stepInCode(parentheses)
        case nil:
            preconditionFailure("the outermost context is code and never ends")
        }
    }

    private mutating func stepInCode(_ parentheses: Int) {
        if sees("//") {
            takeComment { $0.sees("\n") }
        } else if sees("/*") {
            takeNestedComment()
        } else if let opening = opening() {
            position += opening.length
            if opening.isExpression {
                takeExpression(closedBy: "/" + String(repeating: "#", count: opening.numberSigns))
            } else {
                contexts.append(
                    .string(numberSigns: opening.numberSigns, isMultiline: opening.isMultiline)
                )
            }
        } else {
            count(parentheses)
            position += 1
        }
    }

    /// Follows the parentheses of an interpolation, whose last one leads back into the string.
    private mutating func count(_ parentheses: Int) {
        guard contexts.count > 1, sees("(") || sees(")") else { return }
        contexts.removeLast()
        let open = parentheses + (sees("(") ? 1 : -1)
        if open > 0 { contexts.append(.code(parentheses: open)) }
    }

    private mutating func stepInString(_ numberSigns: Int, _ isMultiline: Bool) {
        let signs = String(repeating: "#", count: numberSigns)
        let closing = (isMultiline ? "\"\"\"" : "\"") + signs
        if sees("\\\(signs)(") {
            position += 2 + numberSigns
            contexts.append(.code(parentheses: 1))
        } else if sees("\\" + signs) {
            blank(2 + numberSigns)
        } else if sees(closing) {
            position += closing.utf8.count
            contexts.removeLast()
        } else if sees("\n"), !isMultiline {
            contexts.removeLast()
        } else {
            blank(1)
        }
    }

    /// Returns what opens here, if a string or an extended regular expression does.
    private func opening() -> (length: Int, numberSigns: Int, isMultiline: Bool, isExpression: Bool)? {
        let numberSigns = bytes[position...].prefix { $0 == UInt8(ascii: "#") }.count
        if sees("\"\"\"", ahead: numberSigns) { return (numberSigns + 3, numberSigns, true, false) }
        if sees("\"", ahead: numberSigns) { return (numberSigns + 1, numberSigns, false, false) }
        let isExpression = numberSigns > 0 && sees("/", ahead: numberSigns)
        return isExpression ? (numberSigns + 1, numberSigns, false, true) : nil
    }

    private mutating func takeExpression(closedBy closing: String) {
        while position < bytes.count, !sees(closing) { blank(1) }
        position += closing.utf8.count
    }

    private mutating func takeComment(until isOver: (Self) -> Bool) {
        while position < bytes.count, !isOver(self) { comment(1) }
    }

    private mutating func takeNestedComment() {
        var depth = 0
        repeat {
            if sees("/*") {
                depth += 1
                comment(2)
            } else if sees("*/") {
                depth -= 1
                comment(2)
            } else {
                comment(1)
            }
        } while depth > 0 && position < bytes.count
    }

    private mutating func comment(_ length: Int) {
        for index in position..<min(position + length, bytes.count) { comments[index] = bytes[index] }
        blank(length)
    }

    private mutating func blank(_ length: Int) {
        for index in position..<min(position + length, bytes.count) where bytes[index] != UInt8(ascii: "\n") {
            code[index] = UInt8(ascii: " ")
        }
        position += length
    }

    private func sees(_ text: String, ahead: Int = 0) -> Bool {
        bytes.dropFirst(position + ahead).starts(with: text.utf8)
    }
}
