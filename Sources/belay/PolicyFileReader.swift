import BelayCore
import Foundation
import Yams

/// Turns the text of a `belay.yaml` into a document with lines and columns.
///
/// Refuses the parts of YAML that a policy does not need: anchors and aliases, merge keys, keys that are no
/// text, several documents. A tag changes nothing.
enum PolicyFileReader {
    /// In bytes; a policy with every step and guard allowed is a hundred times smaller.
    static let largest = 1 << 20

    /// - Throws: ``CommandFailure/unreadableFile(_:reason:)`` or ``CommandFailure/badPolicy(file:_:)``.
    static func read(_ file: String) throws -> PolicyNode {
        let bytes: Data
        do {
            let handle =
                file == "-"
                ? FileHandle.standardInput : try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
            bytes = try handle.read(upToCount: largest + 1) ?? Data()
        } catch {
            let isThere = FileManager.default.fileExists(atPath: file)
            let reason = isThere ? "it is a folder, or not yours to read" : "there is no such file"
            throw CommandFailure.unreadableFile(file, reason: reason)
        }
        return try parse(bytes, file: file)
    }

    /// Reads and decodes; every problem is reported with its line and column.
    static func policy(_ file: String) throws -> (document: PolicyNode, policy: Policy) {
        let document = try read(file)
        switch decodePolicy(document) {
        case .success(let policy): return (document, policy)
        case .failure(let problems): throw CommandFailure.badPolicy(file: file, problems)
        }
    }

    static func parse(_ bytes: Data, file: String) throws -> PolicyNode {
        do {
            return try document(bytes)
        } catch {
            throw CommandFailure.badPolicy(file: file, PolicyProblems(error.problem))
        }
    }

    private static func document(_ bytes: Data) throws(YAMLProblem) -> PolicyNode {
        guard bytes.count <= largest else {
            throw YAMLProblem(1, 1, "the file is larger than \(largest) bytes", "a policy is a page or two")
        }
        guard var text = String(validating: bytes, as: UTF8.self) else {
            throw YAMLProblem(1, 1, "the file is not UTF-8 text", "save it as UTF-8")
        }
        if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
        do {
            let parser = try Parser(yaml: text, encoding: .utf8)
            // Nodes hold their anchors weakly: the parser must outlive the walk that refuses them.
            return try withExtendedLifetime(parser) {
                guard let root = try parser.singleRoot() else {
                    throw YAMLProblem(1, 1, "the file is empty", "begin with belay: 1")
                }
                return try PolicyNode(root, depth: 0)
            }
        } catch let error as YamlError {
            throw YAMLProblem(error, in: text)
        } catch let problem as YAMLProblem {
            throw problem
        } catch {
            throw YAMLProblem(
                1,
                1,
                "the file is not YAML",
                "compare it with the example in the documentation"
            )
        }
    }
}

/// One thing that keeps a text from being a policy document at all.
struct YAMLProblem: Error {
    let problem: PolicyProblem

    init(
        _ line: Int,
        _ column: Int,
        _ message: String,
        _ suggestion: String,
        code: PolicyProblem.Code = .syntax
    ) {
        let place = PolicyNode.Place.mark(line: line, column: column)
        problem = PolicyProblem(at: place, code, message, suggestion: suggestion)
    }

    init(_ mark: Mark?, _ message: String, _ suggestion: String) {
        self.init(mark?.line ?? 1, mark?.column ?? 1, message, suggestion)
    }

    init(_ error: YamlError, in text: String) {
        let hint = "check the indentation, the quotes and the brackets before it"
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _):
            self.init(mark, problem, hint)
        case .composer(_, let problem, let mark, _) where problem.contains("alias"):
            self.init(mark, problem, "write the value out")
        case .composer(_, _, let mark, _):
            self.init(mark, "a second document begins here", "keep one policy a file")
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.map { "\"\($0.prefix(60))\"" }.joined(separator: ", ")
            let message = "the key \(names) stands twice"
            self.init(context.mark.line, context.mark.column, message, "keep one of them", code: .duplicate)
        case .reader(let problem, let offset, _, _):
            let before = text.prefix(offset ?? 0)
            let line = before.count(where: \.isNewline) + 1
            let column = before.reversed().prefix { !$0.isNewline }.count + 1
            self.init(line, column, problem, "take the character out")
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            self.init(1, 1, "the file is not YAML that a policy may use", hint)
        }
    }
}

extension PolicyNode {
    /// - Throws: ``YAMLProblem`` at the first part of YAML that is not taken.
    fileprivate init(_ node: Node, depth: Int) throws {
        guard depth <= Self.deepest else {
            throw YAMLProblem(node.mark, "this is nested too deeply", "a policy needs four levels")
        }
        // An anchor always comes before its aliases, so refusing it keeps copies from being walked.
        guard node.anchor == nil else {
            throw YAMLProblem(
                node.mark,
                "a policy takes no anchors",
                "write the value out where it is needed"
            )
        }
        let place = Place(node.mark)
        switch node {
        case .scalar(let scalar):
            self.init(.scalar(try Scalar(scalar)), at: place)
        case .sequence(let sequence):
            self.init(.sequence(try sequence.map { try PolicyNode($0, depth: depth + 1) }), at: place)
        case .mapping(let mapping):
            let members = try mapping.map { key, value in
                guard case .scalar(let name) = key, key.anchor == nil else {
                    throw YAMLProblem(key.mark, "this key is no text", "write a plain word before the colon")
                }
                guard name.string != "<<" else {
                    throw YAMLProblem(key.mark, "a policy takes no merge keys", "write the keys out")
                }
                let value = try PolicyNode(value, depth: depth + 1)
                return Member(key: name.string, keyPlace: Place(key.mark), value: value)
            }
            self.init(.mapping(members), at: place)
        case .alias(let alias):
            throw YAMLProblem(alias.mark, "a policy takes no aliases", "write the value out")
        }
    }
}

extension PolicyNode.Place {
    fileprivate init(_ mark: Mark?) { self = .mark(line: mark?.line ?? 1, column: mark?.column ?? 1) }
}

extension PolicyNode.Scalar {
    fileprivate init(_ scalar: Node.Scalar) throws {
        switch scalar.style {
        case .any, .plain: self.init(plain: scalar.string)
        case .singleQuoted, .doubleQuoted, .literal, .folded: self.init(text: scalar.string)
        }
    }
}
