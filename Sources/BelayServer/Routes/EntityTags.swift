import BelayCore
import Foundation
import HTTPTypes
import Hummingbird

/// Which state of an endpoint somebody looked at (`ETag`), and acts on (`If-Match`).
///
/// The tag is the number of the newest entry that changed the endpoint, so it outlives restarts and changes
/// with nothing that would not change a plan.
extension Snapshot {
    func tagged(_ response: Response, _ model: ModelName) -> Response {
        var response = response
        response.headers[.eTag] = "\"\(state.lastChange(of: EndpointID(model, in: .prod)))\""
        return response
    }

    func answer(_ model: ModelName) throws -> Response { tagged(try jsonResponse(endpoint(model)), model) }

    func answer(_ release: Release) throws -> Response {
        tagged(try jsonResponse(self.release(release)), release.proposal.endpoint.model)
    }

    /// The answer to the call that proposes a release: what it will need stands in it.
    func proposed(_ release: Release) throws -> Response {
        var view = self.release(release)
        view.forecast = ForecastView(release.proposal.policy, profile: release.proposal.profile)
        return tagged(try jsonResponse(view, status: .created), release.proposal.endpoint.model)
    }
}

extension Request {
    /// What the caller has seen of the endpoint, by `If-Match`; nil when anything will do.
    ///
    /// A tag that no endpoint ever had, weak ones included, matches nothing (RFC 9110, 13.1.1).
    func expectation(of model: ModelName) -> Expectation? {
        let fields = headers[values: .ifMatch]
        guard !fields.isEmpty else { return nil }
        let tags = fields.flatMap { $0.split(separator: ",") }.map { $0.trimmingCharacters(in: .whitespaces) }
        guard tags != ["*"] else { return nil }
        let changes = tags.compactMap { tag -> Int? in
            guard tag.count > 2, tag.hasPrefix("\""), tag.hasSuffix("\"") else { return nil }
            return Int(tag.dropFirst().dropLast())
        }
        return Expectation(EndpointID(model, in: .prod), lastChanges: Set(changes))
    }
}
