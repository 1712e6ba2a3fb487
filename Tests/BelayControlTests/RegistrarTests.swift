import BelayArtifacts
import BelayControl
import BelayCore
import BelayInference
import BelayStore
import BelayTesting
import Testing

@Suite("The registrar")
struct RegistrarTests {
    private let stage: Stage

    init() throws { stage = Stage(shelf: try Shelf()) }

    private func file(_ path: String, _ text: String, size: Int64? = nil) async throws -> Manifest.File {
        let stored = try await stage.shelf.put(text)
        return Manifest.File(
            path: try #require(RelativePath(path)),
            size: size ?? stored.size,
            digest: stored.digest
        )
    }

    private func request(_ files: [Manifest.File], label: String? = nil) throws -> Registrar.Request {
        Registrar.Request(
            model: Build.model("fraud"),
            manifest: try #require(Manifest(files: files)),
            label: label.flatMap { VersionLabel($0) },
            metrics: ["auc": 0.9],
            params: ["depth": "3"],
            note: "a note"
        )
    }

    private func register(
        _ files: [Manifest.File],
        label: String? = nil
    ) async throws -> (version: Version, isNew: Bool) {
        try await stage.process.registrar.register(request(files, label: label), by: .person("ada"))
    }

    private func know(_ names: String...) {
        for name in names { stage.runtime.know(name, signature: Build.signature()) }
    }

    @Test func theSameBytesAgainAreTheSameVersion() async throws {
        know("one")
        let first = try await register([try await file("model.onnx", "one")])
        let again = try await register([try await file("model.onnx", "one")], label: "other")
        #expect(first.isNew && !again.isNew)
        #expect(first.version == again.version)
        #expect(first.version.id == Build.id("fraud", 1))
        #expect(first.version.metrics == ["auc": 0.9])
        #expect(stage.kinds == [.modelCreated, .versionRegistered])
    }

    @Test func theSameBytesFromManyAtOnceAreOneVersion() async throws {
        for round in 1...10 {
            know("\(round)")
            let request = try request([try await file("model.onnx", "\(round)")])
            let registrar = stage.process.registrar
            let answers = try await withThrowingTaskGroup(of: (id: VersionID, isNew: Bool).self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let answer = try await registrar.register(request, by: .person("ada"))
                        return (answer.version.id, answer.isNew)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count(where: \.isNew) == 1)
            #expect(Set(answers.map(\.id)) == [Build.id("fraud", round)])
        }
    }

    @Test func aFileThatWasNotUploadedIsNamed() async throws {
        let path = try #require(RelativePath("model.onnx"))
        let digest = sha256("never sent".utf8)
        let missing = Manifest.File(path: path, size: 10, digest: digest)
        await #expect(throws: RegistrationError.fileMissing(path, digest)) { try await register([missing]) }
        #expect(stage.kinds.isEmpty)
    }

    @Test func aSizeThatIsNotThatOfTheBytesIsRefused() async throws {
        let wrong = try await file("model.onnx", "one", size: 4)
        await #expect(throws: RegistrationError.sizeDiffers(wrong.path, stated: 4, stored: 3)) {
            try await register([wrong])
        }
    }

    @Test func withoutAModelFileThereIsNothingToLoad() async throws {
        let files = [try await file("weights.bin", "one"), try await file("readme.txt", "two")]
        await #expect(throws: RegistrationError.noModelFile) { try await register(files) }
    }

    @Test func severalModelFilesNeedAConventionalOne() async throws {
        know("one", "two")
        let (first, second) = (try await file("a.onnx", "one"), try await file("sub/model.onnx", "two"))
        await #expect(throws: RegistrationError.severalModelFiles([first.path, second.path])) {
            try await register([first, second])
        }
        let files = [first, try await file("model.onnx", "two"), try await file("z.onnx", "one")]
        #expect(try await register(files).version.entry.text == "model.onnx")
    }

    @Test func theOnlyModelFileMayLieAnywhere() async throws {
        know("one")
        let files = [try await file("deep/down/Net.ONNX", "one"), try await file("labels.txt", "two")]
        #expect(try await register(files).version.entry.text == "deep/down/Net.ONNX")
    }

    @Test func aLabelNeverNamesTwoVersions() async throws {
        know("one", "two")
        _ = try await register([try await file("model.onnx", "one")], label: "1.5.0")
        let label = try #require(VersionLabel("1.5.0"))
        let files = [try await file("model.onnx", "two")]
        await #expect(throws: Refusal.labelTaken(label, by: Build.id("fraud", 1))) {
            try await register(files, label: "1.5.0")
        }
        #expect(try await register(files, label: "1.6.0").isNew)
    }

    @Test func whatTheRuntimeObjectsToIsNotRecorded() async throws {
        let files = [try await file("model.onnx", "no model at all")]
        await #expect(throws: InferenceError.self) { try await register(files) }
        #expect(stage.kinds.isEmpty)
    }
}
