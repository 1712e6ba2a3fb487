import BelayCore
import BelayInference
import Foundation
import Testing

/// What every instance does, whatever computes: held to `constant-1` and to its twin made of a function.
@Suite("Every instance")
struct InstanceContract {
    static func instances() throws -> [any Instance] {
        let fixture = try Fixture("constant-1")
        let real = try Fixture.runtime().load(folder: fixture.folder, entry: fixture.entry)
        let one = NamedTensor(name: "y", tensor: try floats([1]))
        return [real, ScriptedInstance(signature: real.signature) { _ in [one] }]
    }

    @Test func answersARequestThatFits() throws {
        let (x, y) = (
            NamedTensor(name: "x", tensor: try floats([3, 4])),
            NamedTensor(name: "y", tensor: try floats([1]))
        )
        for instance in try Self.instances() {
            #expect(try instance.infer([x], outputs: [], cancellation: Cancellation()) == [y])
            #expect(try instance.infer([x], outputs: ["y"], cancellation: Cancellation()) == [y])
        }
    }

    @Test func refusesARequestThatDoesNot() throws {
        let (x, z) = (
            NamedTensor(name: "x", tensor: try integers([3])), NamedTensor(name: "z", tensor: try floats([3]))
        )
        for instance in try Self.instances() {
            for inputs in [[x], [z], []] {
                let error = #expect(throws: InferenceError.self) {
                    try instance.infer(inputs, outputs: [], cancellation: Cancellation())
                }
                #expect(error?.explanation.code == "inference.request-mismatch")
            }
        }
    }

    @Test func doesNotStartWhenCancelledBefore() throws {
        let x = NamedTensor(name: "x", tensor: try floats([3]))
        let cancelled = Cancellation()
        cancelled.cancel()
        for instance in try Self.instances() {
            #expect(throws: InferenceError.cancelled) {
                try instance.infer([x], outputs: [], cancellation: cancelled)
            }
        }
    }
}

@Suite("InMemoryRuntime")
struct InMemoryRuntimeTests {
    @Test func findsAModelByTheTextInItsFile() throws {
        let fixture = try Fixture("constant-1")
        try Data("steady\n".utf8).write(to: fixture.url("model.onnx"))
        let signature = try known(
            Signature(inputs: [], outputs: [TensorSpec(name: "y", type: .fp32, shape: [1])])
        )
        let y = NamedTensor(name: "y", tensor: try floats([7]))
        let runtime = InMemoryRuntime()
        runtime.register("steady", signature: signature) { _ in [y] }
        #expect(
            try runtime.inspect(folder: fixture.folder, entry: fixture.entry, manifest: fixture.manifest)
                == signature
        )
        let instance = try runtime.load(folder: fixture.folder, entry: fixture.entry)
        #expect(try instance.infer([], outputs: [], cancellation: Cancellation()) == [y])
        let other = InMemoryRuntime()
        #expect(throws: InferenceError.self) { try other.load(folder: fixture.folder, entry: fixture.entry) }
    }
}

@Suite("Cancellation")
struct CancellationTests {
    @Test func stopsOnceAndOnlyWhileItRuns() throws {
        let (cancellation, stops) = (Cancellation(), Counter())
        let result = try cancellation.stopping(with: { stops.add() }) { () throws(InferenceError) in
            cancellation.cancel()
            cancellation.cancel()
            return 7
        }
        cancellation.cancel()
        #expect(result == 7)
        #expect(stops.count == 1)
        #expect(throws: InferenceError.cancelled) { try cancellation.stopping(with: { stops.add() }) { 8 } }
        #expect(stops.count == 1)
    }
}

@Suite("ONNXLibrary")
struct ONNXLibraryTests {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("belay-\(UUID())")
        for path in ["a/bin", "a/lib", "a/.tools/onnxruntime-1.9.0", "a/.tools/onnxruntime-1.32.0", "here"] {
            try FileManager.default.createDirectory(
                at: folder.appendingPathComponent(path),
                withIntermediateDirectories: true
            )
        }
    }

    func put(_ path: String) throws { try Data().write(to: folder.appendingPathComponent(path)) }

    func find(_ environment: [String: String] = [:]) throws(InferenceError) -> String {
        let found = try ONNXLibrary.find(
            environment: environment,
            executable: folder.path + "/a/bin/belay",
            workingDirectory: folder.path + "/here"
        )
        return found.hasPrefix(folder.path) ? String(found.dropFirst(folder.path.count + 1)) : found
    }

    @Test func theNearestPlaceWins() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try put("a/.tools/onnxruntime-1.9.0/libonnxruntime.so")
        #expect(try find() == "a/.tools/onnxruntime-1.9.0/libonnxruntime.so")
        try put("a/.tools/onnxruntime-1.32.0/libonnxruntime.so")
        #expect(try find() == "a/.tools/onnxruntime-1.32.0/libonnxruntime.so")
        try put("a/lib/libonnxruntime.so.1.32.0")
        #expect(try find() == "a/bin/../lib/libonnxruntime.so.1.32.0")
        try put("a/bin/libonnxruntime.so")
        #expect(try find() == "a/bin/libonnxruntime.so")
        try put("here/chosen.so")
        #expect(try find(["BELAY_ONNXRUNTIME": folder.path + "/here/chosen.so"]) == "here/chosen.so")
    }

    @Test func aChosenLibraryThatIsNotThereIsNotReplaced() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try put("a/bin/libonnxruntime.so")
        let error = #expect(throws: InferenceError.self) { try find(["BELAY_ONNXRUNTIME": "/nowhere.so"]) }
        #expect(error == .runtimeMissing(searched: ["/nowhere.so (from BELAY_ONNXRUNTIME)"]))
    }

    @Test func everyPlaceSearchedIsNamed() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        do throws(InferenceError) {
            // A machine may have it installed; then there is nothing to name.
            #expect(try find() == "libonnxruntime.so.1")
        } catch {
            let summary = error.explanation.summary
            for place in [
                "/a/bin/libonnxruntime.so*", "/here/.tools/onnxruntime-*", "libonnxruntime.so.1 in",
            ] {
                #expect(summary.contains(place))
            }
            #expect(error.explanation.remedy.contains("BELAY_ONNXRUNTIME"))
        }
    }

    @Test func whatIsNotONNXRuntimeIsNotUsed() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try put("a/bin/libonnxruntime.so")
        for path in [folder.path + "/a/bin/libonnxruntime.so", "libm.so.6"] {
            let error = #expect(throws: InferenceError.self) { try ONNXRuntime(libraryPath: path) }
            #expect(error?.explanation.code == "inference.runtime-unfit")
        }
    }

    @Test func theRealOneSaysItsVersion() throws {
        #expect(try Fixture.runtime().version.hasPrefix("1."))
    }
}

@Suite("InferenceError")
struct InferenceErrorTests {
    static let all: [InferenceError] = [
        .runtimeMissing(searched: ["/a", "/b"]), .runtimeUnfit(path: "/a", reason: "it is old"),
        .modelUnreadable(path: "m", reason: "it is empty"),
        .modelUnsafe(path: "m", hazard: .externalData(location: "../x")),
        .modelUnsafe(path: "m", hazard: .symbolicLink), .modelUnsafe(path: "m", hazard: .hardLink(count: 2)),
        .modelUnsafe(path: "m", hazard: .notARegularFile),
        .modelUnsupported(name: "y", obstacle: .notATensor(kind: "map")),
        .modelUnsupported(name: "y", obstacle: .elementType("bfloat16")),
        .modelUnsupported(name: "y", obstacle: .unknownShape), .requestMismatch("Input 'x' is missing."),
        .malformedJSON(offset: 3, expected: "a number"), .tooLarge(what: "inputs", limit: 3),
        .runFailed(reason: "it divided by zero"), .cancelled, .invalidOutput(name: "y", reason: "it is NaN"),
        .labelMismatch("The label is a text."),
    ]

    @Test(arguments: all)
    func saysWhatHappenedAndWhatToDo(error: InferenceError) {
        let explanation = error.explanation
        #expect(explanation.code.hasPrefix("inference."))
        #expect(explanation.summary.hasSuffix(".") && !explanation.summary.hasSuffix(".."))
        #expect(explanation.remedy.hasSuffix("."))
    }
}
