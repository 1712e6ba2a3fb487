"""The releases of chaos.py: which guards, which fault, and how each must end."""

import json
import random

from standin import matrix, refused, vector
from trials import BEYOND, STEPS, Case

CASES = []
GROUPS = ("healthy", "worse", "requests", "labels", "feedback", "inputs", "query")


def case(group, name, guards, expect, rounds=1, **more):
    made = Case(name, guards, expect, **more)
    made.group, made.rounds = group, rounds
    CASES.append(made)


# Guards

ERRORS = {"metric": "error_rate", "max_rise": "1%", "min_samples": 30}
P95 = {"metric": "latency_p95", "max_rise": "1ms", "min_samples": 30}
ACCURACY = {"metric": "accuracy", "max_drop": "2%", "min_samples": 20}
FLAGS = {"metric": "flag_rate", "max_rise": "100% of stable", "min_samples": 30}
DRIFT = {"metric": "feature_drift", "max": 0.25, "then": "hold"}
MISSING = {"metric": "missing_rate", "feature": "x", "max": "5%", "then": "hold"}
QUERY = {
    "metric": "query", "query": 'business{model="{{model}}",version="{{version}}",arm="{{arm}}"}',
    "max_change": "100%", "min_samples": 2, "then": "rollback",
}  # fmt: skip


# Truth and opinions. A version that answers 2 is wrong more often; all others in one answer of ten.


def label(id, value, **more):
    return json.dumps({"id": id, "value": value, "model": id.split("-")[0], **more})


def truth_of(trial, version):
    is_broken = trial.case.candidate == "wrong" and version == trial.candidate
    says = 2 if is_broken else 1
    return 0 if trial.random.random() < (0.45 if is_broken else 0.1) else says


def labels(delay=0.0, keep=None, late=None):
    """Labels after `delay` seconds; `keep` and `late` say by arm and step what comes, and how much later."""

    def hook(trial, id, arm, version):
        if keep and trial.random.random() >= keep(arm, trial.step):
            return []
        later = late(arm) if late else 0
        return [(delay + later, label(id, truth_of(trial, version)), True)]

    return hook


def repeated(trial, id, arm, version):
    line = label(id, truth_of(trial, version))
    return [(delay, line, True) for delay in (0, 0, 0, 1, 2)]


def contradicted(trial, id, arm, version):
    return [(0, label(id, 1), True), (0.6, label(id, 0), True), (1.2, label(id, 1), True)]


def saying(*values, counts=False):
    """Labels that say nothing sensible; `counts` when they are numbers, and nobody can know that."""

    def hook(trial, id, arm, version):
        text = trial.random.choice(values)
        return [(0, f'{{"id": "{id}", "model": "{trial.model}", "value": {text}}}', counts)]

    return hook


def of_nobody(trial, id, arm, version):
    return [(0, label(f"{trial.model}-nobody-{trial.random.getrandbits(60)}", 1), False)]


def yesterdays(trial, id, arm, version):
    """A feed that hangs: it sends what is known of old answers again."""
    if not hasattr(trial, "old"):
        trial.old = trial.random.sample(range(10), 10)
    return [(0, label(id.rsplit("-", 1)[0] + f"-{1 + trial.random.randrange(20)}", 1), False)]


def flags(part=0.05, worse=0.4):
    def hook(trial, id, arm, version):
        is_broken = trial.case.candidate == "wrong" and version == trial.candidate
        if trial.random.random() >= (worse if is_broken else part):
            return []
        return [(0, label(id, "down"), True)]

    return hook


# Requests


def from_step(step, before, after):
    return lambda trial: after if trial.release and trial.step >= step else before


def none_since_release(trial):
    return 0 if trial.release else 1


def none_in_second(trial):
    return 0 if trial.step >= 2 else 1


def some_fail(part):
    return lambda trial: BEYOND if trial.random.random() < part else trial.random.randrange(100)


def all_fail(part):
    """Every version fails at these: the tables end before."""
    return lambda trial: 10**6 if trial.random.random() < part else trial.random.randrange(100)


def drifted(trial):
    return trial.random.randrange(90, 100) if trial.release else trial.random.randrange(100)


def pinned(trial):
    version = trial.random.choice([trial.stable, trial.candidate])
    return f"/v2/models/{trial.model}/versions/{version}/infer" if trial.release else f"/v2/models/{trial.model}/infer"


# The monitor


def answer_of_monitor(trial, arm):
    if trial is None or trial.case.monitor is None:
        return vector()
    said = trial.case.monitor(trial, arm)
    if isinstance(said, tuple) and len(said) == 3:
        # (status, text, True): a good answer, for the truth.
        trial.truth.note("readings", arm)
        return said[:2]
    return said


def good(trial, arm):
    return (*vector(round(0.2 + random.random() * 0.02, 4)), True)


def always(said):
    return lambda trial, arm: said() if callable(said) else said


def worse(trial, arm):
    return (*vector(0.9 if arm == "candidate" else 0.2), True)


def only(arm_with_answers):
    return lambda trial, arm: good(trial, arm) if arm == arm_with_answers else vector()


def once_absurd(trial, arm):
    """One reading of the candidate is nonsense; the others are good."""
    if arm == "candidate" and not hasattr(trial, "spiked"):
        trial.spiked = True
        return (*vector("1e300"), True)
    return good(trial, arm)


def silent_from(step, how):
    return lambda trial, arm: good(trial, arm) if trial.step < step else how()


LONG = {"seconds": 75.0, "rate": 30.0}
# Both steps last longer than the monitor's round of 15 s.
LONG_STEPS = [
    {"canary": "30%", "for": "10s", "min_samples": 40}, {"canary": "60%", "for": "40s", "min_samples": 40},
]  # fmt: skip
BOTH = ("candidate", "stable")


def healthy():
    everything = [ERRORS, {**P95, "max_rise": "30%"}, ACCURACY, FLAGS]
    case("healthy", "identical, four guards", everything, "promote", 4, labels=labels(), feedback=flags(),
         rows=some_fail(0.0), needs=("answers", "labels"), seconds=60)
    case("healthy", "identical, both fail at 5 %", [ERRORS], "promote", rows=all_fail(0.05), needs=("answers",),
         seconds=60)
    case("healthy", "identical, labels only", [ACCURACY], "promote", labels=labels(), needs=("labels",), seconds=60)
    case("healthy", "identical, inputs as ever", [DRIFT], "promote", needs=("answers",), seconds=60)


# With few answers harm may pass unproven; these steps ask for some more.
LONGER = [{**step, "min_samples": 150} for step in STEPS]


def worse_ones():
    case("worse", "fails at 30 %", [ERRORS], "rollback", candidate="fails", rows=some_fail(0.3), seconds=60, steps=LONGER)
    case("worse", "slow", [P95], "rollback", candidate="slow", seconds=60, steps=LONGER)
    case("worse", "wrong more often", [ACCURACY], "rollback", candidate="wrong", labels=labels(), seconds=60, steps=LONGER)
    case("worse", "flagged more often", [FLAGS], "rollback", candidate="wrong", feedback=flags(), seconds=60, steps=LONGER)
    case("worse", "its business figure is worse", [QUERY], "rollback", monitor=worse, **LONG)
    case("worse", "inputs drift meanwhile", [DRIFT], "hold", rows=drifted, seconds=60, steps=LONGER)
    case("worse", "fails, and labels are frozen", [ERRORS, ACCURACY], "rollback", candidate="fails",
         rows=some_fail(0.3), labels=labels(keep=lambda arm, step: step < 1), seconds=60, steps=LONGER)
    case("worse", "wrong, and labels come late and thrice", [ACCURACY], "rollback", candidate="wrong",
         labels=lambda t, i, a, v: [(1.5 + d, l, r) for d, l, r in repeated(t, i, a, v)], seconds=60, steps=LONGER)
    case("worse", "fails, and the monitor is down", [ERRORS, QUERY], "rollback", candidate="fails",
         rows=some_fail(0.3), monitor=always((500, "no")), seconds=60, steps=LONGER)


def requests():
    case("requests", "no request at all", [ERRORS], "wait", speed=none_since_release, needs=("answers",))
    case("requests", "no request from step 2 on", [ERRORS, P95], "wait", speed=none_in_second, needs=("answers",))
    case("requests", "pinned requests only", [ERRORS], "wait", path=pinned, needs=("answers",))
    nothing = [{"canary": "30%", "min_samples": 0}, {"canary": "60%", "min_samples": 0}]
    case("requests", "nothing asked, nothing seen", [{**ERRORS, "min_samples": 0}], "wait", steps=nothing,
         speed=none_since_release, needs=("answers",))
    case("requests", "a shared incident", [ERRORS], "promote", needs=("answers",), seconds=60,
         rows=lambda trial: 10**6 if trial.step == 1 and trial.random.random() < 0.4 else 7)


def label_faults():
    def fault(name, hook, expect="wait", **more):
        case("labels", name, [ACCURACY], expect, labels=hook, needs=("labels",), **more)

    fault("no label", lambda *_: [])
    fault("labels come 3 s later", labels(delay=3), "promote", seconds=60)
    fault("labels come a minute later", labels(delay=60))
    fault("labels stop in step 2", labels(keep=lambda arm, step: step < 2))
    fault("nine of ten labels are lost", labels(keep=lambda arm, step: 0.1), "any", seconds=25)
    fault("labels of the candidate only", labels(keep=lambda arm, step: arm == "candidate"))
    fault("labels of stable only", labels(keep=lambda arm, step: arm == "stable"))
    fault("half of the candidate's, a tenth of stable's", labels(keep=lambda arm, _: 0.5 if arm == BOTH[0] else 0.1),
          "any", seconds=20)
    fault("the candidate's labels come first", labels(late=lambda arm: 2 if arm == "stable" else 0), "any", seconds=20)
    fault("stable's labels come first", labels(late=lambda arm: 2 if arm == "candidate" else 0), "any", seconds=20)
    fault("every label comes five times", repeated, "promote", seconds=60)
    fault("every label is taken back twice", contradicted, "any", seconds=25)
    fault("NaN", saying("NaN", "Infinity", "-Infinity"))
    fault("null, empty, nested", saying("null", "[]", "{}", '""', "[1, 2, 3]", "[null]"))
    fault("absurd numbers", saying("1e308", "-1e308", "1e-320", "9007199254740993", counts=True), "any", seconds=25)
    fault("numbers that are too large", saying("1e999", "-1e999"))
    fault("texts", saying('"fraud"', '"\\ud800"', '"1; drop table"'), "any", seconds=25)
    fault("ids that nobody has", of_nobody)
    fault("yesterday's labels again", yesterdays)
    case("labels", "a wrong name of the output", [ACCURACY], "refuse", labels=labels(),
         policy={"labels": {"output": "verdict"}})


def feedback_faults():
    case("feedback", "no feedback", [FLAGS], "any", seconds=25)
    case("feedback", "every flag comes five times", [FLAGS], "any", seconds=25,
         feedback=lambda *a: [(d, *each[1:]) for each in flags()(*a) for d in (0, 0, 0, 1, 2)])
    case("feedback", "feedback that is none", [FLAGS], "any", seconds=25,
         feedback=saying('"maybe"', "NaN", "-3", "1e308", "[]"))
    case("feedback", "flags about nobody's answers", [FLAGS], "any", seconds=25, feedback=of_nobody)
    score = {"metric": "feedback_score", "most": 5, "max_drop": 0.5, "min_samples": 20}
    case("feedback", "no score", [score], "wait", needs=("feedback",))


def input_faults():
    case("inputs", "no request from step 2 on, inputs", [DRIFT], "wait", speed=none_in_second, needs=("answers",))
    case("inputs", "inputs are recorded no longer", [DRIFT], "any", policy={"serving": {"redact": ["/inputs/x"]}})
    case("inputs", "a wrong name of an input", [{**MISSING, "feature": "amuont"}], "refuse")
    case("inputs", "a good name of an input", [MISSING], "promote", needs=("answers",), seconds=60)


def query_faults():
    def fault(name, monitor, expect="wait", guard=QUERY, **more):
        case("query", name, [guard], expect, monitor=monitor, needs=("readings",), **{**LONG, "seconds": 50, **more})

    fault("the monitor is well", good, "promote", seconds=100)
    fault("500", always((500, "Internal Server Error")))
    fault("503 with a page", always((503, "<html>" + "x" * 2000)))
    fault("400, the query is wrong", always(refused))
    fault("it hangs", always(30))
    fault("NaN of the monitor", always(lambda: vector("NaN")))
    fault("+Inf of the monitor", always(lambda: vector("+Inf")))
    fault("a wrong metric name", always(lambda: vector()))
    fault("several series", always(lambda: vector(0.2, 0.3)))
    fault("a matrix", always(matrix))
    fault("no JSON", always((200, "not json")))
    fault("a huge answer", always((200, "[" * 200_000)))
    fault("the candidate's figure only", only("candidate"))
    fault("stable's figure only", only("stable"))
    fault("an answer of ten minutes ago", always(lambda: vector(0.2, age=600)))
    fault("one absurd reading", once_absurd, "any", seconds=100)
    fault("500 from step 2 on", silent_from(2, lambda: (500, "down")), steps=LONG_STEPS, seconds=110,
          guard={**QUERY, "window": "10m"})
    fault("no series from step 2 on", silent_from(2, vector), steps=LONG_STEPS, seconds=110,
          guard={**QUERY, "window": "10m"})


healthy()
worse_ones()
requests()
label_faults()
feedback_faults()
input_faults()
query_faults()
