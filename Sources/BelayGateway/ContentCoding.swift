/// How a body is compressed on the wire.
enum ContentCoding: String, CaseIterable {
    case gzip
    /// A zlib stream, as RFC 9110 has it; not the bare deflate data that some clients send.
    case deflate

    /// Reads the values of `Content-Encoding`; nil when the body is as it is.
    ///
    /// - Throws: ``CompressionFault/unknownCoding(_:)`` for any other coding, and for several together.
    static func applied(_ values: [String]) throws(CompressionFault) -> ContentCoding? {
        let names = elements(of: values).filter { $0 != "identity" }
        guard let name = names.first else { return nil }
        guard names.count == 1, let coding = named(name) else {
            throw .unknownCoding(names.joined(separator: ", "))
        }
        return coding
    }

    /// What to compress an answer with, by the values of `Accept-Encoding`; nil leaves it as it is.
    ///
    /// The coding of the highest quality, gzip when both are alike. A client that prefers `identity`
    /// expressly, sends no such header or something unreadable gets no compression.
    static func accepted(_ values: [String]) -> ContentCoding? {
        var (qualities, others, plain): ([ContentCoding: Int], Int, Int?) = ([:], 0, nil)
        for element in elements(of: values) {
            let parts = element.split(separator: ";", omittingEmptySubsequences: false).map(trimmed)
            guard let name = parts.first, let quality = quality(parts.dropFirst()) else { continue }
            switch name {
            case "*": others = quality
            case "identity": plain = quality
            default:
                guard let coding = named(name) else { continue }
                qualities[coding] = quality
            }
        }
        var best: (coding: ContentCoding, quality: Int)?
        for coding in allCases {
            let quality = qualities[coding] ?? others
            if quality > best?.quality ?? 0 { best = (coding, quality) }
        }
        guard let best, best.quality >= plain ?? 0 else { return nil }
        return best.coding
    }

    private static func named(_ name: String) -> ContentCoding? {
        // The old name, which RFC 9110 asks to be taken as the same.
        name == "x-gzip" ? .gzip : ContentCoding(rawValue: name)
    }

    private static func elements(of values: [String]) -> [String] {
        values.flatMap { $0.split(separator: ",") }.map(trimmed).filter { !$0.isEmpty }
    }

    private static func trimmed(_ text: Substring) -> String {
        text.filter { $0 != " " && $0 != "\t" }.lowercased()
    }

    /// Thousandths, from the parameters behind a coding; nil when they are not what RFC 9110 allows.
    private static func quality(_ parameters: ArraySlice<String>) -> Int? {
        guard let parameter = parameters.first else { return 1_000 }
        guard parameters.count == 1, parameter.hasPrefix("q=") else { return nil }
        let parts = parameter.dropFirst(2).split(
            separator: ".",
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        let fraction = parts.count == 2 ? parts[1] : ""
        guard let whole = parts.first, whole == "0" || whole == "1", fraction.utf8.count <= 3,
            fraction.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
            let thousandths = Int(fraction + String(repeating: "0", count: 3 - fraction.utf8.count))
        else { return nil }
        let quality = (whole == "1" ? 1_000 : 0) + thousandths
        return quality <= 1_000 ? quality : nil
    }
}
