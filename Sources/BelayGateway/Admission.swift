import NIOCore

/// Decides whether one more request may wait for a version, from what its runs cost of late.
///
/// By Little's law a request waits about `(waiting + 1) × cost / threads`. It is admitted while that is
/// within its patience, so the queue is as long as the version is fast; under overload the rest is shed at
/// once instead of all being late. Pure.
struct Admission: Equatable {
    /// So many may wait whatever they cost: an estimate from few runs must not close the door.
    static let always = 4
    /// The weight of the newest run in the mean.
    static let smoothing = 0.1

    /// Of one run, in nanoseconds; zero before the first.
    private(set) var meanCost = 0.0

    mutating func note(cost: TimeAmount) {
        let cost = Double(max(0, cost.nanoseconds))
        meanCost = meanCost == 0 ? cost : meanCost + Self.smoothing * (cost - meanCost)
    }

    /// Whether a request that can wait for `patience` is let in, while so many are `waiting` or with the
    /// version, which runs `threads` at a time.
    func admits(waiting: Int, threads: Int, patience: TimeAmount) -> Bool {
        guard waiting >= Self.always else { return true }
        let wait = Double(waiting + 1) * meanCost / Double(max(1, threads))
        return wait <= Double(patience.nanoseconds)
    }
}
