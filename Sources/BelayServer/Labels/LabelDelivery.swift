import BelayCore
import BelayInference
import BelayInferenceLog
import Foundation

/// A request with labels: its bytes, and what holds for all labels that do not say otherwise.
struct LabelDelivery: Sendable {
    static let mostLabels = 100_000
    static let mostBytes = 32 << 20
    /// In one row of a table.
    private static let mostFields = 256

    struct Defaults: Equatable, Sendable {
        var model: String?
        var kind = LabelKind.outcome
        var source: String?
    }

    let body: [UInt8]
    let contentType: String?
    let defaults: Defaults

    init(body: [UInt8], contentType: String?, defaults: Defaults) {
        let hasByteOrderMark = body.starts(with: [0xef, 0xbb, 0xbf])
        self.body = hasByteOrderMark ? Array(body.dropFirst(3)) : body
        self.contentType = contentType
        self.defaults = defaults
    }

    init(body: [UInt8], contentType: String?, isFeedback: Bool = false) {
        let defaults = Defaults(kind: isFeedback ? .feedback : .outcome)
        self.init(body: body, contentType: contentType, defaults: defaults)
    }

    /// Names the request by its content, so that the same file has the same name.
    var batch: String {
        let digits = String(UnitHash(bytes: body).value, radix: 16)
        return "lab_" + String(repeating: "0", count: max(0, 16 - digits.count)) + digits
    }

    /// The labels; one that cannot be read keeps its place and its fault.
    ///
    /// A JSON object, a JSON array, one object a line, or a table with a header. The content type `text/csv`
    /// decides; without it, a first line that names the columns `id` and `value` or `score` does.
    func labels() throws(LabelsError) -> [Result<LabelBody, LabelFault>] {
        let labels = isTable ? try rows() : try objects()
        guard !labels.isEmpty else { throw .empty }
        guard labels.count <= Self.mostLabels else { throw .tooMany }
        return labels
    }

    private var isTable: Bool {
        if let type = contentType?.lowercased() {
            if type.hasPrefix("text/csv") { return true }
            if type.contains("json") { return false }
        }
        var lines = CSVLines(Array(body.prefix(4096).prefix { $0 != 0x0a }), mostFields: Self.mostFields)
        guard let names = try? lines.next() else { return false }
        let texts = Set(names.map { String(decoding: csvText(body[$0]), as: UTF8.self) })
        return texts.contains("id") && !texts.isDisjoint(with: ["value", "score"])
    }

    // MARK: - JSON

    private func objects() throws(LabelsError) -> [Result<LabelBody, LabelFault>] {
        guard body.first(where: { !Self.isSpace($0) }) == UInt8(ascii: "[") else { return lines() }
        let elements: [ArraySlice<UInt8>]
        do throws(InferenceError) {
            elements = try JSONTree.elements(of: body, most: Self.mostLabels)
        } catch .tooLarge(_, Self.mostLabels) {
            throw .tooMany
        } catch {
            throw .notJSON
        }
        return elements.map { read(Array($0)) }
    }

    /// One object a line; or one object, on as many lines as it likes.
    private func lines() -> [Result<LabelBody, LabelFault>] {
        // Not split at once: a body of line ends would make millions of lines.
        var lines: [ArraySlice<UInt8>] = []
        var rest = body[...]
        while lines.count <= Self.mostLabels, !rest.isEmpty {
            let end = rest.firstIndex(of: 0x0a) ?? rest.endIndex
            if !rest[..<end].allSatisfy(Self.isSpace) { lines.append(rest[..<end]) }
            rest = rest[end...].dropFirst()
        }
        if body.count <= LabelBody.longest, let first = lines.first, lines.count > 1,
            (try? JSONTree(Array(first), mostDepth: 64)) == nil,
            (try? JSONTree(body, mostDepth: 64)) != nil
        {
            return [read(body)]
        }
        return lines.map { read(Array($0)) }
    }

    private func read(_ json: [UInt8]) -> Result<LabelBody, LabelFault> {
        do throws(LabelFault) {
            return .success(try LabelBody(json, defaults: defaults))
        } catch {
            return .failure(error)
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
    }

    // MARK: - CSV

    private func rows() throws(LabelsError) -> [Result<LabelBody, LabelFault>] {
        guard String(validating: body, as: UTF8.self) != nil else { throw .notCSV("The CSV is not UTF-8.") }
        var labels: [Result<LabelBody, LabelFault>] = []
        var lines = CSVLines(body, mostFields: Self.mostFields)
        guard let head = try next(&lines) else { throw .empty }
        let names = head.map { String(decoding: csvText(body[$0]), as: UTF8.self) }
        guard names.contains("id"), names.contains("value") || names.contains("score") else {
            throw .notCSV("The CSV's header has no column 'id', or no column 'value'.")
        }
        guard Set(names).count == names.count else { throw .notCSV("A column of the CSV stands twice.") }
        while labels.count <= Self.mostLabels, let line = try next(&lines) { labels.append(row(line, names)) }
        return labels
    }

    private func next(_ lines: inout CSVLines) throws(LabelsError) -> [Range<Int>]? {
        do throws(InferenceError) {
            return try lines.next()
        } catch {
            throw .notCSV(error.explanation.summary)
        }
    }

    private func row(_ line: [Range<Int>], _ names: [String]) -> Result<LabelBody, LabelFault> {
        guard line.count == names.count else {
            return .failure(.unreadable("the row has \(line.count) fields, the header \(names.count)"))
        }
        let cells = line.map { String(decoding: csvText(body[$0]), as: UTF8.self) }
        do throws(LabelFault) {
            let row = Dictionary(uniqueKeysWithValues: zip(names, cells))
            return .success(try LabelBody(row: row, defaults: defaults))
        } catch {
            return .failure(error)
        }
    }
}

/// JSON with its keys in a fixed order, so that equal values are equal texts.
func canonical(_ value: LabelValue) -> String {
    switch value {
    case .bool(let flag): return flag ? "true" : "false"
    case .number(let number) where abs(number) < 1e15 && number == number.rounded():
        return String(Int64(number))
    default: break
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let data = try? encoder.encode([value])
    return String(decoding: (data ?? Data("[null]".utf8)).dropFirst().dropLast(), as: UTF8.self)
}

extension LabelValue {
    /// Reads what ``canonical(_:)`` wrote; nil for anything else, such as the value of an erased label.
    init?(canonical text: String) {
        guard let tree = try? JSONTree(Array(text.utf8), mostDepth: LabelBody.mostDepth) else { return nil }
        self.init(tree)
    }
}
