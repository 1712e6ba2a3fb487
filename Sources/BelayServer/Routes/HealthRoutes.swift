import BelayDisk
import Hummingbird
import Synchronization

/// `/livez` and `/readyz`: the first depends on nothing, the second tells the truth.
struct HealthRoutes: Sendable {
    let desk: Desk
    /// Kept free for rollbacks.
    let reserve: Reserve
    /// False while the inference log's disk takes no records.
    let isLogWritable: @Sendable () -> Bool

    func register(on router: Router<CallContext>) {
        router.get("livez") { _, _ in answer(.ok, "ok\n") }
        router.get("readyz") { _, _ in
            let readiness = Readiness(
                await desk.snapshot(),
                isDraining: desk.draining.hasBegun,
                isLogWritable: isLogWritable()
            )
            let kept = reserve.bytes
            // The server is as ready as before; whoever looks should know all the same.
            let remark =
                kept < reserve.whole
                ? "reserve for rollbacks on a full disk: \(kept) of \(reserve.whole) bytes\n" : ""
            return answer(readiness.isReady ? .ok : .serviceUnavailable, readiness.text + remark)
        }
    }

    private func answer(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status,
            headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
            body: .init(byteBuffer: .init(string: text))
        )
    }
}

/// Whether the server has been told to stop.
final class Draining: Sendable {
    private let begun = Atomic<Bool>(false)

    var hasBegun: Bool { begun.load(ordering: .relaxed) }

    func begin() { begun.store(true, ordering: .relaxed) }
}
