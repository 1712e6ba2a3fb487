import Foundation

/// Repeats the simulations that the judge's defaults rest on, and prints its figures beside the published ones.
///
///     belay-bench-judge [--runs 2000] [--seed 1] [--only 4.1,4.2,…]
@main
struct Bench {
    static func main() async {
        guard let settings = Settings(Array(CommandLine.arguments.dropFirst())) else {
            print("usage: belay-bench-judge [--runs 2000] [--seed 1] [--only 4.1,4.2,aa,4.3,…,tick]")
            exit(64)
        }
        let sections: [(String, @Sendable (Settings) async -> Void)] = [
            ("4.1", printRates), ("4.2", printNulls), ("aa", printEqualReleases), ("4.3", printLatencies),
            ("4.3", printMeans), ("4.4", printSituations), ("4.4", printEight), ("4.5", printAdvances),
            ("4.6", printChanges), ("4.6", printDrifts), ("4.7", printLate), ("tick", printTick),
        ]
        for (name, section) in sections where settings.wants(name) {
            let clock = ContinuousClock()
            let before = clock.now
            await section(settings)
            print("\n\(name) took \((clock.now - before).components.seconds) s.")
        }
    }
}
