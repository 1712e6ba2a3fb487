import BelayArtifacts
import BelayControl
import BelayCore
import HTTPTypes
import Hummingbird

/// `/v1/artifacts` and `/v1/models`: bytes in, versions out.
struct RegistryRoutes: Sendable {
    /// The largest file of a version: ONNX's own format ends at 2 GiB, its external data need not.
    static let largestFile: Int64 = 64 << 30

    let artifacts: any ArtifactStore
    let registrar: Registrar
    let desk: Desk
    /// Takes the bytes to the disk, which may hang.
    let uploads: ThreadExecutor

    func register(on router: RouterGroup<CallContext>) {
        router.head("artifacts/:digest", use: head)
        router.put("artifacts/:digest", use: put)
        router.get("models", use: models)
        router.get("models/:model/versions", use: versions)
        router.post("models/:model/versions", use: registerVersion)
        router.post("models/:model/versions/:version/clear", use: clear)
        router.put("models/:model/aliases/:alias", use: moveAlias)
        router.delete("models/:model/aliases/:alias", use: removeAlias)
    }

    @Sendable
    private func head(_ request: Request, context: CallContext) async throws -> Response {
        let digest = try context.digest()
        return Response(status: try artifacts.contains(digest) == nil ? .notFound : .ok)
    }

    @Sendable
    private func put(_ request: Request, context: CallContext) async throws -> Response {
        let digest = try context.digest()
        let chunks = request.body.map { Array($0.readableBytesView) }
        try await uploads.run {
            _ = try await artifacts.put(digest, limit: Self.largestFile, chunks: chunks)
        }
        return Response(status: .created)
    }

    @Sendable
    private func models(_ request: Request, context: CallContext) async throws -> Response {
        try jsonResponse(["models": await desk.snapshot().state.models.keys.sorted().map(\.text)])
    }

    @Sendable
    private func versions(_ request: Request, context: CallContext) async throws -> Response {
        let name = try context.model()
        let snapshot = await desk.snapshot()
        guard let model = snapshot.state.models[name] else {
            throw Refusal.unknownModel(name, near: nearest(name, among: snapshot.state.models.keys))
        }
        return try jsonResponse(VersionList(versions: model.history.map(snapshot.version)))
    }

    @Sendable
    private func registerVersion(_ request: Request, context: CallContext) async throws -> Response {
        let name = try context.model()
        let body = try await request.json(
            RegisterBody.self,
            keys: ["files", "label", "metrics", "params", "note"]
        )
        let files = try body.files.map { file in
            guard let path = RelativePath(file.path) else {
                throw RequestError.badName(what: "path of a file", text: file.path)
            }
            guard let digest = Digest(file.digest) else {
                throw RequestError.badName(what: "SHA-256 digest", text: file.digest)
            }
            return Manifest.File(path: path, size: file.size, digest: digest)
        }
        guard let manifest = Manifest(files: files) else {
            throw RequestError.badBody("'files' is empty, too long, or names a path twice")
        }
        let label = try body.label.map { text in
            guard let label = VersionLabel(text) else {
                throw RequestError.badName(what: "label (which must not be all digits)", text: text)
            }
            return label
        }
        let asked = Registrar.Request(
            model: name,
            manifest: manifest,
            label: label,
            metrics: body.metrics ?? [:],
            params: body.params ?? [:],
            note: body.note
        )
        let (version, isNew) = try await registrar.register(asked, by: request.actor)
        let view = RegistrationView(
            model: name.text,
            version: version.id.number.value,
            digest: version.digest.description,
            created: isNew
        )
        return try jsonResponse(view, status: isNew ? .created : .ok)
    }

    @Sendable
    private func clear(_ request: Request, context: CallContext) async throws -> Response {
        let name = try context.model()
        let reference = try VersionText(context.parameters.require("version")).reference()
        let body = try await request.json(ReasonBody.self, keys: ["reason"])
        guard let reason = body.reason, !reason.isEmpty else {
            throw RequestError.badBody("clearing a quarantine needs a 'reason'")
        }
        let version = try find(reference, of: name, in: await desk.snapshot().state)
        try await desk.conductor.perform(.clearQuarantine(version.id), by: request.actor, reason: reason)
        return try jsonResponse(await desk.snapshot().version(version))
    }
}

extension CallContext {
    func model() throws -> ModelName {
        let text = try parameters.require("model")
        guard let name = ModelName(text) else { throw RequestError.badName(what: "model name", text: text) }
        return name
    }

    fileprivate func digest() throws -> Digest {
        let text = try parameters.require("digest")
        guard let digest = Digest(text) else {
            throw RequestError.badName(what: "SHA-256 digest", text: text)
        }
        return digest
    }
}

extension VersionText {
    func reference() throws -> VersionReference {
        guard let reference = VersionReference(text) else {
            throw RequestError.badName(what: "version", text: text)
        }
        return reference
    }
}
