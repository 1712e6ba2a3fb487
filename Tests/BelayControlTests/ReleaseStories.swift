/// Stories of releases that go well, stand still or never begin.
let releaseStories = [
    Story(
        name: "the first release serves at once",
        text: """
            register fraud one
            release fraud 1
            expect serving fraud nothing
            tick 1s
            expect serving fraud 1
            expect loaded
              fraud@1
            expect ledger
              registry.model_created fraud
              registry.version_registered fraud@1
              release.proposed r1
              release.gates_passed r1
              release.promoted r1
              release.settled r1
            register fraud one
            release fraud 1
              refused: version.already-serving
            """
    ),
    Story(
        name: "a canary ramps and is promoted",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10,50 dwell 10m min 500 guards error_rate
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            expect ledger
              registry.model_created fraud
              registry.version_registered fraud@1
              registry.version_registered fraud@2
              safety.policy_changed fraud#prod
              release.proposed r1
              release.gates_passed r1
              release.promoted r1
              release.settled r1
              release.proposed r2
              release.gates_passed r2
              release.step_entered r2
            traffic fraud stable 900 fail 1% candidate 100 fail 1% each 1m for 9m
            expect release r2
              canary, step 0 at 10%
              error_rate pass
              invalid_output pass
              circuit_breaker pass
            traffic fraud stable 900 fail 1% candidate 100 fail 1% each 1m for 1m
            expect release r2
              canary, step 1 at 50%
              error_rate pass
              invalid_output pass
              circuit_breaker pass
            traffic fraud stable 500 fail 1% candidate 500 fail 1% each 1m for 10m
            expect release r2
              settled
            expect serving fraud 2
            tick 1s
            expect loaded
              fraud@1 fraud@2
            expect ledger
              release.step_entered r2
              release.promoted r2
              release.settled r2
            """
    ),
    Story(
        name: "a promoted candidate is watched before it settles",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10 dwell 1m min 100 watch 5m guards error_rate
            release fraud 1
            tick 5m
            tick 5m
            expect release r1
              settled
            release fraud 2
            tick 1s
            traffic fraud stable 900 candidate 100 each 1m for 1m
            expect release r2
              watching
              error_rate pass
              invalid_output pass
              circuit_breaker pass
            expect serving fraud 2
            tick 4m
            expect release r2
              watching
            tick 1m
            expect release r2
              settled
            """
    ),
    Story(
        name: "a blind release waits for ever and goes on when labels come",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10 dwell 10m min 100 guards error_rate,accuracy
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            tick 10m
            expect release r2
              canary, step 0 at 10%
              error_rate blind
              accuracy blind
              invalid_output blind
              circuit_breaker blind
            traffic fraud stable 900 candidate 100 each 1m for 30m
            expect release r2
              canary, step 0 at 10%
              error_rate pass
              accuracy blind
              invalid_output pass
              circuit_breaker pass
            labels fraud stable 900 fail 5% candidate 100 fail 5%
            traffic fraud stable 900 candidate 100
            tick 1s
            expect release r2
              settled
            expect serving fraud 2
            """
    ),
    Story(
        name: "a person holds, resumes and promotes",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10,50 dwell 1m min 100 guards error_rate
            release fraud 1
            tick 1s
            release fraud 2
            promote r2
              refused: release.gates-running
            hold r2
            tick 1s
            expect release r2
              gating
              held by ada
            hold r2
              refused: release.already-held
            traffic fraud stable 900 candidate 100 each 1m for 5m
            expect release r2
              gating
              held by ada
            resume r2
            resume r2
              refused: release.not-held
            tick 1s
            expect release r2
              canary, step 0 at 10%
            promote r2
            expect serving fraud 2
            promote r2
              refused: release.ended
            resume r9
              refused: release.unknown
            expect ledger
              registry.model_created fraud
              registry.version_registered fraud@1
              registry.version_registered fraud@2
              safety.policy_changed fraud#prod
              release.proposed r1
              release.gates_passed r1
              release.promoted r1
              release.settled r1
              release.proposed r2
              release.held r2
              release.resumed r2
              release.gates_passed r2
              release.step_entered r2
              release.waived r2
              release.promoted r2
              release.settled r2
            """
    ),
    Story(
        name: "a guard that only holds is overridden once",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10,50 dwell 10m min 100 guards error_rate:hold
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            traffic fraud stable 900 fail 1% candidate 100 fail 30% each 1m for 5m
            expect release r2
              canary, step 0 at 10%
              held by belay: guard:error_rate
              error_rate breach
              invalid_output pass
              circuit_breaker pass
            tick 10m
            resume r2
            tick 1s
            expect release r2
              canary, step 1 at 50%
              error_rate breach waived
              invalid_output pass
              circuit_breaker pass
            expect quarantine fraud
              none
            """
    ),
    Story(
        name: "the gate refuses another signature",
        text: """
            register fraud one
            register fraud wide features 9
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            expect release r2
              gate signature fail input 'x' has another type or shape
              gate probe skipped another gate failed first
            expect serving fraud 1
            tick 1s
            expect loaded
              fraud@1
            release fraud 2
            """
    ),
    Story(
        name: "the gate refuses a model that does not load",
        text: """
            register fraud one
            register fraud two
            release fraud 1
            tick 1s
            unloadable fraud two
            release fraud 2
            tick 1s
            expect release r2
              gate signature pass
              gate probe fail The model model.onnx could not be loaded: the file is cut short.
            expect loaded
              fraud@1
            loadable fraud two
            release fraud 2
            tick 1s
            expect release r3
              canary, step 0 at 1%
            """
    ),
    Story(
        name: "two endpoints go their own ways at once",
        text: """
            register fraud one
            register churn one
            register fraud two
            register churn two
            policy fraud steps 10 dwell 1m min 100 guards error_rate
            policy churn steps 50 dwell 1m min 100 guards error_rate
            release fraud 1
            release churn 1
            tick 1s
            release fraud 2
            release churn 2
            tick 1s
            invalid churn 1
            traffic fraud stable 900 candidate 100 each 1m for 1m
            expect release r3
              settled
            expect release r4
              rolled back: guard:invalid_output
            expect serving fraud 2
            expect serving churn 1
            release churn 2
              refused: version.quarantined
            tick 1s
            expect loaded
              churn@1 fraud@1 fraud@2
            """
    ),
]
