package import BelayDisk

extension Reserve {
    /// For rollbacks and for a start: 16 MB beside the store.
    ///
    /// A piece is enough for a few rollbacks. What else is short of space may take what is left of one; so
    /// there are many.
    package static func forRollbacks(in folder: String) -> Reserve {
        Reserve(path: "\(folder)/reserve", piece: 1 << 20, pieces: 16, plenty: 2)
    }
}
