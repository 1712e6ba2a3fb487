import ArgumentParser
import BelayCore
import BelayServer
import Foundation

/// `belay label`: the truth about answers, arriving later.
struct LabelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label",
        abstract: "Send labels: the truth about answers that were given.",
        discussion: """
            One object a line or one JSON array: {"id": "…", "value": 1}, with "at" and "kind" where known. \
            Late is fine, and so is sending a file twice.
            """
    )

    @Argument(help: "The model that answered.", transform: modelName)
    var model: ModelName

    @Argument(help: "A file of labels; - reads standard input.")
    var file: String

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        var total = LabelsView.none
        var splitter = LabelSplitter()
        var batch = LabelBatch(model: model)
        let handle = try open()
        do {
            while let chunk = try read(handle) {
                for object in try splitter.take(chunk) {
                    batch.add(object)
                    if batch.isFull { try await send(&batch, client, &total) }
                }
                // Who pipes labels as they come wants them to count as they come.
                if file == "-" { try await send(&batch, client, &total) }
            }
            try splitter.finish()
        } catch let stray as LabelSplitter.Stray {
            try await send(&batch, client, &total)
            tell(total)
            throw CommandFailure.unreadableLabels(file: file, line: stray.line)
        }
        try await send(&batch, client, &total)
        try options.show(total) { look in
            let mark = total.rejected.isEmpty ? look.good(look.symbols.pass) : look.bad(look.symbols.fail)
            return
                "\(mark) \(grouped(total.accepted)) accepted, of which \(grouped(total.counted)) count and "
                + "\(grouped(total.repeated)) repeat; \(grouped(total.rejected.count)) rejected\n"
        }
        guard !total.rejected.isEmpty else { return }
        tell(total)
        throw ExitStatus.error.silently
    }

    private func send(_ batch: inout LabelBatch, _ client: Client, _ total: inout LabelsView) async throws {
        guard !batch.isEmpty else { return }
        let answer: LabelsView = try await client.post(.labels, ndjson: batch.body)
        total = total.adding(batch.inFile(answer))
        batch.removeAll()
    }

    private func tell(_ total: LabelsView) {
        let shown = 20
        for rejected in total.rejected.prefix(shown) {
            Stream.talk.line("\(file):\(rejected.line)  \(printable(rejected.detail)) [\(rejected.code)]")
        }
        if total.rejected.count > shown { Stream.talk.line("and \(total.rejected.count - shown) more") }
    }

    private func open() throws -> FileHandle {
        guard file != "-" else { return .standardInput }
        do {
            return try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
        } catch {
            throw CommandFailure.unreadableFile(file, reason: "there is no such file, or not yours to read")
        }
    }

    private func read(_ handle: FileHandle) throws -> Data? {
        let chunk: Data
        do {
            // `availableData` returns what has arrived, and would load a whole file at once.
            chunk = file == "-" ? handle.availableData : try handle.read(upToCount: 1 << 16) ?? Data()
        } catch {
            throw CommandFailure.unreadableFile(file, reason: "it is a folder, or reading it failed")
        }
        return chunk.isEmpty ? nil : chunk
    }
}
