import BelayServer
import Foundation

/// A file of labels, or standard input, read a piece at a time.
struct LabelFile {
    enum Form: String, CaseIterable {
        case jsonl, csv

        var contentType: String { self == .csv ? "text/csv" : "application/x-ndjson" }
    }

    /// `-` is standard input.
    let path: String
    let form: Form
    private let handle: FileHandle

    /// Without a form, the name's ending decides.
    init(path: String, form: Form?) throws {
        self.path = path
        self.form = form ?? (path.lowercased().hasSuffix(".csv") ? .csv : .jsonl)
        guard path != "-" else {
            handle = .standardInput
            return
        }
        do {
            handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        } catch {
            throw CommandFailure.unreadableFile(path, reason: "there is no such file, or not yours to read")
        }
    }

    /// Fills batches and gives each to `send`, which empties it; the last labels before what cannot be read
    /// are sent too.
    func read(_ send: (inout LabelBatch) async throws -> Void) async throws {
        var batch = LabelBatch()
        do {
            switch form {
            case .jsonl: try await readObjects(&batch, send)
            case .csv: try await readRows(&batch, send)
            }
        } catch let stray as LabelSplitter.Stray {
            try await send(&batch)
            throw CommandFailure.unreadableLabels(file: path, line: stray.line)
        } catch let endless as RowSplitter.Endless {
            try await send(&batch)
            throw CommandFailure.unreadableLabels(file: path, line: endless.line)
        }
        try await send(&batch)
    }

    private func readObjects(
        _ batch: inout LabelBatch,
        _ send: (inout LabelBatch) async throws -> Void
    ) async throws {
        var splitter = LabelSplitter()
        var isFirst = true
        while var chunk = try chunk() {
            if isFirst, chunk.starts(with: [0xef, 0xbb, 0xbf]) { chunk = chunk.dropFirst(3) }
            isFirst = false
            for object in try splitter.take(chunk) {
                batch.add(object.bytes, line: object.line, isObject: true)
                if batch.isFull { try await send(&batch) }
            }
            try await sendEarly(&batch, send)
        }
        try splitter.finish()
    }

    private func readRows(
        _ batch: inout LabelBatch,
        _ send: (inout LabelBatch) async throws -> Void
    ) async throws {
        var splitter = RowSplitter()
        func add(_ row: RowSplitter.Row) {
            if batch.header.isEmpty {
                batch.header = Data(row.bytes + [0x0a])
            } else {
                batch.add(row.bytes, line: row.line, isObject: false)
            }
        }
        while let chunk = try chunk() {
            for row in try splitter.take(chunk) {
                add(row)
                if batch.isFull { try await send(&batch) }
            }
            try await sendEarly(&batch, send)
        }
        if let last = try splitter.finish() { add(last) }
    }

    /// Who pipes labels as they come wants them to count as they come.
    private func sendEarly(
        _ batch: inout LabelBatch,
        _ send: (inout LabelBatch) async throws -> Void
    ) async throws {
        if path == "-" { try await send(&batch) }
    }

    private func chunk() throws -> Data? {
        let chunk: Data
        do {
            // `availableData` returns what has arrived, and would load a whole file at once.
            chunk = path == "-" ? handle.availableData : try handle.read(upToCount: 1 << 16) ?? Data()
        } catch {
            throw CommandFailure.unreadableFile(path, reason: "it is a folder, or reading it failed")
        }
        return chunk.isEmpty ? nil : chunk
    }
}
