import BelayCore

/// In what one version differs from another, as far as their records tell.
struct VersionDifference {
    /// A version with thousands of files is not told file by file.
    private static let most = 100

    let first: Version
    let second: Version

    var changes: [ChangeView] {
        var changes: [ChangeView] = []
        changes += compare("input", specs(first.signature.inputs), specs(second.signature.inputs))
        changes += compare("output", specs(first.signature.outputs), specs(second.signature.outputs))
        changes += compare(
            "metric",
            first.metrics.mapValues(shortDecimal),
            second.metrics.mapValues(shortDecimal)
        )
        changes += compare("param", first.params, second.params)
        changes += compare("file", files(first), files(second))
        return Array(changes.prefix(Self.most))
    }

    private func specs(_ tensors: [TensorSpec]) -> [String: String] {
        Dictionary(tensors.map { ($0.name, $0.summary) }) { first, _ in first }
    }

    /// A digest says that a file is another one, and its size says how much.
    private func files(_ version: Version) -> [String: String] {
        Dictionary(
            version.manifest.files.map {
                ($0.path.text, "\($0.digest.description.prefix(19)) (\($0.size) bytes)")
            }
        ) { first, _ in first }
    }

    private func compare(_ what: String, _ before: [String: String], _ after: [String: String])
        -> [ChangeView]
    {
        Set(before.keys).union(after.keys).sorted().compactMap { name in
            guard before[name] != after[name] else { return nil }
            return ChangeView(what: what, name: name, from: before[name], to: after[name])
        }
    }
}

extension TensorSpec {
    /// `FP32[?, 30]`.
    fileprivate var summary: String {
        "\(type.rawValue)[\(shape.map { $0.map(String.init) ?? "?" }.joined(separator: ", "))]"
    }
}
