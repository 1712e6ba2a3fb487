import BelayCore

@testable import BelayInferenceLog

/// A block of the inference log that has a right checksum and nothing else to be trusted for.
///
/// The first byte says how many answers it claims, their keys follow, and then the answers. What can be read
/// is the same when it is packed and read again.
func tryBlock(_ input: [UInt8]) {
    guard let first = input.first, let model = ModelName("m") else { return }
    let count = Int(first % 8) + 1
    let keys = input.dropFirst().prefix(count * BlockLayout.keyBytes)
    let answers = sealed(Array(input.dropFirst(1 + keys.count)))
    guard let given = records(of: model, count, keys: sealed(Array(keys)), answers) else { return }
    var packer = BlockPacker(limits: .standard, capacity: count)
    for record in given { packer.append(record) }
    var blocks = packer.finish()
    blocks.seal(from: position)
    let again = blocks.first.flatMap { records(of: model, count, keys: $0.keys, $0.answers) }
    precondition(again == given, "packed and read again, an answer is another")
}

private let position = 7

private func records(
    of model: ModelName,
    _ count: Int,
    keys: [UInt8],
    _ answers: [UInt8]
) -> [AnswerRecord]? {
    let reader = try? BlockReader(position: position, count: count, model: model, keys: keys)
    _ = reader?.idHashes
    return try? reader?.answers(answers).map(\.record)
}

private func sealed(_ bytes: [UInt8]) -> [UInt8] {
    let checksum = bytes.withUnsafeBytes { BlockLayout.checksum($0[...], position) }
    return bytes + (0..<8).map { UInt8(truncatingIfNeeded: checksum >> (8 * UInt64($0))) }
}
