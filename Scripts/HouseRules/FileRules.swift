import Foundation

/// Imports stay within the target's row of `arrows`.
func importFindings(in source: Source) -> [Finding] {
    guard let target = source.target else { return [] }
    let isCovered = target == "CONNXRuntime" || arrows[target] != nil
    guard isCovered else {
        let message = "the target \(target) has no row in the table of imports"
        return [finding(source, 1, message, "add one to Scripts/HouseRules/Tables.swift", excusedIn: nil)]
    }
    let allowed = arrows[target] ?? []
    return source.code.enumerated().compactMap { index, line in
        guard let module = importedModule(line), !isAllowed(module, by: allowed) else { return nil }
        let message = "\(target) may not import \(module)"
        let remedy =
            pureTargets.contains(target)
            ? "the core takes values and returns values; what needs \(module) belongs in an adapter"
            : "move the code to a target that may, or change the arrow in ARCHITECTURE.md and Tables.swift"
        return finding(source, index + 1, message, remedy, excusedIn: nil)
    }
}

/// A system's C library goes by three names.
private func isAllowed(_ module: String, by allowed: Set<String>) -> Bool {
    let isCLibrary = ["Glibc", "Musl", "Darwin"].contains(module)
    return allowed.contains(isCLibrary ? "Glibc" : module)
}

private func importedModule(_ line: String) -> String? {
    let words = words(in: line)
    guard let place = words.firstIndex(of: "import"), place + 1 < words.count else { return nil }
    let access: Set = ["package", "public", "internal", "fileprivate", "private"]
    let attributes: Set = ["testable", "preconcurrency", "unsafe"]
    guard words[..<place].allSatisfy(access.union(attributes).contains) else { return nil }
    let kinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
    return words[(place + 1)...].first { !kinds.contains($0) }
}

/// Code and comments are free of the banned texts.
func textFindings(in source: Source) -> [Finding] {
    let bans = (bannedTexts + impureTexts).filter { ban in
        ban.inside.contains(where: source.path.hasPrefix)
            && !ban.outside.contains(where: source.path.hasPrefix)
    }
    var found: [Finding] = []
    for (index, line) in source.code.enumerated() {
        for ban in bans where holds(line, ban.text) {
            found.append(
                finding(source, index + 1, "`\(ban.text)` is banned", ban.instead, excusedIn: ban.excusedIn)
            )
        }
    }
    for (index, line) in source.comments.enumerated() {
        for mark in bannedRemarks where words(in: line).contains(mark) {
            found.append(finding(source, index + 1, "\(mark) in a comment", "file an issue, or do it"))
        }
    }
    return found
}

/// Whether `text` stands in `line` by itself, not as the end of a longer name or of a method call.
private func holds(_ line: String, _ text: String) -> Bool {
    var rest = line[...]
    while let place = rest.range(of: text) {
        let before = line[..<place.lowerBound].last
        let isPartOfMore = before.map { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." } ?? false
        if !isPartOfMore || text.first.map({ !$0.isLetter }) ?? true { return true }
        rest = rest[place.upperBound...]
    }
    return false
}

/// Names of types, functions and files say something, in the words of the glossary.
func nameFindings(in source: Source) -> [Finding] {
    let file = source.path.split(separator: "/").last?.split(separator: ".").first.map(String.init) ?? ""
    var names = [(file, 1)]
    for (index, line) in source.code.enumerated() {
        names += declaredNames(in: line).map { ($0, index + 1) }
    }
    var found: [Finding] = []
    for (name, line) in names {
        let words = camelWords(of: name)
        let pairs = zip(words, words.dropFirst()).map { $0 + $1 }
        for word in words where emptyWords.contains(word) {
            found.append(finding(source, line, "`\(name)` says “\(word)”", "name what it does or what it is"))
        }
        for word in words + pairs {
            guard let right = glossary[word] ?? glossary[singular(word)] else { continue }
            found.append(
                finding(source, line, "`\(name)` says “\(word)”", "the glossary's word is “\(right)”")
            )
        }
    }
    return found
}

private func singular(_ word: String) -> String { word.hasSuffix("s") ? String(word.dropLast()) : word }

/// Returns the types and functions that the line declares.
private func declaredNames(in line: String) -> [String] {
    let keywords: Set = ["struct", "class", "enum", "actor", "protocol", "typealias", "func"]
    let words = words(in: line)
    return zip(words, words.dropFirst()).compactMap { keyword, name in
        keywords.contains(keyword) && !keywords.contains(name) && name != "var" ? name : nil
    }
}

/// Files and lines are short enough to read.
func lengthFindings(in source: Source) -> [Finding] {
    var found: [Finding] = []
    for (index, line) in source.lines.enumerated() where line.count > Limit.columns {
        let message = "\(line.count) columns, \(Limit.columns) allowed"
        found.append(finding(source, index + 1, message, "break the line"))
    }
    let limit = source.isTest ? Limit.testFileLines : Limit.fileLines
    if source.path.hasSuffix(".swift"), source.lineCount > limit {
        let message = "\(source.lineCount) lines, \(limit) allowed"
        found.append(finding(source, 1, message, "split the file by idea"))
    }
    return found
}

func finding(
    _ source: Source,
    _ line: Int,
    _ message: String,
    _ remedy: String,
    excusedIn: String? = ""
) -> Finding {
    Finding(path: source.path, line: line, message: message, remedy: remedy, excusedIn: excusedIn)
}

/// Returns the names and keywords of a line of code.
func words(in line: String) -> [String] {
    line.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
}

/// Returns the parts of a name in lower case: `HTTPServer2Pool` is http, server2, pool.
func camelWords(of name: String) -> [String] {
    let letters = Array(name)
    var parts: [String] = [""]
    for (index, letter) in letters.enumerated() {
        let followsSmall = index > 0 && !letters[index - 1].isUppercase
        let startsWord = index + 1 < letters.count && letters[index + 1].isLowercase
        if letter == "_" || letter.isUppercase && (followsSmall || startsWord) { parts.append("") }
        if letter != "_" { parts[parts.count - 1] += letter.lowercased() }
    }
    return parts.filter { !$0.isEmpty }
}
