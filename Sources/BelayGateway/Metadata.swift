import BelayCore

/// The protocol's answers about the server and its models, which need no inference.
enum Metadata {
    /// Extensions are what a client may use; none is spoken yet.
    static let server = Array(#"{"name":"belay","version":"1","extensions":[]}"#.utf8)

    /// Metadata, or readiness: 400 when the version that would be asked cannot answer, as Triton has it.
    static func reply(about routed: RoutedModel, version: String?, aspect: InferencePath.Aspect) -> Reply {
        switch aspect {
        case .metadata:
            switch model(routed, version: version) {
            case .success(let json): return Reply(status: 200, headers: [], json: json)
            case .failure(let rejection): return Reply(rejection, headers: [])
            }
        case .ready:
            do throws(Rejection) {
                let ready = routed.lanes[try routed.version(version)] != nil
                return readiness(of: routed.route.endpoint.model, ready: ready)
            } catch .nothingServes(let model) {
                return readiness(of: model, ready: false)
            } catch {
                return Reply(error, headers: [])
            }
        case .infer: return Reply(.noSuchPath, headers: [])
        }
    }

    /// What a model takes and gives, by the signature of the version that would be asked.
    private static func model(_ routed: RoutedModel, version text: String?) -> Result<[UInt8], Rejection> {
        let model = routed.route.endpoint.model
        do throws(Rejection) {
            let number = try routed.version(text)
            guard let lane = routed.lanes[number] else { throw .notLoaded(VersionID(model, number)) }
            let answering = text == nil ? routed.route.answering.sorted() : [number]
            let versions = answering.map { quoted($0.description) }.joined(separator: ",")
            let json =
                "{\"name\":\(quoted(model.text)),\"versions\":[\(versions)],\"platform\":\"onnx_onnxv1\","
                + "\"inputs\":[\(tensors(lane.signature.inputs))],"
                + "\"outputs\":[\(tensors(lane.signature.outputs))]}"
            return .success(Array(json.utf8))
        } catch {
            return .failure(error)
        }
    }

    private static func readiness(of model: ModelName, ready: Bool) -> Reply {
        let json = Array("{\"name\":\(quoted(model.text)),\"ready\":\(ready)}".utf8)
        return Reply(status: ready ? 200 : 400, headers: [], json: json)
    }

    private static func tensors(_ specs: [TensorSpec]) -> String {
        specs.map { spec in
            let shape = spec.shape.map { String($0 ?? -1) }.joined(separator: ",")
            return
                "{\"name\":\(quoted(spec.name)),\"datatype\":\"\(spec.type.rawValue)\",\"shape\":[\(shape)]}"
        }.joined(separator: ",")
    }
}
