import Foundation

/// An error code as the source writes it: `code: "ledger.moved", summary: "…"`.
struct ErrorCode {
    let code: String
    /// The literal of the summary beside it, where there is one.
    let summary: String?
    let path: String
    let line: Int
}

/// Each error code means one thing, and docs/errors.md says what to do about it.
///
/// `documentation` is that file's text, nil where there is no such file.
func errorCodeFindings(in sources: [Source], documentation: String?) -> [Finding] {
    let codes = sources.filter { $0.target != nil }.flatMap(errorCodes)
    var first: [String: ErrorCode] = [:]
    var found: [Finding] = []
    for each in codes {
        if let earlier = first[each.code] {
            let isSameError = each.summary != nil && each.summary == earlier.summary
            guard !isSameError else { continue }
            let message = "the code `\(each.code)` is taken by \(earlier.path):\(earlier.line)"
            found.append(finding(each, message, "one code, one meaning: choose another"))
        } else {
            first[each.code] = each
            guard let documentation, !documentation.contains("`\(each.code)`") else { continue }
            let message = "the code `\(each.code)` is not in docs/errors.md"
            found.append(finding(each, message, "describe it there, in backticks"))
        }
    }
    if documentation == nil, let any = codes.first {
        let remedy = "write the file, with each code in backticks and what to do about it"
        found.append(finding(any, "there are error codes and no docs/errors.md", remedy))
    }
    return found
}

private func finding(_ code: ErrorCode, _ message: String, _ remedy: String) -> Finding {
    Finding(path: code.path, line: code.line, message: message, remedy: remedy)
}

private func errorCodes(in source: Source) -> [ErrorCode] {
    source.code.indices.flatMap { index in
        literals(labelled: "code", in: source, line: index).map { code in
            let nearby = index..<min(index + 4, source.code.count)
            let summary = nearby.flatMap { literals(labelled: "summary", in: source, line: $0) }.first
            return ErrorCode(code: code, summary: summary, path: source.path, line: index + 1)
        }
    }
}

/// Returns the strings that follow `label:` on the line; the label is code, the string is not.
private func literals(labelled label: String, in source: Source, line index: Int) -> [String] {
    let code = Array(source.code[index].utf8)
    let raw = Array(source.lines[index].utf8)
    let opening = Array("\(label): \"".utf8)
    return code.indices.compactMap { start in
        let isWholeWord = start == 0 || !isLetter(code[start - 1])
        guard isWholeWord, code[start...].starts(with: opening) else { return nil }
        let begin = start + opening.count
        guard let end = code[begin...].firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        return String(decoding: raw[begin..<end], as: UTF8.self)
    }
}

private func isLetter(_ byte: UInt8) -> Bool { Character(UnicodeScalar(byte)).isLetter }

/// What changes Sources/ tells operators so; `changed` holds the paths that differ from what is shared.
func changelogFindings(changed: Set<String>) -> [Finding] {
    let source = changed.filter { $0.hasPrefix("Sources/") }.min()
    guard let source, !changed.contains("CHANGELOG.md") else { return [] }
    let remedy = "say there what an operator will notice, under Added, Changed, Fixed or Breaking"
    return [Finding(path: source, line: 1, message: "changed without CHANGELOG.md", remedy: remedy)]
}

/// Returns the paths changed since the branch left the shared one; empty where git cannot tell.
func changedPaths() -> Set<String> {
    guard git("rev-parse", "--verify", "--quiet", "HEAD") != nil else { return [] }
    let base = git("merge-base", "HEAD", "origin/HEAD") ?? git("merge-base", "HEAD", "origin/main") ?? "HEAD"
    let changed = git("diff", "--name-only", base) ?? ""
    let added = git("ls-files", "--others", "--exclude-standard") ?? ""
    return Set((changed + "\n" + added).split(separator: "\n").map(String.init))
}

private func git(_ arguments: String...) -> String? {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["git"] + arguments
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return process.terminationStatus == 0 ? text.trimmingCharacters(in: .whitespacesAndNewlines) : nil
}
