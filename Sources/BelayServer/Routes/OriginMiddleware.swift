import BelayCore
import HTTPTypes
import Hummingbird

/// Keeps web pages from acting on the control API.
///
/// A browser sends any page's simple requests to 127.0.0.1, but never without saying whose page it is.
struct OriginMiddleware<Context: RequestContext>: RouterMiddleware {
    @concurrent
    func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        if let origin = request.headers[.origin], !isOwn(origin, authority: request.head.authority) {
            throw RequestError.foreignOrigin(origin)
        }
        return try await next(request, context)
    }

    private func isOwn(_ origin: String, authority: String?) -> Bool {
        guard let authority else { return false }
        return origin == "http://\(authority)" || origin == "https://\(authority)"
    }
}
