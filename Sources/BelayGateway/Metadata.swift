import BelayCore
import BelayInference

/// The protocol's answers about the server and its models, which need no inference.
enum Metadata {
    /// Extensions are what a client may use: what stands here works.
    static let server = Array(
        (#"{"name":"belay","version":"2","extensions":["binary_tensor_data","classification","parameters","#
            + #""statistics","model_repository"]}"#).utf8
    )

    /// Metadata, or readiness: 400 when the version that would be asked cannot answer, as Triton has it.
    static func reply(
        about routed: RoutedModel,
        _ selector: InferencePath.Selector,
        _ aspect: InferencePath.Aspect,
        isLogWritable: Bool
    ) -> Reply {
        switch aspect {
        case .metadata:
            switch model(routed, selector) {
            case .success(let json): return Reply(status: 200, headers: [], json: json)
            case .failure(let rejection): return Reply(rejection, headers: [])
            }
        case .ready:
            do throws(Rejection) {
                let isLoaded = routed.lanes[try routed.version(selector)] != nil
                let ready = isLoaded && (isLogWritable || !routed.needsLog)
                return readiness(of: routed.route.endpoint.model, ready: ready)
            } catch Rejection.nothingServes(let model) {
                return readiness(of: model, ready: false)
            } catch {
                return Reply(error, headers: [])
            }
        case .infer, .statistics: return Reply(.noSuchPath, headers: [])
        }
    }

    /// What a model takes and gives, by the signature of the version that would be asked.
    private static func model(
        _ routed: RoutedModel,
        _ selector: InferencePath.Selector
    ) -> Result<[UInt8], Rejection> {
        let model = routed.route.endpoint.model
        do throws(Rejection) {
            let number = try routed.version(selector)
            guard let lane = routed.lanes[number] else { throw .notLoaded(VersionID(model, number)) }
            let answering = selector == .routed ? routed.route.answering.sorted() : [number]
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

// MARK: - The repository

extension Metadata {
    /// Every version that a route speaks of, and whether it answers.
    ///
    /// The body is empty, or `{"ready": true}` to leave out what does not answer.
    static func index(_ snapshot: Snapshot, _ body: [UInt8]) -> Reply {
        let onlyReady: Bool
        do throws(InferenceError) {
            onlyReady = try RepositoryFilter.decode(body).onlyReady
        } catch {
            return Reply(.malformed(error.explanation.summary), headers: [])
        }
        let rows = snapshot.all.flatMap { routed in
            states(of: routed).filter { !onlyReady || $0.state == "READY" }.map { row in
                "{\"name\":\(quoted(routed.route.endpoint.model.text)),\"version\":\"\(row.version)\","
                    + "\"state\":\"\(row.state)\",\"reason\":\(quoted(row.reason))}"
            }
        }
        return Reply(status: 200, headers: [], json: Array("[\(rows.joined(separator: ","))]".utf8))
    }

    private static func states(
        of routed: RoutedModel
    ) -> [(version: VersionNumber, state: String, reason: String)] {
        let route = routed.route
        let shadows = Set(route.shadows.map(\.version)).subtracting(route.withdrawn)
        return route.answering.union(shadows).union(route.withdrawn).sorted().map { version in
            if route.withdrawn.contains(version) {
                return (version, "UNAVAILABLE", "withdrawn by a rollback")
            }
            guard routed.lanes[version] != nil else { return (version, "LOADING", "") }
            return shadows.contains(version) && !route.answers(with: version)
                ? (version, "UNAVAILABLE", "a shadow: it is asked and answers nobody")
                : (version, "READY", "")
        }
    }

    /// What Belay says to whoever would load or unload by hand: what is so already, or whose job it is.
    static func byHand(_ wish: InferencePath.RepositoryWish, name: String, _ routed: RoutedModel?) -> Reply {
        switch wish {
        case .load:
            // Loaded is what a released model is; saying so changes nothing.
            if let routed, routed.isReady { return Reply(status: 200, headers: [], json: []) }
            let sentence =
                routed == nil
                ? "No model '\(name.prefix(80))' has been released; `belay release` tests and loads it."
                : "The version that serves '\(name.prefix(80))' is being loaded; Belay does that by itself."
            return Reply(.notByHand(sentence), headers: [])
        case .unload:
            let sentence =
                "Belay unloads what no route needs; to take a version of '\(name.prefix(80))' out, "
                + "run `belay rollback`."
            return Reply(.notByHand(sentence), headers: [])
        }
    }
}

// MARK: - Statistics

extension Metadata {
    /// Triton's statistics extension, since the start of the process, pinned requests included.
    static func statistics(
        of models: [RoutedModel],
        _ selector: InferencePath.Selector,
        _ figures: LoopFigures
    ) -> Reply {
        var rows: [String] = []
        for routed in models {
            var versions = routed.loaded.sorted()
            if selector != .routed {
                do throws(Rejection) {
                    versions = [try routed.version(selector)]
                } catch {
                    return Reply(error, headers: [])
                }
            }
            let model = routed.route.endpoint.model
            for version in versions {
                let id = VersionID(model, version)
                rows.append(statistics(id, figures.figures[id] ?? LoopFigures.Figures()))
            }
        }
        let json = "{\"model_stats\":[\(rows.joined(separator: ","))]}"
        return Reply(status: 200, headers: [], json: Array(json.utf8))
    }

    private static func statistics(_ id: VersionID, _ sum: LoopFigures.Figures) -> String {
        func entry(_ name: String, _ part: LoopFigures.Sum) -> String {
            "\"\(name)\":{\"count\":\(part.count),\"ns\":\(part.nanoseconds)}"
        }
        let zero = LoopFigures.Sum()
        let parts = [
            entry("success", sum.success), entry("fail", sum.failure), entry("queue", sum.queue),
            entry("compute_input", sum.input), entry("compute_infer", sum.infer),
            entry("compute_output", sum.output), entry("cache_hit", zero), entry("cache_miss", zero),
        ]
        return "{\"name\":\(quoted(id.model.text)),\"version\":\"\(id.number)\","
            + "\"last_inference\":\(sum.last?.milliseconds ?? 0),\"inference_count\":\(sum.rows),"
            + "\"execution_count\":\(sum.success.count),"
            + "\"inference_stats\":{\(parts.joined(separator: ","))},"
            + "\"response_stats\":{},\"batch_stats\":[],\"memory_usage\":[]}"
    }
}
