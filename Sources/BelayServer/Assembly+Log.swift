import BelayCore
import BelayDisk
import BelayInferenceLog
import BelayStore
import Logging

extension LogOpening {
    /// Says what the inference log found broken; answers go on all the same.
    func report(to logger: Logger) {
        for segment in interrupted {
            logger.info(
                "a log segment was not closed",
                metadata: ["path": "\(segment.path)", "rows": "\(segment.rows)"]
            )
        }
        for path in migrated {
            logger.info("a log segment of an older version was rewritten", metadata: ["path": "\(path)"])
        }
        if let gap = gap, !gap.isEmpty || !gap.isExact {
            logger.warning(
                "the last run ended before its answers were logged",
                metadata: [
                    "lost": "\(gap.isExact ? "" : "at least ")\(gap.lost)", "withheld": "\(gap.withheld)",
                    "shadows": "\(gap.shadows)",
                ]
            )
        }
        if countsOnDisk {
            logger.notice("answers are counted on the disk, because there is no /dev/shm to count them in")
        }
        if unwritten > 0 {
            logger.warning(
                "the machine went down before these answers were on the disk",
                metadata: ["answers": "\(unwritten)"]
            )
        }
        for path in damaged {
            logger.error("a log segment cannot be read", metadata: ["path": "\(path)"])
        }
    }
}

extension InferenceLog {
    /// What became of answers, by the word for it: in this process, but what killed ones took with them.
    var results: [String: Int] {
        let counters = counters
        return [
            "logged": counters.logged, "dropped": counters.dropped, "failed": counters.failed,
            "sampled_out": counters.sampledOut, "lost": totals.lost,
        ]
    }
}

extension Assembly.Parts {
    func info(data: String, inference: ListenAddress) async -> InfoView {
        let head = try? await store.head
        let (counters, totals) = (log.counters, log.totals)
        return InfoView(
            version: belayVersion,
            data: data,
            inference: inference.description,
            runtime: "ONNX Runtime \(runtimeVersion)",
            startedAt: startedAt.description,
            entries: head?.sequence ?? 0,
            head: head?.hash.hex ?? "",
            answersLogged: totals.logged,
            answersDropped: counters.dropped + counters.failed,
            answersLost: totals.lost,
            reserve: reserve.bytes,
            wholeReserve: reserve.whole
        )
    }
}
