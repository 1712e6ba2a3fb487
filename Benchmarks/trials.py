"""One model's life under test: traffic, labels and feedback, and one release after the other.

A `Case` says what is released, what the guards are, what goes wrong with their data, and how it must end.
What was really delivered is counted here, without asking Belay, so that the judge has a truth of its own.
"""

import asyncio
import bisect
import contextlib
import hashlib
import json
import random
import time
from dataclasses import dataclass, field

import models
from wire import Lost, Wire

STEPS = [{"canary": "30%", "for": "2s", "min_samples": 40}, {"canary": "60%", "for": "2s", "min_samples": 40}]
WATCH = {"for": "3s", "holdback": "20%"}
ENDS = {"settled", "rolled_back", "refused"}
# An index that the tables of failing candidates do not have.
BEYOND = 500
TABLE = 8000


@dataclass
class Case:
    """One kind of release.

    `expect`: `promote`; `wait` (it may not be promoted, nor rolled back, and the guards must say what is
    wrong); `rollback` and `hold` (the candidate is worse, and must be caught); `any` (it may wait or be
    promoted); `refuse` (the proposal itself is refused).
    """

    name: str
    guards: list
    expect: str
    candidate: str = "same"
    steps: list = field(default_factory=lambda: STEPS)
    policy: dict = field(default_factory=dict)
    seconds: float = 14.0
    rate: float = 70.0
    # Each takes the trial; see the functions of chaos.py.
    speed: object = None
    rows: object = None
    labels: object = None
    feedback: object = None
    monitor: object = None
    path: object = None
    # What the guards need of each arm, for the truth about blindness: answers, labels, readings, inputs.
    needs: tuple = ()
    comparing: bool = True

    @property
    def is_measured(self):
        """Whether a guard is held against what stable was like before."""
        return any(g["metric"].startswith(("feature", "missing", "latency")) for g in self.guards)

    @property
    def is_bad(self):
        return self.expect in ("rollback", "hold")


class Truth:
    """When something was really delivered, by what and arm; wall-clock seconds in order."""

    def __init__(self):
        self.times = {}

    def note(self, what, arm):
        self.times.setdefault((what, arm), []).append(time.time())

    def count(self, what, arm, begin, end):
        times = self.times.get((what, arm), [])
        return bisect.bisect_right(times, end) - bisect.bisect_left(times, begin)


class Trial:
    """One release under way."""

    def __init__(self, case, model, seed):
        self.case, self.model = case, model
        self.random = random.Random(seed)
        self.truth = Truth()
        self.step = 0
        self.begun = time.time()
        self.release = self.candidate = self.stable = None
        self.phase = ""
        self.view = {}
        self.story = []
        self.remarks = []
        self.refusals = {}
        self.guards = []
        self.cause = None
        self.problem = ""

    @property
    def age(self):
        return time.time() - self.begun


class Life:
    """A model with traffic, on which cases are tried one after the other."""

    def __init__(self, world, model, seed):
        self.world, self.model = world, model
        self.random = random.Random(seed)
        self.trial = None
        self.over = False
        self.number = 0
        self.answered = 0
        self.waiting = []
        self.control = Wire(world.server.control, 120)

    # Versions

    def _bytes(self, kind):
        note = f"{self.model} {self.number} {self.random.random()}"
        if kind == "fails":
            return models.noted(models.constant(1), note)
        if kind == "slow":
            return models.noted(models.slow(1), note)
        return models.noted(models.constant(2 if kind == "wrong" else 1, TABLE), note)

    async def _register(self, kind):
        self.number += 1
        data = self._bytes(kind)
        digest = hashlib.sha256(data).hexdigest()
        while True:
            with contextlib.suppress(Lost):
                status, _, body = await self.control.ask("PUT", f"/v1/artifacts/{digest}", data)
                if status < 300:
                    break
                raise RuntimeError(f"{status} {body[:200]}")
            await asyncio.sleep(0.1)
        files = [{"path": "model.onnx", "size": len(data), "digest": digest}]
        status, body = await self.control.call("POST", f"/v1/models/{self.model}/versions", {"files": files})
        if status >= 300:
            raise RuntimeError(f"{status} {body}")
        return body["version"]

    async def _propose(self, version, case):
        policy = {
            "belay": 1, "model": self.model, "guards": case.guards if case else [],
            "rollout": {"steps": case.steps, "watch": WATCH} if case else {"use": "instant"},
            "rollback": {"keep_warm": 1, "standby": "ignore", "good_after": "0s"},
            **(case.policy if case else {}),
        }  # fmt: skip
        body = {"version": version, "policy": policy, "undecidable": True}
        return await self.control.call("POST", f"/v1/endpoints/{self.model}/releases", body)

    async def begin(self):
        """The first version serves, and traffic begins."""
        await self._propose(await self._register("same"), None)
        while True:
            _, view = await self.control.call("GET", f"/v1/endpoints/{self.model}")
            if view["serving"] and view["serving"]["ready"] and view["release"] is None:
                return [asyncio.create_task(self._ask()), asyncio.create_task(self._send())]
            await asyncio.sleep(0.1)

    # One release

    async def run(self, case):
        """Tries a case until it ends, or its time is over; then takes the candidate out, if need be."""
        trial = Trial(case, self.model, self.random.random())
        _, view = await self.control.call("GET", f"/v1/endpoints/{self.model}")
        trial.stable = view["serving"]["version"]
        trial.candidate = await self._register(case.candidate)
        # What stable is like is measured from the log, which takes 200 answers of its own.
        while case.is_measured and self.answered < 300:
            await asyncio.sleep(0.2)
        # Before it is proposed, so that faults are there from the first request on.
        self.trial = trial
        status, body = await self._propose(trial.candidate, case)
        if status >= 300:
            trial.phase, trial.problem = "not proposed", json.dumps(body)
            self.trial = None
            return trial
        trial.release, trial.begun = body["id"], time.time()
        try:
            await self._follow(trial)
        finally:
            self.trial = None
        await self._clean(trial)
        self.answered = 0
        return trial

    async def _follow(self, trial):
        while True:
            _, view = await self.control.call("GET", f"/v1/releases/{trial.release}")
            trial.view, trial.phase = view, view["phase"]
            trial.step = view["step"] or (trial.case and len(trial.case.steps) + 1)
            if trial.phase in ENDS or view["held"]:
                break
            if trial.age > trial.case.seconds:
                break
            await asyncio.sleep(0.2)
        _, why = await self.control.call("GET", f"/v1/releases/{trial.release}/why")
        trial.story, trial.remarks = why.get("story", []), why.get("remarks", [])
        trial.guards = view["guards"] or why.get("not_the_cause", [])
        trial.verdict = why.get("verdict", "")
        trial.cause = view.get("cause") or (view["held"] or {}).get("cause")

    async def _clean(self, trial):
        said = None
        if trial.phase not in ENDS:
            said = await self.control.call("POST", f"/v1/endpoints/{self.model}/rollback", {})
        for _ in range(300):
            _, view = await self.control.call("GET", f"/v1/endpoints/{self.model}")
            if view["release"] is None and view["serving"]:
                return
            await asyncio.sleep(0.2)
        raise RuntimeError(f"{self.model} does not come to rest: {said} {view}")

    # Traffic

    async def _ask(self):
        wire = Wire(self.world.server.inference, 10)
        count, base = 0, f"{self.model}-{self.random.getrandbits(32):x}"
        while not self.over:
            begun, trial = time.monotonic(), self.trial
            case = trial.case if trial else None
            speed = case.speed(trial) if case and case.speed else 1
            rate = (case.rate if case else 70.0) * speed
            if rate <= 0:
                await asyncio.sleep(0.1)
                continue
            count += 1
            await self._ask_once(wire, trial, f"{base}-{count}")
            await asyncio.sleep(max(0.0, 1 / rate - (time.monotonic() - begun)))

    async def _ask_once(self, wire, trial, id):
        case = trial.case if trial else None
        row = case.rows(trial) if case and case.rows else self.random.randrange(100)
        body = json.dumps({"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [row]}]})
        path = case.path(trial) if case and case.path else f"/v2/models/{self.model}/infer"
        try:
            status, fields, _ = await wire.ask("POST", path, body.encode(), f"Belay-Request-Id: {id}\r\n")
        except Lost:
            return await asyncio.sleep(0.05)
        arm, version = fields.get("belay-arm", ""), int(fields.get("belay-version", 0))
        fell = fields.get("belay-fallback")
        self.answered += 1
        if trial is None or trial.release is None or arm == "pinned":
            return None
        # Who failed is charged, whoever answered then.
        charged = "candidate" if fell and "candidate" in fell else arm
        trial.truth.note("answers", charged)
        if status == 200 and not fell:
            self._label(trial, id, arm, version)
        return None

    # Labels and feedback

    def _label(self, trial, id, arm, version):
        for what, hook in (("labels", trial.case.labels), ("feedback", trial.case.feedback)):
            if hook is None:
                continue
            for delay, line, is_real in hook(trial, id, arm, version):
                self.waiting.append((time.time() + delay, what, line, trial, arm, is_real))

    async def _send(self):
        """Sends what is due, four times a second, in one request for each kind."""
        wire = Wire(self.world.server.inference, 30)
        while not self.over:
            await asyncio.sleep(0.25)
            for what, path in (("labels", "/v1/labels"), ("feedback", "/v1/feedback")):
                now = time.time()
                batch = [each for each in self.waiting if each[0] <= now and each[1] == what]
                if not batch:
                    continue
                lines = "\n".join(each[2] for each in batch)
                kind = "Content-Type: application/x-ndjson\r\n"
                try:
                    status, _, body = await wire.ask("POST", path, lines.encode(), kind)
                except Lost:
                    continue
                self.waiting = [each for each in self.waiting if each not in batch]
                if status < 300:
                    self._note(batch, json.loads(body))

    @staticmethod
    def _note(batch, view):
        refused = {each["line"]: each["detail"] for each in view["rejected"]}
        for line, (_, what, _, trial, arm, is_real) in enumerate(batch, 1):
            if line in refused:
                trial.refusals[refused[line]] = trial.refusals.get(refused[line], 0) + 1
            elif is_real:
                trial.truth.note(what, arm)
