import BelayCore
import BelayInference
import Foundation
import Testing

@Suite("ONNXRuntime")
struct ONNXRuntimeTests {
    let runtime: ONNXRuntime

    init() throws { runtime = try Fixture.runtime() }

    func load(_ fixture: Fixture) throws -> any Instance {
        try runtime.load(folder: fixture.folder, entry: fixture.entry)
    }

    @Test func everyModelAnswersAsInPython() throws {
        let models = try Expectations.load().models.filter { $0.value.loads && $0.key != "zipmap" }
        #expect(models.count >= 13)
        for (name, model) in models {
            let instance = try load(try Fixture(name.replacing("/model", with: "")))
            for example in model.cases ?? [] {
                let inputs = try example.inputs.map { try $0.named() }
                guard let outputs = example.outputs else {
                    let error = #expect(throws: InferenceError.self, "\(name)") {
                        try instance.infer(inputs, outputs: [], cancellation: Cancellation())
                    }
                    #expect(error?.explanation.code == "inference.run-failed")
                    continue
                }
                let answers = try instance.infer(inputs, outputs: [], cancellation: Cancellation())
                #expect(answers.map(\.name) == outputs.map(\.name))
                for (answer, expected) in zip(answers, outputs) {
                    #expect(answer.tensor.agrees(with: try expected.tensor()), "\(name): \(answer.name)")
                }
            }
        }
    }

    @Test func everySignatureIsAsInPython() throws {
        for (name, model) in try Expectations.load().models where model.loads && name != "zipmap" {
            let signature = try Fixture(name.replacing("/model", with: "")).inspect(with: runtime)
            let form = { (spec: TensorSpec) in
                "\(spec.name) \(spec.type.rawValue) \(spec.shape.map { $0 ?? -1 })"
            }
            let expected = { (spec: Expectations.Spec) in
                "\(spec.name) \(spec.datatype ?? "") \(spec.shape ?? [])"
            }
            #expect(signature.inputs.map(form) == model.inputs?.map(expected), "\(name)")
            #expect(signature.outputs.map(form) == model.outputs?.map(expected), "\(name)")
        }
    }

    @Test func outputsComeInTheOrderWanted() throws {
        let instance = try load(try Fixture("several-outputs"))
        let x = NamedTensor(name: "x", tensor: try floats([1.5, -2]))
        let answers = try instance.infer([x], outputs: ["doubled", "positive"], cancellation: Cancellation())
        #expect(answers.map(\.name) == ["doubled", "positive"])
        #expect(answers.first?.tensor.doubles == [3, -4])
    }

    @Test func aStringMayHoldANulAndBytesThatAreNotText() throws {
        let instance = try load(try Fixture("string-echo"))
        let storage = Tensor.Storage.strings([[], [0], [0xff, 0, 0x61], Array("zür".utf8)])
        let text = NamedTensor(name: "text", tensor: try Tensor(type: .bytes, shape: [4], storage: storage))
        let answers = try instance.infer([text], outputs: [], cancellation: Cancellation())
        #expect(answers.first?.tensor == text.tensor)
    }

    @Test func anEmptyBatchIsAnswered() throws {
        let instance = try load(try Fixture("several-outputs"))
        let empty = NamedTensor(name: "x", tensor: try floats([]))
        let answers = try instance.infer([empty], outputs: [], cancellation: Cancellation())
        #expect(answers.map(\.tensor.count) == [0, 0, 0])
        let echo = try load(try Fixture("string-echo"))
        let none = NamedTensor(name: "text", tensor: try strings([]))
        #expect(
            try echo.infer([none], outputs: [], cancellation: Cancellation()).first?.tensor == none.tensor
        )
    }

    @Test func zipMapIsRefusedWithTheRemedy() throws {
        let error = #expect(throws: InferenceError.self) { try Fixture("zipmap").inspect(with: runtime) }
        #expect(
            error == .modelUnsupported(name: "output_probability", obstacle: .notATensor(kind: "sequence"))
        )
        #expect(error?.explanation.remedy.contains("zipmap=False") == true)
        #expect(error?.category == .refused)
    }

    @Test(arguments: [
        // y = reshape(x, s): nobody knows how many dimensions y has before the request is there.
        (
            "CAg6QAoSCgF4CgFzEgF5IgdSZXNoYXBlEgF0Wg0KAXgSCAoGCAESAgoAWg0K"
                + "AXMSCAoGCAcSAgoAYgkKAXkSBAoCCAFCBAoAEA0=",
            ModelObstacle.unknownShape
        ),
        (
            "CAg6OgoXCgF4EgF5IgRDYXN0KgkKAnRvGBCgAQISAXRaDQoBeBIICgYIARICCgBiDQoBeRIICgYIEBICCgBCBAoAEA0=",
            .elementType("bfloat16")
        ),
        (
            "CAk6OgoXCgF4EgF5IgRDYXN0KgkKAnRvGBGgAQISAXRaDQoBeBIICgYIARICCgBiDQoBeRIICgYIERICCgBCBAoAEBM=",
            .elementType("float8e4m3fn")
        ),
    ])
    func whatNoAnswerCouldCarryIsRefused(model: String, obstacle: ModelObstacle) throws {
        let fixture = try Fixture("constant-1")
        try known(Data(base64Encoded: model)).write(to: fixture.url("model.onnx"))
        let error = #expect(throws: InferenceError.self) { try fixture.inspect(with: runtime) }
        #expect(error == .modelUnsupported(name: "y", obstacle: obstacle))
    }

    @Test func aShapeThatTheModelLeavesOutIsInferred() throws {
        // y = x, with x FP32 [-1, 3] and y of no declared shape.
        let model = "CAg6MwoQCgF4EgF5IghJZGVudGl0eRIBdFoRCgF4EgwKCggBEgYKAAoCCANiCQoBeRIECgIIAUIECgAQDQ=="
        let fixture = try Fixture("constant-1")
        try known(Data(base64Encoded: model)).write(to: fixture.url("model.onnx"))
        #expect(try fixture.inspect(with: runtime).output("y")?.shape == [nil, 3])
    }

    @Test func whatIsNotAModelIsUnreadable() throws {
        let fixture = try Fixture("constant-1")
        for bytes in [[], [0xff], Array("not a model".utf8), [UInt8](repeating: 0, count: 100)] as [[UInt8]] {
            try Data(bytes).write(to: fixture.url("model.onnx"))
            let error = #expect(throws: InferenceError.self) { try fixture.inspect(with: runtime) }
            #expect(error?.explanation.code == "inference.model-unreadable")
        }
        let absent = try Fixture.path("absent.onnx")
        #expect(throws: InferenceError.self) { try runtime.load(folder: fixture.folder, entry: absent) }
    }

    @Test func aRunFromAnotherThreadCanBeCancelled() async throws {
        let instance = try load(try Fixture("slow"))
        let rounds = NamedTensor(name: "n", tensor: try integers([2_000_000]))
        let cancellation = Cancellation()
        let start = ContinuousClock.now
        let thread = Thread {
            Thread.sleep(forTimeInterval: 0.05)
            cancellation.cancel()
        }
        thread.start()
        let error = #expect(throws: InferenceError.self) {
            try instance.infer([rounds], outputs: [], cancellation: cancellation)
        }
        #expect(error == .cancelled)
        // Left alone it would run for a minute and a half.
        #expect(start.duration(to: .now) < .seconds(5))
    }

    @Test func aRequestAfterACancelledOneIsAnswered() throws {
        let instance = try load(try Fixture("slow"))
        let few = NamedTensor(name: "n", tensor: try integers([3]))
        let right = try instance.infer([few], outputs: [], cancellation: Cancellation())
        let cancellation = Cancellation()
        let thread = Thread {
            Thread.sleep(forTimeInterval: 0.02)
            cancellation.cancel()
        }
        thread.start()
        let many = NamedTensor(name: "n", tensor: try integers([2_000_000]))
        #expect(throws: InferenceError.cancelled) {
            try instance.infer([many], outputs: [], cancellation: cancellation)
        }
        for _ in 0..<3 {
            let late = Cancellation()
            #expect(try instance.infer([few], outputs: [], cancellation: late) == right)
            // It must not reach the next request, which uses the same run.
            late.cancel()
        }
    }

    @Test func requestsOfDifferentShapesTakeTurns() throws {
        let instance = try load(try Fixture("several-outputs"))
        for count in [1, 3, 3, 0, 2, 100_000, 100_000, 1] {
            let values = (0..<count).map { Float($0 + count) }
            let x = NamedTensor(name: "x", tensor: try floats(values))
            let answers = try instance.infer([x], outputs: ["doubled"], cancellation: Cancellation())
            #expect(answers.first?.tensor.doubles == values.map { Double($0 * 2) })
        }
    }

    @Test func aRequestAfterAFailedOneIsAnswered() throws {
        let instance = try load(try Fixture("fails-for-negative"))
        let name = try known(instance.signature.inputs.first).name
        let (good, bad) = (
            NamedTensor(name: name, tensor: try floats([1])),
            NamedTensor(name: name, tensor: try floats([-1]))
        )
        let right = try instance.infer([good], outputs: [], cancellation: Cancellation())
        #expect(throws: InferenceError.self) {
            try instance.infer([bad], outputs: [], cancellation: Cancellation())
        }
        #expect(try instance.infer([good], outputs: [], cancellation: Cancellation()) == right)
    }

    @Test func oneInstanceAnswersFourThreadsAtOnce() async throws {
        let instance = try load(try Fixture("add-int64"))
        let right = await withTaskGroup(of: Int.self) { group in
            for worker in 0..<4 {
                group.addTask { (0..<500).count { (try? sums(worker, $0, on: instance)) == true } }
            }
            var right = 0
            for await count in group { right += count }
            return right
        }
        #expect(right == 2_000)
    }

    @Test func droppingTheLastReferenceUnloads() async throws {
        let fixture = try Fixture("mixed")
        do {
            var instances = try (0..<20).map { _ in try load(fixture) }
            #expect(runtime.liveSessions >= 20)
            instances.removeAll()
        }
        #expect(throws: InferenceError.self) { try Fixture("zipmap").inspect(with: runtime) }
        let deadline = ContinuousClock.now.advanced(by: .seconds(5))
        while runtime.liveSessions > 0, ContinuousClock.now < deadline { await Task.yield() }
        #expect(runtime.liveSessions == 0)
    }
}

private func sums(_ worker: Int, _ round: Int, on instance: any Instance) throws -> Bool {
    let (a, b) = (Int64(worker) << 40, Int64(round))
    let answers = try instance.infer(
        [
            NamedTensor(name: "a", tensor: try integers([a])),
            NamedTensor(name: "b", tensor: try integers([b])),
        ],
        outputs: [],
        cancellation: Cancellation()
    )
    return try answers.first?.tensor == integers([a + b])
}

@Suite("Files that a version may not bring")
struct UnsafeFileTests {
    let runtime: ONNXRuntime

    init() throws { runtime = try Fixture.runtime() }

    @Test(arguments: [
        "external-escape", "external-absolute", "external-sparse-escape", "external-sparse-value",
        "external-in-subgraph", "external-in-function",
    ])
    func externalDataOutsideIsRefusedBeforeTheRuntimeSeesIt(name: String) throws {
        let fixture = try Fixture(name)
        let error = #expect(throws: InferenceError.self) { try fixture.inspect(with: runtime) }
        #expect(error?.explanation.code == "inference.external-data-escapes")
        #expect(throws: InferenceError.self) {
            try runtime.load(folder: fixture.folder, entry: fixture.entry)
        }
    }

    @Test func externalDataMustBeInTheManifest() throws {
        let fixture = try Fixture("external-data")
        #expect(try fixture.inspect(with: runtime).outputs.count == 1)
        let files = try fixture.manifest.files.filter { $0.path == fixture.entry }
        let error = #expect(throws: InferenceError.self) {
            try runtime.inspect(
                folder: fixture.folder,
                entry: fixture.entry,
                manifest: known(Manifest(files: files))
            )
        }
        #expect(error == .modelUnsafe(path: "model.onnx", hazard: .externalData(location: "weights.bin")))
    }

    @Test func aModelInASubfolderFindsItsDataBesideIt() throws {
        let fixture = try Fixture("external-data")
        let below = fixture.url("sub")
        try FileManager.default.createDirectory(at: below, withIntermediateDirectories: false)
        for name in ["model.onnx", "weights.bin"] {
            try FileManager.default.moveItem(at: fixture.url(name), to: below.appendingPathComponent(name))
        }
        let instance = try runtime.load(folder: fixture.folder, entry: Fixture.path("sub/model.onnx"))
        #expect(instance.signature.inputs.count == 1)
    }

    @Test func aHardLinkIsRefused() throws {
        let fixture = try Fixture("external-data")
        let secret = URL(fileURLWithPath: fixture.folder).deletingLastPathComponent().appendingPathComponent(
            "secret.bin"
        )
        try FileManager.default.removeItem(at: fixture.url("weights.bin"))
        try FileManager.default.linkItem(at: secret, to: fixture.url("weights.bin"))
        let error = #expect(throws: InferenceError.self) { try fixture.inspect(with: runtime) }
        #expect(error == .modelUnsafe(path: "weights.bin", hazard: .hardLink(count: 2)))
        #expect(error?.explanation.code == "inference.linked-file")
        #expect(throws: InferenceError.self) {
            try runtime.load(folder: fixture.folder, entry: fixture.entry)
        }
    }

    @Test func aSymbolicLinkIsRefusedEvenToAFolder() throws {
        let fixture = try Fixture("constant-1")
        try FileManager.default.createSymbolicLink(
            at: fixture.url("elsewhere"),
            withDestinationURL: URL(fileURLWithPath: "/etc")
        )
        let error = #expect(throws: InferenceError.self) {
            try runtime.load(folder: fixture.folder, entry: fixture.entry)
        }
        #expect(error == .modelUnsafe(path: "elsewhere", hazard: .symbolicLink))
    }

    @Test func aPipeIsRefused() throws {
        let fixture = try Fixture("constant-1")
        #expect(mkfifo(fixture.url("pipe").path, 0o600) == 0)
        let error = #expect(throws: InferenceError.self) {
            try runtime.load(folder: fixture.folder, entry: fixture.entry)
        }
        #expect(error == .modelUnsafe(path: "pipe", hazard: .notARegularFile))
    }
}
