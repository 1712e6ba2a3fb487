/// Stories of what the judge says when everybody thinks that the release is done, and of what it will not.
let judgeStories = [
    Story(
        name: "a promoted version is compared with its predecessor and goes back to it",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10 dwell 1m min 100 watch 1h holdback 5 guards error_rate
            release fraud 1
            tick 1s
            tick 1h
            release fraud 2
            tick 1s
            traffic fraud stable 900 fail 1% candidate 100 fail 1% each 1m for 1m
            expect route fraud
              stable 1
              candidate 2 at 95%, epoch 0
            expect serving fraud 2
            traffic fraud stable 50 fail 2% candidate 950 fail 8% each 1m for 30m
            expect release r2
              rolled back: guard:error_rate
            expect rollback
              fraud#prod: 2 to 1, guard:error_rate
              1 taken: is the last good version
            expect serving fraud 1
            expect quarantine fraud
              2
            expect route fraud
              stable 1
            """
    ),
    Story(
        name: "a holdback ends with the watch",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10 dwell 1m min 100 watch 10m holdback 5 guards error_rate
            release fraud 1
            tick 1s
            tick 10m
            release fraud 2
            tick 1s
            traffic fraud stable 900 fail 1% candidate 100 fail 1% each 1m for 1m
            traffic fraud stable 50 fail 2% candidate 950 fail 2% each 1m for 10m
            expect release r2
              settled
            expect route fraud
              stable 2
            """
    ),
    Story(
        name: "what serves decays and goes back to a version that answers what it fails",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10 dwell 1m min 100 guards error_rate
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            traffic fraud stable 9000 fail 1% candidate 1000 fail 1% each 1m for 2m
            expect release r2
              settled
            expect serving fraud 2
            serves fraud 1000 fail 1% each 1m for 10m
            expect serving fraud 2
            serves fraud 1000 fail 4% rescued 1 each 1m for 10m
            expect serving fraud 1
            expect rollback
              fraud#prod: 2 to 1, guard:error_rate
              1 taken: it answered 40 of 40 requests that this version failed
            expect incidents
              none
            expect quarantine fraud
              2
            """
    ),
    Story(
        name: "what serves decays and nobody knows whether its predecessor would be better now",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10 dwell 1m min 100 guards error_rate
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            traffic fraud stable 9000 fail 1% candidate 1000 fail 1% each 1m for 2m
            serves fraud 1000 fail 1% each 1m for 10m
            serves fraud 1000 fail 40% each 1m for 10m
            expect serving fraud 2
            expect incidents
              i1 decay of fraud@2
              1: is not known to be better now by error_rate
            expect quarantine fraud
              none
            """
    ),
    Story(
        name: "what serves decays with nothing better to go back to, and somebody is told",
        text: """
            register fraud one
            policy fraud steps 10 dwell 1m min 100 guards error_rate
            release fraud 1
            tick 1s
            serves fraud 1000 fail 1% each 1m for 10m
            expect incidents
              none
            serves fraud 1000 fail 4% each 1m for 10m
            expect serving fraud 1
            expect incidents
              i1 decay of fraud@1
            expect ledger
              registry.model_created fraud
              registry.version_registered fraud@1
              safety.policy_changed fraud#prod
              release.proposed r1
              release.gates_passed r1
              release.promoted r1
              release.settled r1
              operation.incident_opened i1
            close i1
            tick 1m
            expect incidents
              none
            close i1
              refused: incident.unknown
            """
    ),
    Story(
        name:
            "what has spent its exposure is not blamed for its silence, whoever holds it",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10,50 dwell 1m min 100 exposure 10 guards error_rate:fail
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            hold r2
            traffic fraud stable 900 fail 15% candidate 100 fail 15% each 1m for 1m
            expect release r2
              canary, step 0 at 0%
              held by belay: exposure
              error_rate pass
              invalid_output pass
              circuit_breaker pass
            tick 1h
            tick 1h
            expect serving fraud 1
            expect quarantine fraud
              none
            resume r2
            tick 1s
            expect quarantine fraud
              none
            tick 5m
            expect quarantine fraud
              2
            """
    ),
    Story(
        name: "a release that has cost its budget is held until a person goes on",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10,50 dwell 1m min 100 exposure 10 guards error_rate
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            traffic fraud stable 900 fail 3% candidate 100 fail 3% each 1m for 1m
            expect release r2
              canary, step 0 at 0%
              held by belay: exposure
              error_rate pass
              invalid_output pass
              circuit_breaker pass
            resume r2
            traffic fraud stable 900 fail 3% candidate 100 fail 3% each 1m for 1m
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
              release.held r2
              release.waived r2
              release.resumed r2
              release.step_entered r2
            """
    ),
    Story(
        name: "a release whose requests are not split as said is blind, and no waiver makes it see",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10,50 dwell 1m min 100 guards error_rate
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            traffic fraud stable 800 candidate 200 each 1m for 3m
            expect release r2
              canary, step 0 at 10%
              error_rate blind split
              invalid_output pass
              circuit_breaker pass
            waive r2 recall
              refused: guard.unknown
            waive r2 error_rate
            tick 1s
            expect release r2
              canary, step 1 at 50%
              error_rate blind waived
              invalid_output pass
              circuit_breaker pass
            """
    ),
    Story(
        name: "labels that come late judge a release that is over, and say so once",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10 dwell 1m min 100 guards error_rate,accuracy:hold
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            traffic fraud stable 900 candidate 100 each 1m for 1m
            promote r2
            tick 1m
            expect release r2
              settled
            late r2 stable 900 fail 2% candidate 100 fail 2%
            tick 1m
            expect incidents
              none
            policy fraud steps 10 dwell 1m min 100 guards error_rate
            expect incidents
              none
            """
    ),
    Story(
        name: "labels that prove harm when the release is over open an incident",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10 dwell 1m min 100 guards error_rate,accuracy
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            traffic fraud stable 900 candidate 100 each 1m for 1m
            promote r2
            tick 1m
            late r2 stable 900 fail 2% candidate 100 fail 40%
            tick 1m
            expect serving fraud 2
            expect incidents
              i1 rejudged of fraud@2
            late r2 stable 900 fail 2% candidate 100 fail 40%
            tick 1m
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
              release.waived r2
              release.promoted r2
              release.settled r2
              release.rejudged r2
              operation.incident_opened i1
            rollback fraud
            expect incidents
              none
            """
    ),
    Story(
        name: "sticky units are tossed anew each day, but not while a person holds the release",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10 dwell 72h min 100 sticky guards error_rate
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            tick 23h
            expect route fraud
              stable 1
              candidate 2 at 10%, epoch 0
            tick 1h
            expect route fraud
              stable 1
              candidate 2 at 10%, epoch 1
            hold r2
            tick 25h
            expect route fraud
              stable 1
              candidate 2 at 10%, epoch 1
            resume r2
            tick 1s
            expect route fraud
              stable 1
              candidate 2 at 10%, epoch 2
            """
    ),
    Story(
        name: "after its deadline an undecided release is held",
        text: """
            register fraud one
            register fraud two
            policy fraud steps 10 dwell 1m min 5000 deadline 1h guards error_rate
            release fraud 1
            tick 1s
            release fraud 2
            tick 1s
            traffic fraud stable 90 candidate 10 each 1m for 61m
            expect release r2
              canary, step 0 at 10%
              held by belay: deadline
              error_rate undecided
              invalid_output pass
              circuit_breaker pass
            resume r2
            tick 1m
            expect release r2
              canary, step 0 at 10%
              error_rate undecided
              invalid_output pass
              circuit_breaker pass
            """
    ),
]
