/// The hash of what sticks to one version: a user, an account, or one request.
///
/// The unit's own bytes never leave the request; tallies, logs and labels know only this number.
package struct UnitHash: Hashable, Codable, Sendable {
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }

    /// FNV-1a over the bytes, then a full avalanche, so that near-equal names land far apart.
    package init(bytes: some Sequence<UInt8>) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        self.value = avalanche(hash)
    }
}

/// The random number of one release that decides which units meet its candidate.
///
/// Written as sixteen hexadecimal digits, because JSON readers in other languages round large integers.
package struct Salt: Hashable, Sendable, TextCoded {
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }

    package init?(_ text: String) {
        guard let value = UInt64(text, radix: 16) else { return nil }
        self.init(value)
        guard description == text else { return nil }
    }

    /// The number that tosses units anew in a later epoch of evidence; epoch 0 tosses with the release's own.
    package func inEvidenceEpoch(_ epoch: Int) -> Salt {
        epoch == 0 ? self : Salt(avalanche(value ^ avalanche(UInt64(bitPattern: Int64(epoch)))))
    }

    package var description: String { hexadecimal(value) }
}

/// Decides which units meet the candidate.
///
/// A unit's place on the line 0 ..< 1 000 000 is fixed by the release's salt; it is the candidate's iff the
/// place lies below the share. Ranges nest, so a ramp only adds units and never moves one back.
package enum Splitter {
    package static func place(of unit: UnitHash, salt: Salt) -> Int {
        let mixed = avalanche(unit.value ^ avalanche(salt.value))
        return Int(mixed.multipliedFullWidth(by: 1_000_000).high)
    }

    package static func arm(of unit: UnitHash, salt: Salt, share: Share) -> Arm {
        place(of: unit, salt: salt) < share.partsPerMillion ? .candidate : .stable
    }
}

/// The finaliser of MurmurHash3 (Appleby, public domain): every input bit flips each output bit about half
/// of the time.
private func avalanche(_ input: UInt64) -> UInt64 {
    var hash = input
    hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
    hash = (hash ^ (hash >> 33)) &* 0xc4ce_b9fe_1a85_ec53
    return hash ^ (hash >> 33)
}
