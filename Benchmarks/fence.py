"""The fence oracle: does an acknowledged rollback hold, whatever happens around it?

    python3 Benchmarks/fence.py --belay .build/release/belay --rollbacks 10000

Constant models name their version in every answer; every request is stamped when it is sent. Workers release
version 2 (to everybody, or as a canary) and roll it back, over and over, while faults happen: kill -9 and a
start, SIGSTOP and SIGCONT, a full disk, a disk that hangs, loads of an 80 MB model, bodies that trickle, slow
readers.

It ends with 1 and names the violations with their stamps when
- a request that was sent after an acknowledged rollback was answered by the withdrawn version,
- a request was lost or refused while the server was not being killed,
- the version of a rollback went on answering while that waited for a disk that hung, or an answer waited for it,
- a rollback was refused without a fault that explains it, or the ledger does not verify,
- after a full disk the control API does not work again within ten seconds,
- a fault that was asked for never happened.
"""

import argparse
import bisect
import contextlib
import hashlib
import http.client
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import models
from bench import RECORD
from peers import SCALAR
from server import Belay, Refused, compiled, name_runtime, request_bytes
from slow import drip_body, read_slowly

FAULTS = ("kill", "stall", "disk", "freeze", "load", "drip", "reader")
# A log without bound fills the disk of a long run; the fault is to fill it, not the run.
POLICY = {"serving": {"timeout": "10s", "keep": {"size": "50MB"}}}
LARGE = 80_000_000
CANARY = {"steps": [{"canary": "50%", "for": "8h", "min_samples": 1000000}]}
SHOWN = 20
# After so long a rollback that waits for the disk must keep its version from answering: on a busy machine, and
# the request may have waited for a connection.
SUSPENDED_AFTER = 1_000_000_000


class Span(NamedTuple):
    """A time in which something was so; nanoseconds, monotonic."""

    begun: int
    ended: int
    what: str


class Story:
    """What happened, for the judge; used by several threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self.counts = Counter()
        self.violations = []
        self.spans = []
        self.rollbacks = {}
        self.answers = {}

    def count(self, what, number=1):
        with self._lock:
            self.counts[what] += number

    def violate(self, sentence):
        with self._lock:
            self.violations.append(sentence)
            first = len(self.violations) <= SHOWN
        if first:
            print(f"fence: VIOLATION {sentence}", file=sys.stderr)

    def span(self, begun, ended, what):
        with self._lock:
            self.spans.append(Span(begun, ended, what))

    def switch(self, model, begun, ended, to):
        """`to` is 1 after a rollback; None for a way forward, which promises nothing yet."""
        with self._lock:
            self.rollbacks.setdefault(model, []).append((begun, ended, to))

    def answer(self, model, sent, done, version, how):
        """An answer that did not come from the load generator."""
        with self._lock:
            self.answers.setdefault(model, []).append((sent, done, version, how))

    def overlaps(self, begun, ended, *whats):
        with self._lock:
            return any(s.what in whats and s.begun <= ended and s.ended >= begun for s in self.spans)


class World:
    """The server under test, its load, and whether it is up."""

    def __init__(self, options, folder):
        self.options, self.folder = options, Path(folder)
        self.story = Story()
        self.random = random.Random(options.seed)
        self.data = self.folder / "mount" / "data"
        self.data.parent.mkdir()
        self.is_mounted = ("disk" in options.faults or "freeze" in options.faults) and self._mount()
        self.server = Belay(options.belay, self.data)
        self.server.log = self.folder / "server.log"
        self.up = threading.Event()
        self.over = threading.Event()
        self.left = options.rollbacks
        self.lock = threading.Lock()
        self.full_since = None
        self.loads = []

    def _mount(self):
        """A small file system of its own, so that filling it harms nobody else; one on a disk can be frozen."""
        size = f"{self.options.disk}m"
        image = self.folder / "image"
        commands = [["mount", "-t", "tmpfs", "-o", f"size={size}", "none", self.data.parent]]
        if "freeze" in self.options.faults:
            commands = [
                ["truncate", "--size", size, image],
                ["mkfs.ext4", "-q", "-F", image],
                ["mount", "-o", "loop", image, self.data.parent],
            ]
        return all(subprocess.run(each, capture_output=True, check=False).returncode == 0 for each in commands)

    def thaw(self):
        subprocess.run(["fsfreeze", "--unfreeze", self.data.parent], capture_output=True, check=False)

    def close(self):
        for load in self.loads:
            load.kill()
        if "freeze" in self.options.faults:
            self.thaw()
        self.server.stop(signal.SIGKILL)
        if self.is_mounted:
            subprocess.run(["umount", self.data.parent], check=False)

    def take_one(self):
        """Whether another rollback is wanted."""
        with self.lock:
            self.left -= 1
            return self.left >= 0


# Rollbacks


class Worker(threading.Thread):
    """Forward and back with one model."""

    def __init__(self, world, model, seed):
        super().__init__(name=model, daemon=True)
        self.world, self.model = world, model
        self.story, self.server = world.story, world.server
        self.random = random.Random(seed)
        self.line = None

    def run(self):
        wants = self.world.take_one()
        while wants and not self.world.over.is_set():
            self.world.up.wait()
            self.line = self.line or self.server.line(timeout=120)
            try:
                self._forward()
                time.sleep(self.random.uniform(0, 0.03))
                if self._back():
                    time.sleep(self.random.uniform(0, 0.04))
                    wants = self.world.take_one()
            except (OSError, http.client.HTTPException, TimeoutError, json.JSONDecodeError) as problem:
                self._excuse(problem)
            except Refused as refused:
                self._excuse(refused)

    def _excuse(self, problem):
        """Faults explain most failures; what none explains is a violation."""
        now = time.monotonic_ns()
        self.line.close()
        self.line = None
        recent = now - 15_000_000_000
        if isinstance(problem, Refused):
            self.story.count(f"control refused: {problem.code}")
        if self.world.up.is_set() and self.world.full_since is None:
            if not self.story.overlaps(recent, now, "kill", "disk"):
                self.story.violate(f"{self.model}: the control API failed at {now}: {problem!r}")
        time.sleep(0.05)

    def _forward(self):
        view = self.server.endpoint(self.model, self.line)
        # Told before it is asked: a kill may cut the answer off, and the release begins all the same.
        begun = time.monotonic_ns()
        self.story.switch(self.model, begun, begun, None)
        if 2 in view["withdrawn"] or self._is_quarantined():
            self.server.clear(self.model, 2, self.line)
        if view["release"] is None and view["serving"]["version"] == 1:
            if self.random.random() < 0.5:
                self.server.release(self.model, 2, None, self.line, **POLICY)
            else:
                self.server.release(self.model, 2, CANARY, self.line, **POLICY)
        self._wait_until_tried()

    def _is_quarantined(self):
        versions = self.server.call("GET", f"/v1/models/{self.model}/versions", None, self.line)["versions"]
        return any(each["version"] == 2 and each["state"] == "withdrawn" for each in versions)

    def _wait_until_tried(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            view = self.server.endpoint(self.model, self.line)
            release, serving = view["release"], view["serving"]
            if release is None and serving and serving["version"] == 2:
                return self.story.count("releases to everybody")
            if release and release["share"] == 50:
                return self.story.count("releases as a canary")
            time.sleep(0.003)
        raise TimeoutError(f"{self.model}@2 was not tried: {view}")

    def _back(self):
        begun = time.monotonic_ns()
        try:
            receipt = self.server.rollback(self.model, self.line)
        except Refused as refused:
            self.story.count(f"rollbacks refused: {refused.code}")
            raise
        ended = time.monotonic_ns()
        if receipt["to"] != 1 or receipt["fence"] != "complete":
            self.story.count(f"rollbacks with the fence {receipt['fence']} to {receipt['to']}")
            return False
        lie = int(self.world.options.lie * 1e6)
        self.story.switch(self.model, begun - lie, ended - lie, 1)
        self.story.count("rollbacks acknowledged")
        self.story.count("requests replayed", receipt.get("replayed") or 0)
        self.story.count("requests cut off", receipt.get("cut_off") or 0)
        return True


# Faults


def kill(world):
    """kill -9 in the middle of everything, then a start on the same data."""
    world.up.clear()
    begun = time.monotonic_ns()
    world.server.stop(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while True:
        tried = time.monotonic_ns()
        try:
            world.server.start(60)
            break
        except (RuntimeError, TimeoutError) as problem:
            world.server.stop(signal.SIGKILL)
            was_full = world.full_since or world.story.overlaps(tried, time.monotonic_ns(), "disk")
            if not was_full or time.monotonic() > deadline:
                world.story.violate(f"no start after a kill at {begun}: {problem}")
                world.over.set()
                return
            world.story.count("starts refused by a full disk")
            time.sleep(0.1)
    world.story.span(begun, time.monotonic_ns(), "kill")
    world.up.set()


def stall(world):
    """The whole process stands still, as under a paused virtual machine."""
    begun = time.monotonic_ns()
    process = world.server.process
    if process is None:
        # It did not start again, which ends the run.
        return
    process.send_signal(signal.SIGSTOP)
    time.sleep(world.random.uniform(0.02, 0.8))
    process.send_signal(signal.SIGCONT)
    world.story.span(begun, time.monotonic_ns(), "stall")


def fill_disk(world):
    """No byte is left on the data folder's file system for a while; then there is space again."""
    if not world.is_mounted:
        return
    ballast = world.data.parent / "ballast"
    begun = time.monotonic_ns()
    world.full_since = begun
    block, is_full = b"\0" * (1 << 20), False
    with ballast.open("wb", buffering=0) as file:
        while not is_full and world.up.is_set():
            try:
                file.write(block)
            except OSError:
                is_full = len(block) == 1
                block = block[: len(block) // 2] or b"\0"
    try:
        prove_full(world)
        time.sleep(world.random.uniform(0.5, 2))
    finally:
        ballast.unlink()
    ended = time.monotonic_ns()
    world.story.span(begun, ended, "disk")
    world.full_since = None
    deadline = time.monotonic() + 10
    while world.up.is_set():
        try:
            body = {"allowed": True}
            return world.server.call("PUT", "/v1/endpoints/m0/automatic", body, world.server.line())
        except (Refused, OSError, http.client.HTTPException) as problem:
            if isinstance(problem, Refused) and problem.status == 409:
                return None
            if time.monotonic() > deadline:
                return world.story.violate(f"no entry can be written 10 s after the disk is free: {problem}")
            time.sleep(0.05)


def freeze(world):
    """The data folder's file system stands still, as under a snapshot or a volume that lost its host; a model of
    its own is rolled back meanwhile."""
    if not world.is_mounted:
        return
    line = world.server.line()
    told = time.monotonic_ns()
    world.story.switch("frozen", told, told, None)
    try_again(world, "frozen", line)
    begun = time.monotonic_ns()
    subprocess.run(["fsfreeze", "--freeze", world.data.parent], check=True)
    thaw = threading.Timer(world.random.uniform(0.1, 3), world.thaw)
    thaw.start()
    try:
        asked = time.monotonic_ns()
        receipt = world.server.rollback("frozen", line)
        if receipt["to"] == 1 and receipt["fence"] == "complete":
            world.story.switch("frozen", asked, time.monotonic_ns(), 1)
    finally:
        thaw.join()
        world.story.span(begun, time.monotonic_ns(), "freeze")


def prove_full(world):
    """A full disk must be felt: new bytes are refused."""
    data = world.random.randbytes(1 << 20)
    path = f"/v1/artifacts/{hashlib.sha256(data).hexdigest()}"
    with contextlib.suppress(OSError, http.client.HTTPException, Refused):
        world.server.call("PUT", path, data, world.server.line())
        world.story.count("a full disk that took bytes")
        return
    world.story.count("artifacts refused by a full disk")


def load_large(world):
    """An 80 MB model is released and taken back beside the others."""
    line = world.server.line()
    try_again(world, "large", line)
    world.server.rollback("large", line)


def try_again(world, model, line):
    """Version 2 serves, whatever was before."""
    view = world.server.endpoint(model, line)
    versions = world.server.call("GET", f"/v1/models/{model}/versions", None, line)["versions"]
    if any(each["version"] == 2 and each["state"] == "withdrawn" for each in versions):
        world.server.clear(model, 2, line)
    if view["serving"]["version"] == 1 and view["release"] is None:
        world.server.release(model, 2, None, line, **POLICY)
    world.server.wait_serving(model, 2, line)


def drip(world):
    """A body that comes byte by byte; the stamp is that of its last byte."""
    model = f"m{world.random.randrange(world.options.models)}"
    body = request_bytes(f"/v2/models/{model}/infer", SCALAR)
    answer = drip_body(world.server.inference, body, world.random.uniform(0.5, 4))
    world.story.answer(model, *answer, "drip")


def read(world):
    """Many requests in a row on one connection, whose answers are read a few bytes at a time."""
    model = f"m{world.random.randrange(world.options.models)}"
    body = request_bytes(f"/v2/models/{model}/infer", SCALAR)
    for answer in read_slowly(world.server.inference, body, 200, world.random.uniform(0.5, 3)):
        world.story.answer(model, *answer, "reader")


ACTS = {
    "kill": kill, "stall": stall, "disk": fill_disk, "freeze": freeze, "load": load_large, "drip": drip,
    "reader": read,
}  # fmt: skip
# Mean seconds from the end of one to the begin of the next.
PAUSES = {"kill": 8, "stall": 2, "disk": 6, "freeze": 8, "load": 3, "drip": 0.5, "reader": 1}


class Fault(threading.Thread):
    """Lets one kind of fault happen again and again. Those of a kind never overlap; others may."""

    def __init__(self, world, kind, gate):
        super().__init__(name=kind, daemon=True)
        self.world, self.kind, self.gate = world, kind, gate
        self.random = random.Random(f"{world.options.seed} {kind}")

    def run(self):
        # The first comes soon, so that short runs meet every fault.
        pause = self.random.uniform(0.2, 0.5) * PAUSES[self.kind]
        while not self.world.over.wait(pause):
            self.world.up.wait()
            pause = self.random.expovariate(1 / PAUSES[self.kind])
            begun = time.monotonic_ns()
            # A stopped process cannot be started again, so these two take turns.
            with self.gate if self.kind in ("kill", "stall") else contextlib.nullcontext():
                try:
                    ACTS[self.kind](self.world)
                    self.world.story.count(f"fault: {self.kind}")
                except (OSError, http.client.HTTPException, Refused, TimeoutError, ValueError) as problem:
                    self.world.story.count(f"cut short: {self.kind}")
                    whats = ("kill", "disk")
                    busy = not self.world.up.is_set() or self.world.full_since is not None
                    recent = begun - 10_000_000_000
                    if not busy and not self.world.story.overlaps(recent, time.monotonic_ns(), *whats):
                        self.world.story.violate(f"{self.kind} at {begun}: {problem!r}")


# Judging


def judge(story, model, answers):
    """Goes through one model's answers: (sent, done, version, status, outcome or how)."""
    switches = sorted(story.rollbacks.get(model, []))
    begins = [begun for begun, _, _ in switches]
    promises = [(ended, begun) for begun, ended, to in switches if to == 1]
    promises.sort()
    ends = [ended for ended, _ in promises]
    waited = [
        (begun + SUSPENDED_AFTER, ended) for begun, ended, to in switches
        if to == 1 and ended - begun > SUSPENDED_AFTER and story.overlaps(begun, begun, "freeze")
        # After a start the version gone back to may have to be loaded first, and until then nothing else answers.
        and not story.overlaps(begun - 15_000_000_000, ended, "kill")
        and not story.overlaps(begun, begun + SUSPENDED_AFTER, "stall")
    ]  # fmt: skip
    if waited:
        story.count("rollbacks that waited for the disk", len(waited))
    judged = 0
    for sent, done, version, status, how in answers:
        if status != 200 or version < 0:
            if story.overlaps(sent, done, "kill"):
                story.count(f"excused by a kill: {status or how}")
            else:
                story.violate(f"{model}: sent {sent}, ended {done}: {how}, status {status}")
            continue
        if done - sent > SUSPENDED_AFTER and how == "answered" and story.overlaps(sent, done, "freeze"):
            if not story.overlaps(sent, done, "kill", "stall", "disk"):
                story.violate(f"{model}: an answer took {(done - sent) / 1e9:.2f} s, sent {sent}, in a freeze")
        for since, until in waited if version != 1 else ():
            if since <= sent <= until:
                story.violate(
                    f"{model}: sent {sent}, answered by version {version} while its rollback waited, asked for at "
                    f"{since - SUSPENDED_AFTER} and acknowledged at {until}"
                )
        place = bisect.bisect_left(ends, sent) - 1
        if place < 0:
            continue
        acknowledged = ends[place]
        # Judged until the next way forward begins.
        following = bisect.bisect_right(begins, acknowledged)
        if following < len(begins) and done >= begins[following]:
            continue
        judged += 1
        if version != 1:
            after = (sent - acknowledged) / 1e6
            story.violate(
                f"{model}: STALE: acknowledged {acknowledged}, sent {sent} ({after:.3f} ms later), "
                f"answered {done} by version {version} ({how})"
            )
    story.count("answers judged", judged)


def judge_all(world, records):
    for model, path in records.items():
        outcomes = ("answered", "lost", "timed out")
        judge(world.story, model, (
            (sent, done, by_body, status, outcomes[outcome])
            for sent, done, _, by_body, status, outcome, _ in RECORD.iter_unpack(path.read_bytes())
        ))  # fmt: skip
    for model, answers in list(world.story.answers.items()):
        judge(world.story, model, ((s, d, v, 200 if v >= 0 else 0, how) for s, d, v, how in answers))
    if world.up.is_set():
        proof = world.server.call("GET", "/v1/ledger/verify", None, world.server.line())
        if not proof["ok"]:
            world.story.violate(f"the ledger does not verify: {proof}")
        world.story.count("ledger entries verified", proof["entries"])
    for begun, ended, to in (each for several in world.story.rollbacks.values() for each in several):
        for what in ("stall", "disk", "freeze"):
            if to == 1 and world.story.overlaps(begun, ended, what):
                world.story.count(f"rollbacks acknowledged in a {what}")
    for fault in world.options.faults:
        if world.story.counts[f"fault: {fault}"] == 0 or (fault in ("disk", "freeze") and not world.is_mounted):
            world.story.violate(f"the fault '{fault}' never happened")


# The run


def start_load(world, program, model):
    request = world.folder / f"{model}.http"
    request.write_bytes(request_bytes(f"/v2/models/{model}/infer", SCALAR))
    records = world.folder / f"{model}.records"
    words = [
        program, "--port", str(world.server.inference), "--request", request, "--mark", '"data":[',
        "--records", records, "--connections", str(world.options.connections), "--pause", str(world.options.pause),
        "--seconds", "86400", "--timeout", "20",
    ]  # fmt: skip
    return subprocess.Popen(words, stdout=subprocess.DEVNULL), records


def run(world):
    names = [f"m{number}" for number in range(world.options.models)]
    world.server.start(120)
    for model in names:
        for number in (1, 2):
            world.server.register(model, models.constant(number))
        world.server.serve(model, 1, **POLICY)
    for fault, model, size in (("load", "large", LARGE), ("freeze", "frozen", 1024)):
        if fault in world.options.faults:
            for number in (1, 2):
                world.server.register(model, models.constant(number, size))
            world.server.serve(model, 1, **POLICY)
    world.up.set()
    program = compiled("load", world.folder)
    loaded = [*names, "frozen"] if "freeze" in world.options.faults else names
    loads = {model: start_load(world, program, model) for model in loaded}
    world.loads = [process for process, _ in loads.values()]
    gate = threading.Lock()
    workers = [Worker(world, model, f"{world.options.seed} {model}") for model in names]
    faults = [Fault(world, kind, gate) for kind in world.options.faults]
    for thread in [*workers, *faults]:
        thread.start()
    begun = time.monotonic()
    while any(worker.is_alive() for worker in workers) and not world.over.is_set():
        time.sleep(0.2)
        if int(time.monotonic() - begun) % 10 == 0:
            print(f"fence: {world.story.counts['rollbacks acknowledged']} rollbacks", file=sys.stderr)
            time.sleep(0.8)
        if time.monotonic() - begun > world.options.limit:
            world.story.violate(f"not done after {world.options.limit} s")
            break
    world.over.set()
    for fault in faults:
        fault.join(60)
    world.up.wait(60)
    time.sleep(0.2)
    for process, _ in loads.values():
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    judge_all(world, {model: records for model, (_, records) in loads.items()})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--belay", required=True)
    parser.add_argument("--rollbacks", type=int, default=300)
    parser.add_argument("--models", type=int, default=4, help="as many workers; one model each")
    parser.add_argument("--connections", type=int, default=8, help="of the load, per model")
    parser.add_argument("--pause", type=int, default=2000, help="microseconds from answer to next request")
    parser.add_argument("--faults", default=",".join(FAULTS), help="comma-separated; empty for none")
    parser.add_argument("--disk", type=int, default=1000, help="MB of the data folder's own file system")
    parser.add_argument("--limit", type=float, default=3600, help="seconds until the run is given up")
    parser.add_argument("--lie", type=float, default=0, metavar="MS",
                        help="claim each acknowledgement earlier than it was: must find violations")
    parser.add_argument("--seed", default=str(time.time_ns()))
    parser.add_argument("--keep", action="store_true", help="keep the folder with records and log")
    options = parser.parse_args()
    options.faults = [fault for fault in options.faults.split(",") if fault]
    if unknown := set(options.faults) - set(FAULTS):
        parser.error(f"unknown faults: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    name_runtime()
    folder = tempfile.mkdtemp(prefix="belay-fence-")
    world = World(options, folder)
    try:
        run(world)
    finally:
        world.close()
        if world.story.violations:
            print(world.server.log.read_text(errors="replace")[-4000:], file=sys.stderr)
        if not options.keep:
            subprocess.run(["rm", "-rf", folder], check=False)
    print(f"seed {options.seed}")
    for what, number in sorted(world.story.counts.items()):
        print(f"{number:>10}  {what}")
    for sentence in world.story.violations[:SHOWN]:
        print(f"VIOLATION  {sentence}")
    print(f"{len(world.story.violations)} violations")
    sys.exit(1 if world.story.violations else 0)


if __name__ == "__main__":
    main()
