import Foundation

/// Requests to the fixtures.
enum Question {
    /// For constant-1 and constant-2, which answer 1 and 2 whatever is asked.
    static let one = Data(#"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[0.5]}]}"#.utf8)

    /// For slow, which works for so many rounds of some 45 µs.
    static func slow(rounds: Int) -> Data {
        Data(#"{"inputs":[{"name":"n","shape":[1],"datatype":"INT64","data":[\#(rounds)]}]}"#.utf8)
    }
}

/// The path of a file in Tests/Fixtures.
func fixture(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/\(name)").path
}

/// The same model with other bytes: a `doc_string` (field 6 of ONNX's ModelProto) that holds the number.
///
/// Belay withdraws bytes, not numbers, so every round of a test that releases needs bytes of its own.
func variant(of name: String, _ number: Int) throws -> Data {
    let remark = Data("variant \(number)".utf8)
    let lengthDelimited: UInt8 = 2
    return try Data(contentsOf: URL(fileURLWithPath: fixture(name)))
        + Data([6 << 3 | lengthDelimited, UInt8(remark.count)]) + remark
}

/// The first number that a model answered.
func value(_ answer: HTTPAnswer) -> Double? {
    let outputs = answer.json["outputs"] as? [[String: Any]]
    return (outputs?.first?["data"] as? [Double])?.first
}

/// Belay policies as people write them.
enum PolicyFile {
    /// One step at half of the requests, over as soon as the guards have passed on 20 answers.
    static func quick(_ model: String, guards: String = "[{metric: error_rate, max_rise: 5%}]") -> String {
        """
        belay: 1
        model: \(model)
        rollout:
          steps:
            - {canary: 50%, for: 0s, min_samples: 20}
        guards: \(guards)
        """
    }

    /// The same with a step that no test outlives.
    static func lasting(_ model: String) -> String {
        """
        belay: 1
        model: \(model)
        rollout:
          steps:
            - {canary: 50%, for: 1h, min_samples: 20}
        """
    }

    static func instant(_ model: String) -> String {
        """
        belay: 1
        model: \(model)
        rollout: {use: instant}
        """
    }
}
