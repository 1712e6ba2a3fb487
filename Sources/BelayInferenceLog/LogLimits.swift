/// How much the inference log may hold, in memory and on disk.
package struct LogLimits: Equatable, Sendable {
    /// The most answers that wait for the writer; beyond, answers are dropped and counted.
    package var queuedRows: Int
    /// The most bytes that wait for the writer.
    package var queuedBytes: Int
    /// The most rows of one transaction.
    package var batchRows: Int
    /// How long a first row waits for company before it is written.
    package var batchMilliseconds: Int
    /// How long the disk is left alone after it refused answers and none came since.
    package var retryMilliseconds: Int
    /// A block of this size is closed and a new one begun: what a reader holds in memory.
    package var blockBytes: Int
    /// A longer request or response is stored without its tail.
    package var bodyBytes: Int
    /// A segment of this size is closed and a new one begun.
    package var segmentBytes: Int64
    package var segmentRows: Int
    /// Above this size of all segments together the oldest are removed.
    package var totalBytes: Int64

    package init(
        queuedRows: Int,
        queuedBytes: Int,
        batchRows: Int,
        batchMilliseconds: Int,
        retryMilliseconds: Int,
        blockBytes: Int,
        bodyBytes: Int,
        segmentBytes: Int64,
        segmentRows: Int,
        totalBytes: Int64
    ) {
        precondition(queuedRows > 0 && batchRows > 0, "a queue and a batch hold at least one row")
        self.queuedRows = queuedRows
        self.queuedBytes = queuedBytes
        self.batchRows = batchRows
        self.batchMilliseconds = batchMilliseconds
        self.retryMilliseconds = retryMilliseconds
        self.blockBytes = blockBytes
        self.bodyBytes = bodyBytes
        self.segmentBytes = segmentBytes
        self.segmentRows = segmentRows
        self.totalBytes = totalBytes
    }

    /// 64 MiB in memory, 4 GiB on disk in segments of 128 MiB.
    package static let standard = LogLimits(
        queuedRows: 16_384,
        queuedBytes: 64 << 20,
        batchRows: 1000,
        batchMilliseconds: 10,
        retryMilliseconds: 1000,
        blockBytes: 64 << 10,
        bodyBytes: 1 << 20,
        segmentBytes: 128 << 20,
        segmentRows: 1_000_000,
        totalBytes: 4 << 30
    )
}
