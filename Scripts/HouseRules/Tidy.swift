import Foundation

/// Checks the house rules that neither the compiler nor the formatter knows.
///
/// Run from the root of the repository: prints each finding as `path:line: message — what to do` and exits
/// 1 if there is one. With `--self-test` it checks itself, on samples, instead.
@main
enum Tidy {
    static func main() throws {
        if CommandLine.arguments.contains("--self-test") {
            report(selfTest(), success: "tidy: \(samples.count) samples told apart")
            return
        }
        let sources = try ["Sources", "Tests", "Scripts", "Package.swift", "Makefile"].flatMap(sources)
        let documentation = try? String(contentsOfFile: "docs/errors.md", encoding: .utf8)
        let all =
            sources.flatMap(findings) + errorCodeFindings(in: sources, documentation: documentation)
            + changelogFindings(changed: changedPaths())
        report(all.map(\.text), success: "tidy: \(sources.count) files, nothing to do")
    }

    private static func report(_ complaints: [String], success: String) {
        print(complaints.isEmpty ? success : complaints.joined(separator: "\n"))
        if !complaints.isEmpty { exit(1) }
    }

    /// Returns the text files at `path`: Swift, and scripts, which have no extension.
    private static func sources(at path: String) throws -> [Source] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return [] }
        var paths = [path]
        if isFolder.boolValue {
            paths = try FileManager.default.subpathsOfDirectory(atPath: path).sorted().map { "\(path)/\($0)" }
        }
        return try paths.filter(isChecked).map { path in
            Source(path: path, text: try String(contentsOfFile: path, encoding: .utf8))
        }
    }

    private static func isChecked(_ path: String) -> Bool {
        let name = path.split(separator: "/").last ?? ""
        var isFolder: ObjCBool = false
        return (name.hasSuffix(".swift") || !name.contains(".") || name.hasSuffix(".py"))
            && FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
    }
}
