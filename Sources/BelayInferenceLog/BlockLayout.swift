import BelayCore

/// How answers lie in a block; all numbers are little-endian.
///
/// A block is two byte strings. `keys` holds 32 bytes an answer, for searching without reading bodies:
///
///      0  u64  XXH64 of the id        24  u32  release, 0 for none
///      8  u64  unit                   28  u8   arm: 0 stable, 1 candidate, 2 pinned
///     16  u64  subject                29  u8   flags, ``Flags``
///                                     30  u16  0
///
/// `answers` holds, in the same order, a head of 72 bytes and then id, fallback, code, trace, request and
/// response, each as long as the head says; a length of all ones is an absent text:
///
///      0  u32  length of head and rest    40  u32  request kept        56  u32  response whole
///      4  u16  id length                  44  u32  request whole       60  u32  response JSON
///      6  u16  fallback length            48  u32  request JSON        64  u16  status
///      8  i64  milliseconds since 1970    52  u32  response kept       66  u16  code length
///     16  i64  latency in microseconds                                 68  u16  trace length
///     24  i64  epoch                                                   70  u16  0
///     32  u32  version
///     36  u32  share in parts per million
///
/// Either string ends with the XXH64 of all before it, seeded with the block's position, so that a changed
/// byte and a block in another's place are both found.
enum BlockLayout {
    static let keyBytes = 32
    static let headBytes = 72
    static let checksumBytes = 8
    static let absent16 = UInt16.max
    static let absent32 = UInt32.max
    /// A longer text loses its end; the gateway admits 128 characters.
    static let mostTextBytes = 4096

    struct Flags: OptionSet {
        let rawValue: UInt8

        static let unit = Flags(rawValue: 1)
        static let subject = Flags(rawValue: 2)
        static let shadow = Flags(rawValue: 4)
        static let erased = Flags(rawValue: 8)
    }

    static func hash(id: String) -> UInt64 {
        var id = id
        return id.withUTF8 { bytes in
            XXH64.hash(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes).prefix(mostTextBytes)))
        }
    }

    static func checksum(_ bytes: Slice<UnsafeRawBufferPointer>, _ position: Int) -> UInt64 {
        XXH64.hash(UnsafeRawBufferPointer(rebasing: bytes), seed: UInt64(bitPattern: Int64(position)))
    }

    static func code(_ arm: Arm) -> UInt8 {
        switch arm {
        case .stable: 0
        case .candidate: 1
        case .pinned: 2
        }
    }

    static func arm(_ code: UInt8) -> Arm? {
        switch code {
        case 0: .stable
        case 1: .candidate
        case 2: .pinned
        default: nil
        }
    }
}

/// What can be known of an answer without reading its body.
struct AnswerKey: Equatable {
    let idHash: UInt64
    let unit: UnitHash?
    let subject: UnitHash?
    let release: ReleaseID?
    let arm: Arm
    let kind: AnswerKind
    let isErased: Bool

    /// Whom the answer is about: the named subject, else the unit.
    var person: UnitHash? { subject ?? unit }
}

/// Which answers of a block belong to which release.
struct ReleasePart: Hashable {
    /// ``BelayCore/ReleaseID/none`` for answers between releases.
    let release: ReleaseID
    let version: VersionNumber
    let arm: Arm
}

extension ReleaseID {
    /// No release: they are counted from 1.
    static let none = ReleaseID(0)
}

/// Answers of one model, packed; what one row of a segment holds.
struct Block {
    let model: ModelName
    let count: Int
    let firstAt: Timestamp
    let lastAt: Timestamp
    /// How many answers that callers were given belong to each release; zero when only shadows do.
    let releases: [ReleasePart: Int]
    private(set) var keys: [UInt8]
    private(set) var answers: [UInt8]

    var bytes: Int { keys.count + answers.count }

    /// Writes the checksums behind the bytes; once, when the block's position is known.
    mutating func seal(at position: Int) {
        Self.seal(&keys, position)
        Self.seal(&answers, position)
    }

    private static func seal(_ bytes: inout [UInt8], _ position: Int) {
        let checksum = bytes.withUnsafeBytes { BlockLayout.checksum($0[...], position) }
        withUnsafeBytes(of: checksum.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

extension [Block] {
    /// Seals all of them, one behind the other from `position`.
    ///
    /// In place: a copy would cost as much as packing did.
    mutating func seal(from position: Int) {
        var position = position
        for index in indices {
            self[index].seal(at: position)
            position += self[index].count
        }
    }
}
