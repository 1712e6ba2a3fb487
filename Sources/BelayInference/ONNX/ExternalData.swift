import BelayCore

/// Which files beside a model it may read.
struct ExternalData {
    /// The folder of the entry, relative to the version's: external data is found from there.
    private let base: Substring
    /// Relative to the version's folder.
    private let files: Set<String>

    init(entry: RelativePath, files: Set<String>) {
        self.base = entry.text.lastIndex(of: "/").map { entry.text[...$0] } ?? ""
        self.files = files
    }

    /// - Throws: ``InferenceError/modelUnsafe(path:hazard:)`` unless `location` names a file of the version.
    func check(_ location: String, of entry: RelativePath) throws(InferenceError) {
        // ONNX Runtime takes a location with this mark for an address in its own memory.
        let isAddress = location.contains("_ORT_MEM_ADDR_")
        guard !isAddress, let path = RelativePath(location), files.contains(base + path.text) else {
            throw .modelUnsafe(
                path: entry.text,
                hazard: .externalData(location: String(location.prefix(200)))
            )
        }
    }
}
