import BelayCore
import BelayInferenceLog
import HTTPTypes
import Hummingbird
import NIOCore

extension AnswerRoutes {
    /// Subjects that one way through the log finds; for more, it is read again.
    static let subjectsAtOnce = 20_000
    /// Blocks that could not be read, as many as are told of.
    private static let mostFaults = 100

    /// Whom a release's version answered, by hash: all of them, or `limit` from the hash `from` on.
    @Sendable
    func releaseSubjects(_ request: Request, context: CallContext) async throws -> Response {
        let (filter, model) = try await candidate(request, context)
        let from = try request.parsed("from", as: "hash of 16 hexadecimal digits") { text in
            text.utf8.count == 16 ? UInt64(text, radix: 16) : nil
        }
        let limit = try request.parsed("limit", as: "limit from 1 up") {
            Int($0).flatMap { $0 >= 1 ? min($0, Self.subjectsAtOnce) : nil }
        }
        let durable = await withSuperseded(model)
        var headers: HTTPFields = [.contentType: Form.ndjson.contentType, .cacheControl: "no-store"]
        guard let limit else {
            let pages = Pages(routes: self, filter: filter, durable: durable, from: from ?? 0)
            return Response(status: .ok, headers: headers, body: ResponseBody(pages, madeBy: readers))
        }
        let (lines, next) = try await readers.run {
            let page = try await subjects(filter, durable, from: from ?? 0, most: limit)
            return (try page.lines(), page.next)
        }
        if let next, let name = HTTPField.Name("Belay-Next") { headers[name] = hexadecimal(next) }
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: lines))
    }

    /// All that is left of a list of subjects, a page at a time.
    private struct Pages: PieceSource {
        let routes: AnswerRoutes
        let filter: AnswerFilter
        let durable: ModelName?
        /// Where the next page begins; nil behind the last.
        var from: UInt64?

        mutating func next() async throws -> ByteBuffer? {
            guard let start = from else { return nil }
            let most = AnswerRoutes.subjectsAtOnce
            let page = try await routes.subjects(filter, durable, from: start, most: most)
            from = page.next
            return try page.lines()
        }
    }

    private struct Page {
        let faults: [AnswerFaultView]
        let subjects: [SubjectView]
        /// Where the next page begins; nil behind the last.
        let next: UInt64?

        func lines() throws -> ByteBuffer {
            var buffer = ByteBuffer()
            for fault in faults {
                buffer.writeBytes(try CompactJSON.bytes(of: fault))
                buffer.writeInteger(UInt8(ascii: "\n"))
            }
            for subject in subjects {
                buffer.writeBytes(try CompactJSON.bytes(of: subject))
                buffer.writeInteger(UInt8(ascii: "\n"))
            }
            return buffer
        }
    }

    /// One way through the log.
    private func subjects(
        _ filter: AnswerFilter,
        _ durable: ModelName?,
        from: UInt64,
        most: Int
    ) async throws -> Page {
        var reading = Reading(cursor: await log.answers(matching: filter), log: log, model: durable)
        var tally = SubjectTally(from: from, most: most)
        var faults: [AnswerFaultView] = []
        while let step = try await step(&reading) {
            // Others wait for this thread.
            await Task.yield()
            switch step {
            case .answers(let records): for record in records { tally.add(record) }
            // Each page would meet it again.
            case .fault(let fault): if from == 0, faults.count < Self.mostFaults { faults.append(fault) }
            }
        }
        let (subjects, next) = tally.page
        return Page(faults: faults, subjects: subjects, next: next)
    }

    private enum Step {
        case answers([AnswerRecord])
        case fault(AnswerFaultView)
    }

    /// The next block's answers that were given, or why it has none; nil at the end.
    private func step(_ reading: inout Reading) async throws -> Step? {
        do {
            guard let (answers, superseded) = try await reading.next() else { return nil }
            return .answers(answers.filter { !superseded.contains($0.position) }.map(\.record))
        } catch {
            guard error.category == .failed else { throw error }
            return .fault(AnswerFaultView(error))
        }
    }
}
