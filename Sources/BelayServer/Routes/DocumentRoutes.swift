import Hummingbird

/// `/openapi.json`: the published description of both ports, as it was when this program was built.
struct DocumentRoutes: Sendable {
    func register(on router: Router<CallContext>) {
        router.get("openapi.json") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "application/json", .cacheControl: "no-cache"],
                body: .init(byteBuffer: ByteBuffer(bytes: PackageResources.openapi_json))
            )
        }
    }
}
