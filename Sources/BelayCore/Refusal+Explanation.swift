extension Refusal: Explainable {
    package var category: FailureCategory {
        switch self {
        case .unknownModel, .unknownVersion, .unknownRelease, .unknownGuard, .unknownIncident: .notFound
        case .policyForAnotherModel, .unknownName, .impossibleFallback, .neverMissing, .undecidable:
            .badPolicy
        case .nothingServes, .nothingToGoBackTo: .unsafe
        case .labelTaken, .aliasIsLabel, .tooManyAliases, .quarantined, .releaseInProgress, .alreadyServing,
            .automaticSuspended,
            .releaseEnded, .standbyNotReady,
            .gatesRunning, .alreadyHeld, .notHeld, .neverServed, .doesNotLoad, .notQuarantined:
            .conflict
        case .changedMeanwhile: .changed
        }
    }

    package var explanation: Explanation { Explanation(code: code, summary: summary, remedy: remedy) }

    private var code: String {
        switch self {
        case .unknownModel: "model.unknown"
        case .unknownVersion: "version.unknown"
        case .unknownRelease: "release.unknown"
        case .labelTaken: "version.label-taken"
        case .aliasIsLabel: "alias.is-label"
        case .tooManyAliases: "alias.too-many"
        case .policyForAnotherModel: "policy.other-model"
        case .quarantined: "version.quarantined"
        case .automaticSuspended: "endpoint.automatic-suspended"
        case .notQuarantined: "version.not-quarantined"
        case .alreadyServing: "version.already-serving"
        case .releaseInProgress: "release.in-progress"
        case .releaseEnded: "release.ended"
        case .gatesRunning: "release.gates-running"
        case .standbyNotReady: "release.standby-not-ready"
        case .alreadyHeld: "release.already-held"
        case .unknownGuard: "guard.unknown"
        case .unknownIncident: "incident.unknown"
        case .unknownName: "policy.unknown-name"
        case .impossibleFallback: "policy.impossible-fallback"
        case .neverMissing: "policy.never-missing"
        case .undecidable: "release.undecidable"
        case .notHeld: "release.not-held"
        case .nothingServes: "endpoint.nothing-serves"
        case .neverServed: "rollback.never-served"
        case .doesNotLoad: "rollback.does-not-load"
        case .nothingToGoBackTo: "rollback.no-target"
        case .changedMeanwhile: "endpoint.changed-meanwhile"
        }
    }

    private var summary: String {
        switch self {
        case .unknownModel(let model, _): "No model is called '\(model)'."
        case .unknownVersion(let model, let text): "Model '\(model)' has no version '\(text)'."
        case .unknownRelease(let release): "There is no release \(release)."
        case .labelTaken(let label, let version):
            "The label '\(label)' already names \(version), which holds other bytes."
        case .aliasIsLabel(let alias, let version):
            "'\(alias)' is the label of \(version), which never moves."
        case .tooManyAliases(let model):
            "Model '\(model)' has \(Model.mostAliases) aliases, which is as many as there may be."
        case .policyForAnotherModel(let found, let expected):
            "The policy is for model '\(found)', not '\(expected)'."
        case .quarantined(let version):
            "\(version) was withdrawn by a rollback and is quarantined with its bytes."
        case .automaticSuspended(let endpoint):
            "Automatic releases of '\(endpoint.model)' are off since its last rollback."
        case .notQuarantined(let version): "\(version) is not quarantined."
        case .alreadyServing(let version): "\(version) already serves all requests."
        case .releaseInProgress(let release, let endpoint):
            "Release \(release) of '\(endpoint.model)' has not ended, and there is one at a time."
        case .releaseEnded(let release): "Release \(release) has already ended."
        case .gatesRunning(let release): "The gates of release \(release) have not finished."
        case .standbyNotReady(let release, let standby, let reason):
            "Promoting release \(release) would leave no ready way back: \(standby) is not ready, for "
                + "\(clause(reason))."
        case .alreadyHeld(let release): "Release \(release) is already held."
        case .unknownGuard(let release, let name): "Release \(release) has no guard '\(name)'."
        case .unknownIncident(let incident): "There is no open incident \(incident)."
        case .unknownName(let name, let key, let version, _):
            "The policy says '\(name.prefix(80))' at \(key), and \(version) has nothing of that name."
        case .impossibleFallback(let version, let fault):
            "The policy's fallback answer cannot be given for \(version): of the output "
                + "'\(fault.output.prefix(80))', \(fault.reason)."
        case .neverMissing(let name, let type, let version):
            "Guard '\(name)' would see nothing missing, ever: its input of \(version) is \(type.rawValue), "
                + "and a request with null there is refused before it is counted."
        case .undecidable(let endpoint, let what):
            switch what.bound {
            case .deadline(let needed, let most):
                "At the traffic of '\(endpoint.model)', step \(what.step + 1) would be decided after about "
                    + "\(needed / 60_000) min by guard '\(what.guardName)' (\(what.requests) "
                    + "requests), and the plan's deadline is \(most / 60_000) min."
            case .units(let needed, let most):
                "For '\(what.guardName)' of step \(what.step + 1) the candidate must answer \(needed) "
                    + "requests, and the plan's exposure is spent with \(most): the release would be held."
            }
        case .notHeld(let release): "Release \(release) is not held."
        case .nothingServes(let endpoint):
            "Nothing serves for '\(endpoint.model)', so there is nothing to take back."
        case .neverServed(let version):
            "\(version) has never served, so going to it would not be going back."
        case .doesNotLoad(let version, let reason): "\(version) does not load: \(clause(reason))."
        case .changedMeanwhile(let endpoint, let entry):
            "'\(endpoint.model)' is not as you saw it any more: entry \(entry) came between."
        case .nothingToGoBackTo(let endpoint, let considered):
            "'\(endpoint.model)' has no good version to go back to"
                + (considered.isEmpty
                    ? "."
                    : ": " + considered.map { "\($0.version) \(clause($0.why))" }.joined(separator: ", ")
                        + ".")
        }
    }

    private var remedy: String {
        switch self {
        case .unknownModel(let model, let near):
            near.map { "Did you mean '\($0)'?" } ?? "Register one with `belay register \(model) PATH`."
        case .unknownVersion(let model, _): "List what there is with `belay versions \(model)`."
        case .unknownRelease: "List them with `belay releases`."
        case .labelTaken: "Choose another label; a label never moves."
        case .aliasIsLabel: "Choose another alias."
        case .tooManyAliases(let model): "Remove one with `belay alias \(model) NAME --remove`."
        case .policyForAnotherModel(_, let expected):
            "Correct the key `model`, or pass the policy of '\(expected)'."
        case .quarantined(let version):
            "Release another version, or clear it with `belay quarantine clear \(version) -m REASON`."
        case .automaticSuspended(let endpoint):
            "Release as a person, or allow them again with `belay automatic on \(endpoint.model)`."
        case .notQuarantined: "Nothing has to be done."
        case .alreadyServing(let version): "See `belay status \(version.model)`."
        case .releaseInProgress(let release, let endpoint):
            "Wait for it, or end it with `belay promote \(release)` or `belay rollback \(endpoint.model)`."
        case .releaseEnded(let release): "See how with `belay why \(release)`."
        case .gatesRunning: "Wait a moment and repeat; gates cannot be skipped this way."
        case .standbyNotReady(_, let standby, _):
            "Wait until `belay status \(standby.model)` shows it ready, or release with `standby: ignore` in "
                + "the policy's `rollback`."
        case .alreadyHeld(let release): "Go on with `belay resume \(release)`."
        case .unknownGuard(let release, _): "See its guards with `belay why \(release)`."
        case .unknownIncident: "Nothing has to be done."
        case .unknownName(let name, _, _, let known):
            nearest(name, among: known).map { "Did you mean '\($0)'?" }
                ?? "It has \(known.prefix(20).joined(separator: ", "))."
        case .impossibleFallback:
            "Give every output of the model one row of values of its type, under `rollback.fallback.answer`."
        case .neverMissing: "Watch `schema_errors`, which counts such requests, and leave this guard out."
        case .undecidable(_, let what):
            switch what.bound {
            case .deadline:
                "Allow a larger share, a wider margin or more time, or release with `--undecidable`."
            case .units: "Allow more units or ask for fewer samples, or release with `--undecidable`."
            }
        case .notHeld: "Nothing has to be done."
        case .nothingServes(let endpoint):
            "Release a version with `belay release \(endpoint.model)@VERSION`."
        case .neverServed(let version): "Release it instead with `belay release \(version)`."
        case .doesNotLoad:
            "Choose another version with `--to`, or leave `--to` out to take the last good one."
        case .changedMeanwhile(let endpoint, _):
            "Look again with `belay status \(endpoint.model)`, and decide anew."
        case .nothingToGoBackTo:
            "Release a good version with `belay release`, which replaces the one that serves, "
                + "or clear one from quarantine."
        }
    }
}

/// A reason from elsewhere, as a part of a sentence of ours.
private func clause(_ reason: String) -> Substring { reason.hasSuffix(".") ? reason.dropLast() : reason[...] }
