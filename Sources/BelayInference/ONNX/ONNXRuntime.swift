package import BelayCore
import CONNXRuntime

/// ONNX Runtime in this process, through its C interface.
///
/// One thread a run, no spinning, no libraries of custom operators. A library that does not answer a question
/// whose answer we know is not used at all.
package struct ONNXRuntime: Runtime {
    /// What the library calls itself: `1.32.0`.
    package let version: String
    private let library: Handle

    /// Loads the library and tests it; see ``ONNXLibrary/find(environment:executable:workingDirectory:)``.
    ///
    /// - Throws: ``InferenceError/runtimeUnfit(path:reason:)``.
    package init(libraryPath: String) throws(InferenceError) {
        library = try made({ .runtimeUnfit(path: libraryPath, reason: $0) }) { reason in
            unsafe belay_onnx_open(libraryPath, reason.text, reason.capacity)
        }
        version = unsafe String(cString: belay_onnx_version(library.pointer))
        let numbers = version.split(separator: ".").map { Int($0) }
        guard numbers.count >= 2, numbers[0] == 1, let minor = numbers[1], minor >= 17 else {
            throw .runtimeUnfit(path: libraryPath, reason: "it is version \(version)")
        }
        do throws(InferenceError) {
            try SelfTest().run(on: self)
        } catch {
            let reason = "it failed a test with a known answer: \(error.explanation.summary)"
            throw .runtimeUnfit(path: libraryPath, reason: reason)
        }
    }

    package func inspect(
        folder: String,
        entry: RelativePath,
        manifest: Manifest
    ) throws(InferenceError) -> Signature {
        let files = Set(manifest.files.map(\.path.text))
        guard files.contains(entry.text) else {
            throw .modelUnreadable(path: entry.text, reason: "it is not a file of this version")
        }
        return try load(folder: folder, entry: entry, mayRead: files).signature
    }

    package func load(folder: String, entry: RelativePath) throws(InferenceError) -> any Instance {
        try load(folder: folder, entry: entry, mayRead: nil)
    }

    /// Sessions that still take memory: loaded ones, and those that wait to be destroyed.
    package var liveSessions: Int { unsafe belay_onnx_live_sessions(library.pointer) }

    /// Loads with nothing but the files in `mayRead`; nil means those that stand in the folder.
    private func load(
        folder: String,
        entry: RelativePath,
        mayRead: Set<String>?
    ) throws(InferenceError) -> ONNXInstance {
        let present = try Folder(folder).plainFiles()
        guard present.contains(entry.text) else {
            throw .modelUnreadable(path: entry.text, reason: "there is no such file")
        }
        let allowed = ExternalData(entry: entry, files: mayRead.map(present.intersection) ?? present)
        for location in try ONNXFile.externalLocations(path: "\(folder)/\(entry)").sorted() {
            try allowed.check(location, of: entry)
        }
        let session = try ONNXSession(library: library, file: "\(folder)/\(entry)", name: entry.text)
        let signature = try session.signature(name: entry.text)
        return ONNXInstance(session: session, signature: signature)
    }
}
