import BelayArtifacts
import BelayControl
import BelayCore
import BelayInferenceLog
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// What was answered, to whom, and how to forget it.
///
/// `GET /v1/models/{model}/predictions`, `GET /v1/releases/{release}/answers`, `…/subjects` and
/// `POST /v1/models/{model}/erasures`. Lists are as long as the log and are written a block at a time. With
/// `limit` they come in pages, and `Belay-Next` says where the next begins.
struct AnswerRoutes: Sendable {
    enum Form: String {
        case ndjson, csv

        var contentType: String { self == .csv ? "text/csv; charset=utf-8" : "application/x-ndjson" }
        var header: String { self == .csv ? AnswerView.csvHeader : "" }
    }

    /// A page is closed above this, whatever its limit.
    private static let pageBytes = 4 << 20
    private static let mostSubjectBytes = 1024

    let log: InferenceLog
    let labels: LabelStore
    let desk: Desk
    /// Reads and writes out what may be as long as the log.
    let readers: ThreadExecutor
    /// Draws the salts of erasures.
    let random: @Sendable () -> UInt64

    func register(on router: RouterGroup<CallContext>) {
        router.get("models/:model/predictions", use: predictions)
        router.post("models/:model/erasures", use: erase)
        router.get("releases/:release/answers", use: releaseAnswers)
        router.get("releases/:release/subjects", use: releaseSubjects)
    }

    @Sendable
    private func predictions(_ request: Request, context: CallContext) async throws -> Response {
        let model = try await known(context)
        var filter = AnswerFilter(model: model.name)
        if let release = try request.parsed("release", as: "release", { ReleaseID($0) }) {
            let known = await desk.snapshot().state.releases[release]
            guard known?.proposal.endpoint.model == model.name else { throw Refusal.unknownRelease(release) }
            filter.release = release
        }
        filter.arm = try request.parsed("arm", as: "arm") { Arm(rawValue: $0) }
        return try await list(filter, request, model)
    }

    /// What the release's version answered, on trial and afterwards, until another release of it.
    @Sendable
    private func releaseAnswers(_ request: Request, context: CallContext) async throws -> Response {
        let (filter, model) = try await candidate(request, context)
        return try await list(filter, request, model)
    }

    @Sendable
    private func erase(_ request: Request, context: CallContext) async throws -> Response {
        let model = try await known(context)
        let body = try await request.json(ErasureBody.self, keys: ["subject"])
        guard !body.subject.isEmpty, body.subject.utf8.count <= Self.mostSubjectBytes else {
            throw RequestError.badBody("'subject' must have 1 to \(Self.mostSubjectBytes) bytes")
        }
        let count = try await log.erase(
            subject: UnitHash(bytes: body.subject.utf8),
            model: model.name,
            labels: labels
        )
        let (first, second) = (random(), random())
        var proof: [UInt8] = []
        for word in [first, second] {
            withUnsafeBytes(of: word.bigEndian) { proof.append(contentsOf: $0) }
        }
        proof.append(contentsOf: body.subject.utf8)
        let erasure = Erasure(
            model: model.name,
            answers: count.answers,
            labels: count.labels,
            commitment: sha256(proof)
        )
        // Afterwards, when the counts are known. Whoever gets an error instead repeats it: what is erased
        // stays erased, and an entry says that somebody was to be forgotten.
        try await desk.conductor.perform(.recordErasure(erasure), by: request.actor, reason: nil)
        return try jsonResponse(
            ErasureView(
                answers: count.answers,
                labels: count.labels,
                commitment: erasure.commitment.hex,
                salt: hexadecimal(first) + hexadecimal(second)
            )
        )
    }
}

// MARK: - Lists

extension AnswerRoutes {
    private func list(_ asked: AnswerFilter, _ request: Request, _ model: Model) async throws -> Response {
        var filter = asked
        let since = try request.parsed("since", as: "time like 2026-11-23T14:25:03Z") { Timestamp($0) }
        filter.since = [filter.since, since].compactMap { $0 }.max()
        filter.includesShadows =
            try request.parsed("shadows", as: "true or false") { Bool($0) } ?? false
        if let reference = try request.parsed("version", as: "version", VersionReference.init) {
            guard let version = model.version(reference) else {
                throw Refusal.unknownVersion(model.name, reference.description)
            }
            filter.version = version.id.number
        }
        let form = try request.parsed("format", as: "ndjson or csv") { Form(rawValue: $0) } ?? .ndjson
        let from =
            try request.parsed("from", as: "position from 0 up") { Int($0).flatMap { $0 >= 0 ? $0 : nil } }
            ?? 0
        let reading = Reading(
            cursor: await log.answers(matching: filter, from: from),
            log: log,
            model: await withSuperseded(model)
        )
        let limit = try request.parsed("limit", as: "limit from 1 up") {
            Int($0).flatMap { $0 >= 1 ? $0 : nil }
        }
        guard let limit else { return stream(reading, form) }
        return try await readers.run { try await page(reading, form, limit: limit, isFirst: from == 0) }
    }

    /// The model, if some of its answers may have been recorded and then not given.
    func withSuperseded(_ model: Model) async -> ModelName? {
        let state = await desk.snapshot().state
        let endpoints = state.endpoints.values.filter { $0.id.model == model.name }
        let proposals = state.releases.values.lazy.map(\.proposal).filter { $0.endpoint.model == model.name }
        let isDurable =
            endpoints.contains { $0.effectivePolicy.serving.record.durability == .durable }
            || proposals.contains { $0.policy.serving.record.durability == .durable }
        return isDurable ? model.name : nil
    }

    /// A way through the log that says what was not given in the end.
    struct Reading {
        var cursor: AnswerCursor
        let log: InferenceLog
        /// Nil when there is nothing of that kind.
        let model: ModelName?

        /// The next answers with the positions of those; nil at the end.
        mutating func next() async throws(InferenceLogError)
            -> (answers: [StoredAnswer], superseded: Set<Int>)?
        {
            guard let answers = try await cursor.next() else { return nil }
            guard let model else { return (answers, []) }
            return (answers, try await log.superseded(among: answers, of: model))
        }
    }

    /// All that is left of a list, a block at a time.
    private struct Blocks: PieceSource {
        var reading: Reading
        let form: Form
        /// What stands before the first line.
        var header: String?

        mutating func next() async throws -> ByteBuffer? {
            if let header {
                self.header = nil
                return ByteBuffer(string: header)
            }
            guard let lines = try await AnswerRoutes.lines(&reading, form) else { return nil }
            var buffer = ByteBuffer()
            for line in lines { buffer.writeBytes(line.bytes) }
            return buffer
        }
    }

    private func stream(_ start: Reading, _ form: Form) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: form.contentType, .cacheControl: "no-store"],
            body: ResponseBody(Blocks(reading: start, form: form, header: form.header), madeBy: readers)
        )
    }

    private func page(
        _ start: Reading,
        _ form: Form,
        limit: Int,
        isFirst: Bool
    ) async throws -> Response {
        var reading = start
        var buffer = ByteBuffer(string: isFirst ? form.header : "")
        var count = 0
        var next: Int?
        while next == nil, let lines = try await Self.lines(&reading, form) {
            for line in lines {
                guard count < limit, buffer.readableBytes < Self.pageBytes else {
                    next = line.position
                    break
                }
                buffer.writeBytes(line.bytes)
                count += 1
            }
        }
        var headers: HTTPFields = [.contentType: form.contentType, .cacheControl: "no-store"]
        if let next, let name = HTTPField.Name("Belay-Next") { headers[name] = String(next) }
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: buffer))
    }

    /// The lines of the next block; nil at the end.
    ///
    /// A block that cannot be read is one line that says so.
    private static func lines(
        _ reading: inout Reading,
        _ form: Form
    ) async throws -> [(position: Int, bytes: [UInt8])]? {
        do {
            guard let (answers, superseded) = try await reading.next() else { return nil }
            return try answers.map { answer in
                let view = AnswerView(answer, isSuperseded: superseded.contains(answer.position))
                return (position: answer.position, bytes: try line(view, form))
            }
        } catch let error as InferenceLogError where error.category == .failed {
            let view = AnswerFaultView(error)
            let bytes = form == .csv ? Array(view.csvLine.utf8) : try CompactJSON.bytes(of: view) + [0x0a]
            return [(position: reading.cursor.position, bytes: bytes)]
        }
    }

    private static func line(_ view: AnswerView, _ form: Form) throws -> [UInt8] {
        switch form {
        case .ndjson: try CompactJSON.bytes(of: view) + [0x0a]
        case .csv: Array(view.csvLine.utf8)
        }
    }

    func candidate(
        _ request: Request,
        _ context: CallContext
    ) async throws -> (AnswerFilter, Model) {
        let text = try context.parameters.require("release")
        guard let id = ReleaseID(text) else { throw RequestError.badName(what: "release", text: text) }
        let state = await desk.snapshot().state
        guard let release = state.releases[id], let model = state.models[release.proposal.endpoint.model]
        else { throw Refusal.unknownRelease(id) }
        let (endpoint, version) = (release.proposal.endpoint, release.proposal.candidate)
        let later = state.releases.values.filter { other in
            other.id > id && other.proposal.endpoint == endpoint && other.proposal.candidate == version
        }
        var filter = AnswerFilter(model: model.name)
        filter.version = version
        filter.since = release.proposedAt
        filter.until = later.map(\.proposedAt).min()
        return (filter, model)
    }

    private func known(_ context: CallContext) async throws -> Model {
        let name = try context.model()
        let models = await desk.snapshot().state.models
        guard let model = models[name] else {
            throw Refusal.unknownModel(name, near: nearest(name, among: models.keys))
        }
        return model
    }
}

extension Request {
    /// A value of the query; nil when there is none.
    func parsed<Value>(
        _ name: String,
        as what: String,
        _ read: (String) -> Value?
    ) throws -> Value? {
        guard let text = uri.queryParameters[name[...]].map(String.init) else { return nil }
        guard let value = read(text) else { throw RequestError.badName(what: what, text: text) }
        return value
    }
}
