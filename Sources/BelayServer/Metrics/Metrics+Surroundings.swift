import BelayCore
import BelayNotices

/// What `/metrics` tells of everything around control and gateway.
struct Surroundings: Sendable {
    /// Tries of notices since the process started.
    var notices: [Herald.Tally: Int] = [:]
    /// Notices that have not arrived, by model.
    var undelivered: [String: Int] = [:]
    /// When somebody last had the ledger verified by this process, and whether it was whole.
    var verification: (at: Timestamp, ok: Bool)?
    /// Labels that were kept since the process started.
    var labels: [VersionID: Int] = [:]
    /// Labels that were refused since then, by code.
    var refusedLabels: [String: Int] = [:]
    /// Labelled answers as a part of all, of the last week.
    var coverage: [VersionID: Double] = [:]
}

extension Metrics {
    func surroundings(_ text: inout MetricsText) {
        text.family(
            "belay_webhook_deliveries_total",
            .counter,
            "Tries to tell somebody of something, by what came of them."
        ) { family in
            let tallies = surroundings.notices.sorted {
                ($0.key.via.rawValue, $0.key.result) < ($1.key.via.rawValue, $1.key.result)
            }
            for (tally, count) in tallies {
                family.add(["via": tally.via.rawValue, "result": tally.result], count)
            }
        }
        text.family("belay_webhook_undelivered", .gauge, "Notices that have not arrived.") { family in
            for (model, count) in surroundings.undelivered.sorted(by: { $0.key < $1.key }) {
                family.add(["model": model], count)
            }
        }
        text.family(
            "belay_audit_last_verified_timestamp_seconds",
            .gauge,
            "When the ledger was last verified at somebody's request."
        ) {
            if let verification = surroundings.verification {
                $0.add([:], Double(verification.at.milliseconds) / 1000)
            }
        }
        text.family("belay_audit_verified", .gauge, "Whether it was whole then.") {
            if let verification = surroundings.verification { $0.add([:], verification.ok ? 1 : 0) }
        }
        labels(&text)
        hops(&text)
    }

    private func labels(_ text: inout MetricsText) {
        text.family("belay_labels_total", .counter, "Labels that were kept.") { family in
            for (id, count) in surroundings.labels.sorted(by: { $0.key < $1.key }) {
                family.add(
                    ["model": id.model.text, "env": "prod", "version": id.number.description],
                    count
                )
            }
        }
        text.family("belay_labels_refused_total", .counter, "Labels that were refused, by why.") { family in
            for (code, count) in surroundings.refusedLabels.sorted(by: { $0.key < $1.key }) {
                family.add(["code": code], count)
            }
        }
        text.family("belay_label_coverage_ratio", .gauge, "The part of a week's answers that is labelled.") {
            for (id, ratio) in surroundings.coverage.sorted(by: { $0.key < $1.key }) {
                $0.add(["model": id.model.text, "env": "prod", "version": id.number.description], ratio)
            }
        }
    }

    private func hops(_ text: inout MetricsText) {
        text.family(
            "belay_fallback_hops_total",
            .counter,
            "How often somebody whose turn it was did not answer a request, and why."
        ) { family in
            let hops = figures.fallbacks.sorted {
                ($0.key.model, $0.key.role, $0.key.reason) < ($1.key.model, $1.key.role, $1.key.reason)
            }
            for (hop, count) in hops {
                family.add(
                    ["model": hop.model.text, "env": "prod", "role": hop.role, "reason": hop.reason],
                    count
                )
            }
        }
    }
}
