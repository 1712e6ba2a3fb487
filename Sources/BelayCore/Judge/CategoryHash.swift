/// A category as records know it: the hash of its text, never the text.
///
/// References are recorded with a release, the ledger is never rewritten, and a category may be a person's
/// name. Whoever guesses a text can still check it against its hash, so rare texts are not recorded at all;
/// see ``StableProfile``. Written as sixteen hexadecimal digits.
package struct CategoryHash: Hashable, Sendable, TextCoded {
    package let value: UInt64

    private init(known value: UInt64) { self.value = value }

    /// Of the bytes of a text.
    package init(bytes: some Sequence<UInt8>) { self.init(known: UnitHash(bytes: bytes).value) }

    /// Reads what ``description`` writes; nil for anything else.
    package init?(_ text: String) {
        guard text.utf8.count == 16, let value = UInt64(text, radix: 16) else { return nil }
        self.init(known: value)
        guard description == text else { return nil }
    }

    package var description: String { hexadecimal(value) }
}
