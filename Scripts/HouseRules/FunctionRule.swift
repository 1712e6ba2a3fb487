/// Functions are short enough to read at once.
func functionFindings(in source: Source) -> [Finding] {
    let code = Array(source.code.joined(separator: "\n").utf8)
    return Scan(code: code).functions().compactMap { function in
        let length = function.lastLine - function.firstLine + 1
        guard length > Limit.functionLines else { return nil }
        let message = "`\(function.name)` has \(length) lines, \(Limit.functionLines) allowed"
        return finding(source, function.firstLine, message, "give its parts names and functions of their own")
    }
}

/// Finds the bodies of functions by their braces, in code whose comments and strings are blank.
private struct Scan {
    struct Function {
        let name: String
        let firstLine: Int
        let lastLine: Int
    }

    let code: [UInt8]

    func functions() -> [Function] {
        var found: [Function] = []
        var line = 1
        var position = 0
        while position < code.count {
            let end = endOfWord(at: position)
            if end > position {
                let word = String(decoding: code[position..<end], as: UTF8.self)
                if declares(word, at: position, end: end), let closing = closingBrace(after: end) {
                    let last = line + newlines(in: position..<closing)
                    found.append(Function(name: name(word, after: end), firstLine: line, lastLine: last))
                }
                position = end
            } else {
                if code[position] == UInt8(ascii: "\n") { line += 1 }
                position += 1
            }
        }
        return found
    }

    /// Whether the word begins a declaration; `.init(…)` and `self.init(…)` are calls.
    private func declares(_ word: String, at position: Int, end: Int) -> Bool {
        switch word {
        case "func", "deinit", "subscript": !isAfterDot(position)
        case "init": !isAfterDot(position) && end < code.count && "(?!<".utf8.contains(code[end])
        default: false
        }
    }

    private func isAfterDot(_ position: Int) -> Bool {
        position > 0 && code[position - 1] == UInt8(ascii: ".")
    }

    /// Returns where the body ends, or nil for a requirement of a protocol, which has none.
    private func closingBrace(after start: Int) -> Int? {
        var parentheses = 0
        var braces = 0
        var position = start
        while position < code.count {
            switch code[position] {
            case UInt8(ascii: "("), UInt8(ascii: "["): parentheses += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"): parentheses -= 1
            case UInt8(ascii: "{") where parentheses == 0 || braces > 0: braces += 1
            case UInt8(ascii: "}") where braces > 0 || parentheses == 0:
                braces -= 1
                if braces <= 0 { return braces == 0 ? position : nil }
            case _ where braces == 0 && parentheses == 0 && beginsDeclaration(at: position): return nil
            default: break
            }
            position += 1
        }
        return nil
    }

    private func beginsDeclaration(at position: Int) -> Bool {
        guard position > 0, !isPartOfWord(code[position - 1]) else { return false }
        let end = endOfWord(at: position)
        guard end > position else { return false }
        let next = ["func", "var", "let", "init", "deinit", "subscript", "case", "struct", "enum", "class"]
        return next.contains(String(decoding: code[position..<end], as: UTF8.self))
    }

    private func name(_ word: String, after end: Int) -> String {
        guard word == "func" else { return word }
        let rest = code[end...].drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "`") }
        return String(decoding: rest.prefix { isPartOfWord($0) || $0 > 0x7F }, as: UTF8.self)
    }

    private func endOfWord(at position: Int) -> Int {
        var end = position
        while end < code.count, isPartOfWord(code[end]) { end += 1 }
        return end
    }

    private func isPartOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
    }

    private func newlines(in range: Range<Int>) -> Int {
        code[range].count { $0 == UInt8(ascii: "\n") }
    }
}
