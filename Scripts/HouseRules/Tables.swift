/// What each target may import, besides the standard library: ARCHITECTURE's arrows, spelled out.
let arrows: [String: Set<String>] = [
    "BelayStats": ["Glibc"],
    "BelayCore": ["BelayStats"],
    "BelayDisk": ["Foundation", "Synchronization"],
    "BelayStore": [
        "BelayCore", "BelayDisk", "CThreads", "GRDB", "GRDBSQLite", "Crypto", "Foundation", "Synchronization",
    ],
    "BelayArtifacts": ["BelayCore", "Crypto", "Foundation", "Synchronization", "Glibc"],
    "BelayInference": ["BelayCore", "CONNXRuntime", "Foundation", "Synchronization", "Glibc"],
    "BelayInferenceLog": [
        "BelayCore", "BelayDisk", "CFiles", "GRDB", "Foundation", "Glibc", "Synchronization",
    ],
    "BelayGateway": [
        "BelayCore", "BelayStats", "BelayInference", "CThreads", "CZlib", "NIOCore", "NIOPosix", "NIOHTTP1",
        "Synchronization", "Glibc", "Darwin",
    ],
    "BelayOutgoing": [
        "BelayCore", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOSSL", "Foundation", "Synchronization", "Glibc",
    ],
    "BelayNotices": ["BelayCore", "GRDB", "Crypto", "Foundation", "Synchronization"],
    "BelayControl": [
        "BelayCore", "BelayStore", "BelayArtifacts", "BelayInference", "Foundation", "Logging",
        "Synchronization",
    ],
    "BelayServer": [
        "BelayStats", "BelayCore", "BelayDisk", "BelayStore", "BelayArtifacts", "BelayInference",
        "BelayInferenceLog", "BelayGateway", "BelayOutgoing", "BelayNotices", "BelayControl", "CMemory",
        "CThreads", "Hummingbird",
        "HTTPTypes", "ServiceLifecycle", "Logging", "NIOCore", "NIOHTTP1", "NIOHTTPTypes", "NIOPosix",
        "Foundation", "Glibc", "Synchronization", "UnixSignals",
    ],
    "belay": [
        "BelayServer", "BelayStats", "BelayCore", "CCurl", "ArgumentParser", "Yams", "Logging", "Foundation",
        "Synchronization", "Glibc",
    ],
    "BelayTesting": [
        "BelayCore", "BelayStats", "BelayStore", "BelayArtifacts", "BelayInference", "NIOCore", "NIOPosix",
        "NIOHTTP1", "Synchronization",
    ],
]

/// Targets whose results depend on their arguments alone: no input, output, clock or chance.
let pureTargets: Set<String> = ["BelayStats", "BelayCore"]

/// Text that may not stand in the code of Sources/.
struct BannedText {
    let text: String
    let instead: String
    /// The folders where the ban holds; elsewhere the text is innocent.
    var inside = ["Sources/"]
    /// The folders, of those, where it does not.
    var outside: [String] = []
    /// Where a `// tidy: reason` excuses it.
    var excusedIn = "Sources/"
}

let bannedTexts = [
    BannedText(text: "@unchecked", instead: "make it a value, or put a Mutex around one"),
    BannedText(text: "nonisolated(unsafe)", instead: "make it immutable, or put a Mutex around it"),
    BannedText(text: "@preconcurrency import", instead: "import it plainly and pass only Sendable values"),
    BannedText(text: "try!", instead: "let the error travel, or make the value unbuildable"),
    BannedText(text: "as!", instead: "use `as?` and say what happens otherwise, or an enum"),
    BannedText(text: "fatalError(", instead: "use `precondition` with a sentence, or throw"),
    BannedText(text: "Task.detached", instead: "use a task group, or a service of the ServiceGroup"),
    BannedText(text: "DispatchQueue", instead: "use structured concurrency, or an event loop"),
    BannedText(
        text: "Date()",
        instead: "take the time as an argument; only BelayServer's clock reads it",
        excusedIn: "Sources/BelayServer/"
    ),
    BannedText(
        text: "Date.now",
        instead: "take the time as an argument; only BelayServer's clock reads it",
        excusedIn: "Sources/BelayServer/"
    ),
    BannedText(
        text: "print(",
        instead: "log it, or return it to the command that prints",
        outside: ["Sources/belay/"]
    ),
    BannedText(text: "static let shared", instead: "pass it as an argument"),
    BannedText(text: "static var shared", instead: "pass it as an argument"),
]

/// Text banned in the pure targets besides.
let impureTexts = [
    "ContinuousClock", "SuspendingClock", "SystemRandomNumberGenerator", ".randomElement()", ".shuffled()",
    "Task.sleep",
].map {
    BannedText(
        text: $0,
        instead: "take the time or the chance as an argument",
        inside: pureTargets.map { "Sources/\($0)/" }
    )
}

/// Marks of unfinished work, looked for in comments.
let bannedRemarks = ["TODO", "FIXME"]

/// Words that say nothing, in the names of types, functions and files.
let emptyWords: Set = ["manager", "helper", "helpers", "util", "utils", "utility", "utilities", "impl"]

/// The glossary's wrong words that have no innocent use in a name, each with the word to use.
///
/// Words such as `stage`, `weight` or `session` are missing on purpose: they are right in other places.
let glossary = [
    "rollout": "release", "deployment": "endpoint", "baseline": "stable", "challenger": "candidate",
    "revision": "version", "blob": "artifact", "replica": "instance", "undo": "rollback",
    "revert": "rollback", "pause": "hold", "analyzer": "judge", "analyser": "judge",
    "namespace": "environment", "traces": "inference log", "groundtruth": "label", "auditlog": "ledger",
    "audittable": "ledger",
]

enum Limit {
    static let columns = 110
    static let functionLines = 60
    static let fileLines = 400
    static let testFileLines = 600
}
