/// Stories of versions that are taken back, by Belay or by a person.
let rollbackStories = [
    Story(
        name: "errors at the second step are proven and the candidate is taken out",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10,50 dwell 5m min 100 guards error_rate
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            traffic fraud stable 900 fail 1% candidate 100 fail 1% each 1m for 5m
            expect release r2
              canary, step 1 at 50%
              error_rate pass
              invalid_output pass
              circuit_breaker pass
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
              release.step_entered r2
            traffic fraud stable 500 fail 1% candidate 500 fail 5% each 1m for 5m
            expect release r2
              rolled back: guard:error_rate
            expect rollback
              fraud#prod: 2 to 1, guard:error_rate
              1 taken: it serves all other requests
            expect serving fraud 1
            expect quarantine fraud
              2
            tick 1s
            expect loaded
              fraud@1
            expect ledger
              release.rolled_back r2
              safety.quarantined fraud@2
              release.fence_completed r2
            """
    ),
    Story(
        name: "labels prove that a candidate is less accurate",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10 dwell 30m min 100 guards error_rate,accuracy
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            labels fraud stable 900 fail 5% candidate 100 fail 30% each 1m for 20m
            expect release r2
              rolled back: guard:accuracy
            expect rollback
              fraud#prod: 2 to 1, guard:accuracy
              1 taken: it serves all other requests
            expect serving fraud 1
            """
    ),
    Story(
        name: "one invalid output is one too many",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10 dwell 1m min 100 guards error_rate
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            traffic fraud stable 900 candidate 100
            invalid fraud 1
            hold r2
            tick 1s
            expect release r2
              rolled back: guard:invalid_output
            expect rollback
              fraud#prod: 2 to 1, guard:invalid_output
              1 taken: it serves all other requests
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
              release.held r2
              release.rolled_back r2
              safety.quarantined fraud@2
              release.fence_completed r2
            """
    ),
    Story(
        name: "a person takes a candidate out in every phase",
        text: """
            register fraud one
            register fraud two
            register fraud three
            register fraud four
            policy fraud steps 10 dwell 1m min 100 watch 1h guards error_rate
            rollback fraud
              refused: endpoint.nothing-serves
            rollback fraud to 9
              refused: endpoint.nothing-serves
            release fraud 1
            tick 1h
            tick 1h
            release fraud 2
            rollback fraud
            expect rollback
              fraud#prod: 2 to 1, request
              1 taken: it serves all other requests
            tick 1s
            release fraud 3
            tick 1s
            hold r3
            rollback fraud
            expect rollback
              fraud#prod: 3 to 1, request
              1 taken: it serves all other requests
            release fraud 4
            tick 1s
            traffic fraud stable 900 candidate 100 each 1m for 1m
            expect release r4
              watching
              error_rate pass
              invalid_output pass
              circuit_breaker pass
            rollback fraud
            expect rollback
              fraud#prod: 4 to 1, request
              1 taken: is the last good version
            expect serving fraud 1
            tick 10s
            rollback fraud
              refused: rollback.no-target
            expect quarantine fraud
              2 3 4
            tick 1s
            expect loaded
              fraud@1
            """
    ),
    Story(
        name: "a settled version is taken back to the last good one",
        text: """
            register fraud one
            register fraud two
            register fraud three
            policy fraud
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            release fraud 3
            tick 1s
            rollback fraud
            expect rollback
              fraud#prod: 3 to 2, request
              2 taken: is the last good version
            expect serving fraud 2
            tick 1s
            expect loaded
              fraud@1 fraud@2
            rollback fraud
            expect serving fraud 2
            tick 10s
            rollback fraud
            expect serving fraud 1
            tick 10s
            rollback fraud
              refused: rollback.no-target
            tick 1s
            expect ledger
              registry.model_created fraud
              registry.version_registered fraud@1
              registry.version_registered fraud@2
              registry.version_registered fraud@3
              safety.policy_changed fraud#prod
              release.proposed r1
              release.gates_passed r1
              release.promoted r1
              release.settled r1
              release.proposed r2
              release.gates_passed r2
              release.promoted r2
              release.settled r2
              release.proposed r3
              release.gates_passed r3
              release.promoted r3
              release.settled r3
              release.rolled_back fraud#prod
              safety.quarantined fraud@3
              release.fence_completed fraud#prod
              release.rolled_back fraud#prod
              safety.quarantined fraud@2
              release.fence_completed fraud#prod
            """
    ),
    Story(
        name: "a settled version is taken back to one that is asked for",
        text: """
            register fraud one
            register fraud two
            register fraud three
            register fraud four
            policy fraud keep 0
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            release fraud 3
            tick 1s
            tick 1s
            expect loaded
              fraud@3
            rollback fraud to 4
              refused: rollback.never-served
            rollback fraud to 3
            rollback fraud to 1
            expect rollback
              fraud#prod: 3 to 1, request
              1 taken: it was asked for
            tick 1s
            expect loaded
              fraud@1
            rollback fraud to 3
              refused: version.quarantined
            """
    ),
    Story(
        name: "a version that does not load is passed over",
        text: """
            register fraud one
            register fraud two
            register fraud three
            policy fraud keep 0
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            release fraud 3
            tick 1s
            tick 1s
            unloadable fraud two
            rollback fraud to 2
              refused: rollback.does-not-load
            expect serving fraud 3
            rollback fraud
            expect rollback
              fraud#prod: 3 to 1, request
              2 passed over: does not load: The model model.onnx could not be loaded: the file is cut short.
              1 taken: is the last good version
            expect serving fraud 1
            """
    ),
    Story(
        name: "nothing loads, so what serves goes on serving",
        text: """
            register fraud one
            register fraud two
            policy fraud keep 0
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            tick 1s
            unloadable fraud one
            rollback fraud
              refused: rollback.no-target
            expect serving fraud 2
            loadable fraud one
            rollback fraud
            expect serving fraud 1
            """
    ),
    Story(
        name: "after a rollback only a person starts releases, and the bytes stay out",
        text: """
            register fraud one
            register fraud two
            register fraud three
            policy fraud keep 1
            release fraud 1
            tick 1s
            release fraud 2 automatically
            tick 1s
            rollback fraud
            release fraud 2
              refused: version.quarantined
            register fraud two
            release fraud 3 automatically
              refused: endpoint.automatic-suspended
            crash
            release fraud 2
              refused: version.quarantined
            release fraud 3 automatically
              refused: endpoint.automatic-suspended
            allow fraud
            allow fraud
            clear fraud 2
            clear fraud 2
              refused: version.not-quarantined
            release fraud 2 automatically
            release fraud 3
              refused: release.in-progress
            tick 1s
            expect serving fraud 2
            expect ledger
              registry.model_created fraud
              registry.version_registered fraud@1
              registry.version_registered fraud@2
              registry.version_registered fraud@3
              safety.policy_changed fraud#prod
              release.proposed r1
              release.gates_passed r1
              release.promoted r1
              release.settled r1
              release.proposed r2
              release.gates_passed r2
              release.promoted r2
              release.settled r2
              release.rolled_back fraud#prod
              safety.quarantined fraud@2
              safety.automatic_allowed fraud#prod
              release.fence_completed fraud#prod
              safety.cleared fraud@2
              release.proposed r3
              release.gates_passed r3
              release.promoted r3
              release.settled r3
            """
    ),
    Story(
        name: "a publication that fails is made good by the next round",
        text: """
            register fraud one
            register fraud two
            policy fraud
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
              release.promoted r2
              release.settled r2
            publish fails
            rollback fraud
            expect rollback
              fraud#prod: 2 to 1, request
              1 taken: is the last good version
              not fenced
            tick 1s
            expect rollback
              fraud#prod: 2 to 1, request
              1 taken: is the last good version
            expect ledger
              release.rolled_back fraud#prod
              safety.quarantined fraud@2
              release.fence_completed fraud#prod
            """
    ),
]
