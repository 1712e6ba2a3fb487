import BelayCore
import Foundation

/// A policy, as YAML and as JSON: what was understood must mean the same when every default is spelled out.
func tryPolicy(_ input: [UInt8]) {
    let data = Data(input)
    let nodes = [
        try? PolicyFileReader.parse(data, file: "belay.yaml"),
        try? JSONDecoder().decode(PolicyNode.self, from: data),
    ]
    for case let node? in nodes {
        guard case .success(let policy) = decodePolicy(node) else { continue }
        let again = try? decodePolicy(PolicyNode(describing: policy)).get()
        precondition(again == policy, "spelled out and read again, the policy is another")
    }
}

/// What the command line's reader throws; its own type brings the whole command line along.
enum CommandFailure: Error {
    case unreadableFile(String, reason: String)
    case badPolicy(file: String, PolicyProblems)
}
