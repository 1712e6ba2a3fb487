import BelayCore
import HTTPTypes
import Hummingbird

/// Keeps web pages from acting on the control API, and from reading it.
///
/// A browser sends any page's simple requests to 127.0.0.1, but never without saying under which name it asks
/// and, where it matters, whose page it is.
struct OriginMiddleware<Context: RequestContext>: RouterMiddleware {
    let names: OwnNames

    @concurrent
    func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        // Whoever names no host is no browser.
        let authority = request.head.authority ?? ""
        guard authority.isEmpty || names.contain(authority) else {
            throw RequestError.foreignHost(authority)
        }
        if let origin = request.headers[.origin], !isOwn(origin, authority: authority) {
            throw RequestError.foreignOrigin(origin)
        }
        guard request.headers[Self.site] != "cross-site" || isFollowedLink(request) else {
            throw RequestError.foreignOrigin("another site")
        }
        return try await next(request, context)
    }

    private func isOwn(_ origin: String, authority: String) -> Bool {
        origin == "http://\(authority)" || origin == "https://\(authority)"
    }

    /// A person who clicks a link in a notice: the page that it stood in does not see the answer.
    private func isFollowedLink(_ request: Request) -> Bool {
        [.get, .head].contains(request.method) && request.headers[Self.mode] == "navigate"
            && request.headers[Self.destination] == "document"
    }

    private static var site: HTTPField.Name { .init("Sec-Fetch-Site") ?? .origin }
    private static var mode: HTTPField.Name { .init("Sec-Fetch-Mode") ?? .origin }
    private static var destination: HTTPField.Name { .init("Sec-Fetch-Dest") ?? .origin }
}
