import BelayDisk

extension Reserve {
    /// For removing answers: 4 MB beside the log's segments.
    ///
    /// What is removed is written down first, which takes a few pages; a log that has filled the disk could
    /// never be made shorter otherwise.
    static func forRemoving(in folder: String) -> Reserve {
        Reserve(path: "\(folder)/reserve", piece: 4 << 20, pieces: 1, plenty: 4)
    }
}
