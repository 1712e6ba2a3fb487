import BelayCore
import Foundation

/// The document that some JSON holds.
func document(_ json: String) throws -> PolicyNode {
    try JSONDecoder().decode(PolicyNode.self, from: Data(json.utf8))
}

/// A minimal policy with `more` in it: `"guards": []`.
func policyJSON(_ more: String = "") -> String {
    #"{"belay": 1, "model": "fraud"\#(more.isEmpty ? "" : ", ")\#(more)}"#
}

func decoded(_ more: String = "") throws -> Policy { try decodePolicy(try document(policyJSON(more))).get() }

/// What is wrong with a policy, as `place message; suggestion [code]`.
func problems(_ json: String) throws -> [String] {
    switch decodePolicy(try document(json)) {
    case .success: []
    case .failure(let problems): problems.all.map { "\($0.place) \($0.sentence) [\($0.code.rawValue)]" }
    }
}
