package import BelayArtifacts
package import BelayCore

/// Takes files that are already stored and makes a version of them.
package struct Registrar: Sendable {
    /// What a client says of a version.
    package struct Request: Sendable {
        package let model: ModelName
        package let manifest: Manifest
        package let label: VersionLabel?
        package let metrics: [String: Double]
        package let params: [String: String]
        package let note: String?

        package init(
            model: ModelName,
            manifest: Manifest,
            label: VersionLabel?,
            metrics: [String: Double],
            params: [String: String],
            note: String?
        ) {
            self.model = model
            self.manifest = manifest
            self.label = label
            self.metrics = metrics
            self.params = params
            self.note = note
        }
    }

    private let artifacts: any ArtifactStore
    private let loader: VersionLoader
    private let conductor: Conductor

    package init(artifacts: any ArtifactStore, loader: VersionLoader, conductor: Conductor) {
        self.artifacts = artifacts
        self.loader = loader
        self.conductor = conductor
    }

    /// Registers a version, or finds the one that has exactly these files.
    ///
    /// - Returns: The version, and whether it is new.
    /// - Throws: ``RegistrationError``, what the runtime objects to, or a ``Refusal``.
    package func register(_ request: Request, by actor: Actor) async throws -> (version: Version, isNew: Bool)
    {
        let digest = manifestDigest(request.manifest)
        if let known = await conductor.state.models[request.model]?.version(digest: digest) {
            return (known, false)
        }
        for file in request.manifest.files {
            guard let size = try artifacts.contains(file.digest) else {
                throw RegistrationError.fileMissing(file.path, file.digest)
            }
            guard size == file.size else {
                throw RegistrationError.sizeDiffers(file.path, stated: file.size, stored: size)
            }
        }
        let entry = try entryFile(of: request.manifest)
        let signature = try await loader.inspect(request.manifest, digest: digest, entry: entry)
        let draft = VersionDraft(
            model: request.model,
            label: request.label,
            digest: digest,
            manifest: request.manifest,
            entry: entry,
            signature: signature,
            metrics: request.metrics,
            params: request.params,
            note: request.note
        )
        let events = try await conductor.perform(.register(draft), by: actor, reason: request.note).events
        guard let version = await conductor.state.models[request.model]?.version(digest: digest) else {
            throw RegistrationError.vanished(request.model, digest)
        }
        return (version, !events.isEmpty)
    }
}

/// The file that the runtime loads: the only `.onnx`, or the one called `model.onnx` at the top.
func entryFile(of manifest: Manifest) throws(RegistrationError) -> RelativePath {
    let models = manifest.files.map(\.path).filter { $0.text.lowercased().hasSuffix(".onnx") }
    if models.count == 1, let only = models.first { return only }
    if let conventional = models.first(where: { $0.text == "model.onnx" }) { return conventional }
    throw models.isEmpty ? .noModelFile : .severalModelFiles(models)
}

/// Why files do not make a version.
package enum RegistrationError: Error, Equatable, Sendable {
    case fileMissing(RelativePath, Digest)
    case sizeDiffers(RelativePath, stated: Int64, stored: Int64)
    case noModelFile
    case severalModelFiles([RelativePath])
    case vanished(ModelName, Digest)
}

extension RegistrationError: Explainable {
    package var category: FailureCategory {
        switch self {
        case .fileMissing, .sizeDiffers: .invalid
        case .noModelFile, .severalModelFiles: .refused
        case .vanished: .failed
        }
    }

    package var explanation: Explanation {
        switch self {
        case .fileMissing(let path, let digest):
            Explanation(
                code: "registration.file-missing",
                summary: "The file '\(path)' (\(digest.short)…) has not been uploaded.",
                remedy: "Put its bytes to /v1/artifacts/\(digest) first."
            )
        case .sizeDiffers(let path, let stated, let stored):
            Explanation(
                code: "registration.size-differs",
                summary: "The file '\(path)' has \(stored) bytes, but \(stated) were announced.",
                remedy: "State the size of the bytes that the digest names."
            )
        case .noModelFile:
            Explanation(
                code: "registration.no-model-file",
                summary: "None of the files ends in .onnx, so there is nothing to load.",
                remedy: "Export the model to ONNX, for instance with skl2onnx or torch.onnx."
            )
        case .severalModelFiles(let paths):
            Explanation(
                code: "registration.several-model-files",
                summary:
                    "Several files end in .onnx: \(paths.prefix(5).map(\.text).joined(separator: ", ")).",
                remedy: "Call the one to load model.onnx and put it at the top of the folder."
            )
        case .vanished(let model, let digest):
            Explanation(
                code: "registration.vanished",
                summary: "The version \(digest.short)… of '\(model)' was recorded but cannot be found.",
                remedy: "Run `belay audit verify` and report this as a defect."
            )
        }
    }
}
