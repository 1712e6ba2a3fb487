import CONNXRuntime

/// Finds ONNX Runtime's shared library.
package enum ONNXLibrary {
    /// - Parameters:
    ///   - environment: `BELAY_ONNXRUNTIME` in it, when set, is the only place that counts.
    ///   - executable: The path of the running program: the library may stand beside it, in `../lib`, or in
    ///     `.tools/` of a folder above, where `Scripts/setup` puts it.
    ///   - workingDirectory: Its `.tools/` is searched as well.
    /// - Returns: A path, or the plain soname when only the system's loader knows where it is.
    /// - Throws: ``InferenceError/runtimeMissing(searched:)`` with every place that was tried.
    package static func find(
        environment: [String: String],
        executable: String,
        workingDirectory: String
    ) throws(InferenceError) -> String {
        if let chosen = environment[variable], !chosen.isEmpty {
            guard fileExists(at: chosen) else {
                throw .runtimeMissing(searched: ["\(chosen) (from \(variable))"])
            }
            return chosen
        }
        var searched: [String] = []
        for place in places(executable: executable, workingDirectory: workingDirectory) {
            if let found = place.library { return found }
            searched.append(place.description)
        }
        guard unsafe belay_onnx_loads(soname) == 0 else { return soname }
        throw .runtimeMissing(searched: searched + ["\(soname) in the system's library path"])
    }

    private static let variable = "BELAY_ONNXRUNTIME"
    private static let soname = "libonnxruntime.so.1"

    private static func places(executable: String, workingDirectory: String) -> [Place] {
        let program = parents(of: executable)
        var places = program.first.map { [Place.folder($0), .folder($0 + "/../lib")] } ?? []
        for folder in [workingDirectory] + program where !places.contains(.tools(folder)) {
            places.append(.tools(folder))
        }
        return places
    }

    /// The folders above a path, nearest first; the root is left out.
    private static func parents(of path: String) -> [String] {
        var (folders, rest): ([String], Substring) = ([], path[...])
        while let slash = rest.lastIndex(of: "/"), slash != rest.startIndex {
            rest = rest[..<slash]
            folders.append(String(rest))
        }
        return folders
    }
}

/// One place to look, and how to look there.
private enum Place: Equatable, CustomStringConvertible {
    /// The library itself, under any of its names.
    case folder(String)
    /// `.tools/onnxruntime-<version>/` below.
    case tools(String)

    var description: String {
        switch self {
        case .folder(let path): "\(path)/libonnxruntime.so*"
        case .tools(let path): "\(path)/.tools/onnxruntime-*/libonnxruntime.so"
        }
    }

    var library: String? {
        switch self {
        case .folder(let path):
            namesOfEntries(inFolder: path)?
                .filter { $0 == "libonnxruntime.so" || $0.hasPrefix("libonnxruntime.so.") }
                .map { "\(path)/\($0)" }
                .first(where: fileExists)
        case .tools(let path):
            namesOfEntries(inFolder: "\(path)/.tools")?
                .filter { $0.hasPrefix("onnxruntime-") }
                .sorted { numbers(in: $1).lexicographicallyPrecedes(numbers(in: $0)) }
                .map { "\(path)/.tools/\($0)/libonnxruntime.so" }
                .first(where: fileExists)
        }
    }

    /// `onnxruntime-1.32.0` is newer than `onnxruntime-1.9.0`.
    private func numbers(in name: String) -> [Int] {
        name.split { !$0.isNumber }.map { Int($0) ?? 0 }
    }
}
