// swift-tools-version: 6.2
import PackageDescription

/// The compiler settings of every Swift target: Swift 6 mode, strict imports, and no warning survives.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// Added where Swift meets C: every unsafe call is spelled out.
let boundary: [SwiftSetting] = house + [.strictMemorySafety()]

let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "belay",
    products: [.executable(name: "belay", targets: ["belay"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        .target(name: "BelayStats", swiftSettings: house),
        .target(name: "BelayCore", dependencies: ["BelayStats"], swiftSettings: house),
        .target(name: "CONNXRuntime"),
        .target(name: "CCurl"),
        .target(name: "CFiles"),
        .target(name: "CMemory"),
        .target(name: "CThreads"),
        .target(name: "BelayDisk", swiftSettings: house),
        .systemLibrary(name: "CZlib"),
        .target(
            name: "BelayStore",
            dependencies: ["BelayCore", "BelayDisk", "CThreads", grdb, crypto],
            swiftSettings: house
        ),
        .target(name: "BelayArtifacts", dependencies: ["BelayCore", crypto], swiftSettings: house),
        .target(
            name: "BelayInference",
            dependencies: ["BelayCore", "CONNXRuntime"],
            swiftSettings: boundary
        ),
        .target(
            name: "BelayInferenceLog",
            dependencies: ["BelayCore", "BelayDisk", "CFiles", grdb],
            swiftSettings: house
        ),
        .target(
            name: "BelayGateway",
            dependencies: [
                "BelayCore", "BelayStats", "BelayInference", "CThreads", "CZlib", nioCore, nioPosix,
                nioHTTP1,
            ],
            swiftSettings: house
        ),
        .target(
            name: "BelayOutgoing",
            dependencies: ["BelayCore", nioCore, nioPosix, nioHTTP1, nioSSL],
            swiftSettings: house
        ),
        .target(
            name: "BelayNotices",
            dependencies: ["BelayCore", grdb, crypto],
            swiftSettings: house
        ),
        .target(
            name: "BelayControl",
            dependencies: ["BelayCore", "BelayStore", "BelayArtifacts", "BelayInference", logging],
            swiftSettings: house
        ),
        .target(
            name: "BelayServer",
            dependencies: [
                "BelayStats", "BelayCore", "BelayDisk", "BelayStore", "BelayArtifacts", "BelayInference",
                "BelayInferenceLog", "BelayGateway", "BelayOutgoing", "BelayNotices", "BelayControl",
                "CMemory", "CThreads", hummingbird, httpTypes, lifecycle, logging, nioCore, nioHTTP1,
                nioHTTPTypes, nioPosix, signals,
            ],
            resources: [.embedInCode("Resources/openapi.json")],
            swiftSettings: house
        ),
        .executableTarget(
            name: "belay-bench-log",
            dependencies: ["BelayInferenceLog", "BelayCore"],
            path: "Benchmarks/Log",
            exclude: ["README.md"],
            swiftSettings: house
        ),
        .executableTarget(
            name: "belay",
            dependencies: ["BelayServer", "BelayCore", "BelayStats", "CCurl", arguments, yams, logging],
            swiftSettings: house
        ),
        .executableTarget(
            name: "belay-bench-judge",
            dependencies: ["BelayStats"],
            path: "Benchmarks/Judge",
            exclude: ["README.md"],
            swiftSettings: house
        ),
        .target(
            name: "BelayTesting",
            dependencies: [
                "BelayCore", "BelayStore", "BelayArtifacts", "BelayInference", nioCore, nioPosix, nioHTTP1,
            ],
            swiftSettings: house
        ),
        .target(name: "CBelayCount", path: "Benchmarks/Kernel/Count"),
        .executableTarget(
            name: "belay-bench-kernel",
            dependencies: ["BelayCore", "BelayInference", "CBelayCount"],
            path: "Benchmarks/Kernel/Bench",
            swiftSettings: house
        ),
        .executableTarget(
            name: "belay-bench-evidence",
            dependencies: [
                "BelayCore", "BelayStats", "BelayInference", "BelayGateway", nioCore, nioPosix,
            ],
            path: "Benchmarks/Evidence",
            swiftSettings: house
        ),
        .testTarget(name: "BelayStatsTests", dependencies: ["BelayStats"], swiftSettings: house),
        .testTarget(
            name: "BelayCoreTests",
            dependencies: ["BelayCore", "BelayStats", "BelayTesting"],
            swiftSettings: house
        ),
        .testTarget(
            name: "BelayStoreTests",
            dependencies: ["BelayStore", "BelayCore", "BelayDisk", "BelayTesting", grdb, crypto],
            swiftSettings: house
        ),
        .testTarget(
            name: "BelayArtifactsTests",
            dependencies: ["BelayArtifacts", "BelayCore"],
            swiftSettings: house
        ),
        .testTarget(
            name: "BelayInferenceTests",
            dependencies: ["BelayInference", "BelayCore"],
            swiftSettings: house
        ),
        .testTarget(
            name: "BelayInferenceLogTests",
            dependencies: ["BelayInferenceLog", "BelayCore", "BelayDisk", grdb],
            swiftSettings: house
        ),
        .testTarget(
            name: "BelayGatewayTests",
            dependencies: [
                "BelayGateway", "BelayInference", "BelayCore", "BelayStats", "BelayTesting", nioCore,
                nioPosix, nioHTTP1, nioEmbedded,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "BelayOutgoingTests",
            dependencies: ["BelayOutgoing", "BelayCore", "BelayTesting", nioCore, nioPosix, nioHTTP1],
            swiftSettings: house
        ),
        .testTarget(
            name: "BelayNoticesTests",
            dependencies: ["BelayNotices", "BelayCore", "BelayTesting", crypto],
            swiftSettings: house
        ),
        .testTarget(
            name: "BelayControlTests",
            dependencies: [
                "BelayControl", "BelayCore", "BelayStore", "BelayArtifacts", "BelayInference", "BelayTesting",
                logging,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "BelayServerTests",
            dependencies: [
                "BelayServer", "BelayStats", "BelayCore", "BelayInference", "BelayInferenceLog",
                "BelayNotices", "BelayTesting", crypto, httpTypes, hummingbird, lifecycle, logging, nioCore,
                nioEmbedded, nioHTTP1, nioHTTPTypes, nioPosix,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "BelayGateway", "BelayInference", "BelayInferenceLog", "BelayServer", "BelayCore", nioCore,
                nioHTTP1, nioEmbedded, yams,
            ],
            swiftSettings: house
        ),
        .testTarget(name: "EndToEndTests", dependencies: ["belay"], swiftSettings: house),
        .testTarget(
            name: "CommandLineTests",
            dependencies: ["belay", "BelayCore", "BelayServer", "BelayStats", arguments],
            swiftSettings: house
        ),
    ]
)

// `make fuzz`: every Swift target is instrumented, and there is one more program.
if Context.environment["BELAY_FUZZ"] == "1" {
    let sanitizers = "-sanitize=fuzzer,address"
    package.targets += [
        .target(name: "CFuzzer", path: "Fuzz/CFuzzer"),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CFuzzer", "BelayCore", "BelayInference", "BelayInferenceLog", "BelayServer", "BelayGateway",
                nioCore, nioHTTP1, nioEmbedded, yams,
            ],
            path: "Fuzz/Sources",
            swiftSettings: house,
            // Debian's gold cannot link what libFuzzer brings.
            linkerSettings: [.unsafeFlags([sanitizers, "-use-ld=lld"])]
        ),
    ]
    for target in package.targets {
        target.swiftSettings? += [.unsafeFlags([sanitizers, "-enable-testing"])]
    }
}
