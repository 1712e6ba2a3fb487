"""Metric chaos: does a release ever advance on data that are not there, or fall for data that are wrong?

    python3 Benchmarks/chaos.py --belay .build/release/belay                      # the campaign
    python3 Benchmarks/chaos.py --belay .build/release/belay --only healthy --rounds 50

The real server, with real traffic to many models side by side. Each trial is one release under one policy, while
the data that its guards live on are delayed, frozen, dropped, repeated, contradicted, absurd, of one version only,
under a wrong name, or not there at all; Prometheus errs, hangs, lies; the server is killed, stopped, or sees its
clock jump. What was really delivered is counted on this side.

It ends with 1 and names the releases when
- one was promoted, or left a step, while a guard had no data in that step (a *blind promotion*),
- a candidate that answers exactly as stable does was rolled back or held by a guard (a *false alarm*),
- one that cannot be judged did not say so, or did not say why,
- one whose data are good was not promoted, or one that is worse was not caught (the campaign must be able to fail).

`healthy` alone is the long A/A: the part of rolled back releases is printed with its 99 % interval.
"""

import argparse
import asyncio
import json
import math
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from cases import CASES, GROUPS, answer_of_monitor
from server import Belay, name_runtime
from standin import StandIn
from trials import ENDS, Life

FAULTS = ("kill", "stall", "clock")


class Server(Belay):
    """With a monitor to ask, and a clock that can be set."""

    def __init__(self, binary, data, monitor, clock):
        super().__init__(binary, data)
        self.clock, self.more = clock, ["--prometheus", monitor]

    def environment(self):
        return {**os.environ, **(self.clock.environment() if self.clock else {})}


class FakeClock:
    """A wall clock that can be set: clock.c in front of the C library, the offset in a file that it maps."""

    def __init__(self, folder):
        self.file, self.library = Path(folder) / "offset", Path(folder) / "clock.so"
        self.set(0)
        compiler = shutil.which("clang") or shutil.which("cc") or sys.exit("--faults clock wants a C compiler")
        source = Path(__file__).with_name("clock.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", self.library, source], check=True)

    def set(self, seconds):
        # In place: the server has the file mapped.
        with open(self.file, "r+b" if self.file.exists() else "wb") as file:
            file.write(struct.pack("<q", seconds))

    def environment(self):
        return {"LD_PRELOAD": str(self.library), "CLOCK_OFFSET": str(self.file)}


class World:
    def __init__(self, options, folder):
        self.options = options
        self.lives = []
        self.counts = Counter()
        self.violations = []
        self.trials = []
        self.says = {}
        self.clock = FakeClock(folder) if "clock" in options.faults else None
        self.standin = StandIn(self._monitor)
        self.server = Server(options.belay, Path(folder) / "data", self.standin.url, self.clock)
        self.over = False

    def _monitor(self, model, arm):
        life = next((life for life in self.lives if life.model == model), None)
        trial = life.trial if life else None
        return answer_of_monitor(trial, arm)


# Faults of the whole server


async def disturb(world):
    """Kills, stops or confuses the server again and again."""
    chance = random.Random(f"{world.options.seed} faults")
    while not world.over and world.options.faults:
        await asyncio.sleep(chance.uniform(0.5, 1.5) * world.options.every)
        fault = chance.choice(world.options.faults)
        if world.over:
            continue
        world.counts[f"fault: {fault}"] += 1
        if fault == "kill":
            await asyncio.to_thread(world.server.stop, signal.SIGKILL)
            await asyncio.to_thread(world.server.start)
        elif fault == "stall":
            world.server.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(chance.uniform(0.3, 2))
            world.server.process.send_signal(signal.SIGCONT)
        else:
            world.clock.set(chance.choice([-7200, -60, -5, 0, 0, 5, 60, 7200]))


# Judging


def judge(world, trial):
    case = trial.case
    world.counts[f"{case.name}: {outcome(trial)}"] += 1
    name = f"{case.name}, {trial.release or trial.model}"
    if not case.is_bad and trial.phase == "rolled_back":
        world.counts["FALSE ALARMS"] += 1
        # Guards on rates may err in one release of a hundred; the sum is judged at the end.
        world.alarms.append(f"{name}: {trial.verdict}")
    # Where the clock jumps, what was delivered when cannot be told, and a release may wait for hours.
    is_timeless = world.clock is not None
    blind = [] if is_timeless else list(blindness(trial))
    for sentence in blind:
        world.counts["BLIND PROMOTIONS"] += 1
        world.violations.append(f"{name}: BLIND: {sentence}")
    expected = {
        "promote": ("settled",), "wait": ("canary", "shadow"), "rollback": ("rolled_back",),
        "any": ("settled", "canary", "watching", "shadow"), "refuse": ("not proposed", "refused"), "hold": ("held",),
    }[case.expect]  # fmt: skip
    may_wait = is_timeless and outcome(trial) in ("gating", "canary", "watching")
    if outcome(trial) not in expected and outcome(trial) != "rolled_back" and not may_wait:
        world.violations.append(f"{name}: {outcome(trial)} instead of {case.expect}: {tell(trial)}")
    if case.expect == "rollback" and outcome(trial) == "rolled_back" and trial.cause == "request":
        world.violations.append(f"{name}: no guard took it out")
    if case.expect == "wait" and outcome(trial) in expected:
        speaks(world, trial, name)


def outcome(trial):
    return "held" if trial.view.get("held") and trial.phase not in ENDS else trial.phase


def tell(trial):
    reports = "; ".join(f"{g['name']} {g['verdict']} {g['value']} {g['interval']} n {g['n']}/{g['n_stable']}" for g in trial.guards)
    delivered = {f"{w} {a}": len(t) for (w, a), t in trial.truth.times.items()}
    return f"{trial.problem} {reports} {delivered} {list(trial.refusals.items())[:2]}"


def blindness(trial):
    """Steps that were left though this side delivered nothing for a guard while they lasted."""
    entered = {}
    for line in trial.story:
        at = stamp(line["at"])
        if line["kind"] == "release.step_entered":
            entered.setdefault(len(entered), at)
        elif line["kind"] in ("release.promoted", "release.steps_done"):
            entered.setdefault(len(entered), at)
    times = [entered[key] for key in sorted(entered)]
    for step, (begin, end) in enumerate(zip(times, times[1:], strict=False), 1):
        for what in trial.case.needs:
            arms = ("candidate", "stable") if trial.case.comparing else ("candidate",)
            for arm in arms:
                # What was delivered just before may be counted just after.
                if trial.truth.count(what, arm, begin - 1.0, end + 0.1) == 0:
                    yield f"step {step} was left without any {what} of {arm}"


def stamp(text):
    whole, _, rest = text.removesuffix("Z").partition(".")
    seconds = time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) - time.timezone
    return seconds + float(f"0.{rest or 0}")


def speaks(world, trial, name):
    """A release that waits must name what it waits for."""
    silent = [
        guard["name"] for guard in trial.view["guards"]
        if guard["verdict"] in ("blind", "undecided") and guard["reason"] and not guard["detail"]
    ]  # fmt: skip
    unhappy = [guard for guard in trial.view["guards"] if guard["verdict"] in ("blind", "undecided")]
    if not unhappy and trial.case.needs != ("answers",):
        world.violations.append(f"{name}: waits, and no guard says why: {tell(trial)}")
    if silent:
        world.violations.append(f"{name}: {silent} do not say why")
    for remark in trial.remarks:
        world.says.setdefault(trial.case.name, Counter())[remark] += 1


def interval(bad, number, level=0.01):
    """Clopper and Pearson's, by bisection: the part of all that are bad."""

    def below(p, k):
        return sum(math.exp(
            math.lgamma(number + 1) - math.lgamma(i + 1) - math.lgamma(number - i + 1)
            + i * math.log(p) + (number - i) * math.log1p(-p)
        ) for i in range(k + 1))  # fmt: skip

    def solve(true):
        low, high = 1e-12, 1 - 1e-12
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if true(middle) else (low, middle)
        return low

    lower = 0.0 if bad == 0 else solve(lambda p: 1 - below(p, bad - 1) < level / 2)
    upper = 1.0 if bad == number else solve(lambda p: below(p, bad) > level / 2)
    return lower, upper


# The run


async def work(world, life, queue):
    """One model tries what is left, one case after the other."""
    tasks = await life.begin()
    while queue:
        case = queue.pop()
        trial = await life.run(case)
        world.trials.append(trial)
        judge(world, trial)
    life.over = True
    await asyncio.gather(*tasks)


async def run(world):
    chance = random.Random(world.options.seed)
    queue = [case for case in world.options.cases for _ in range(case.rounds * world.options.rounds)]
    chance.shuffle(queue)
    total = len(queue)
    world.alarms = []
    await asyncio.to_thread(world.server.start)
    world.lives = [Life(world, f"m{i}", f"{world.options.seed} {i}") for i in range(world.options.models)]
    disturbing = asyncio.create_task(disturb(world))
    working = asyncio.gather(*(work(world, life, queue) for life in world.lives))
    while not working.done():
        await asyncio.wait([working], timeout=20)
        print(f"chaos: {len(world.trials)} of {total}, {len(world.violations)} violations", file=sys.stderr)
    working.result()
    world.over = True
    disturbing.cancel()
    if world.clock:
        world.clock.set(0)
    proof = await asyncio.to_thread(world.server.call, "GET", "/v1/ledger/verify", None, world.server.line())
    if not proof["ok"]:
        world.violations.append(f"the ledger does not verify: {proof}")


def report(world):
    good = [trial for trial in world.trials if not trial.case.is_bad and trial.release]
    bad = [trial for trial in world.trials if trial.case.is_bad]
    wrong = sum(trial.phase == "rolled_back" for trial in good)
    caught = sum(outcome(trial) in ("rolled_back", "held") for trial in bad)
    print(f"seed {world.options.seed}")
    for what, number in sorted(world.counts.items()):
        print(f"{number:>7}  {what}")
    if world.says:
        print("\nWhat releases that waited said (`belay why`):")
    for name, remarks in sorted(world.says.items()):
        print(f"  {name}")
        for remark, number in remarks.most_common(3):
            print(f"    {number:>3} × {remark}")
    print(f"\n{len(world.trials)} releases")
    print(f"{world.counts['BLIND PROMOTIONS']} blind promotions")
    if good:
        low, high = interval(wrong, len(good))
        print(f"{wrong} false rollbacks in {len(good)} releases of candidates that are not worse: "
              f"{wrong / len(good):.2%}, 99 % interval {low:.2%} to {high:.2%}")  # fmt: skip
        if low > 0.01:
            world.violations.append("more than 1 % of releases that are not worse are rolled back")
    for alarm in world.alarms:
        print(f"  {alarm}")
    if bad:
        print(f"{caught} of {len(bad)} worse candidates caught")
    for sentence in world.violations[:40]:
        print(f"VIOLATION  {sentence}")
    print(f"{len(world.violations)} violations")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--belay", required=True)
    parser.add_argument("--only", default=",".join(GROUPS), help="groups or names of cases, comma-separated")
    parser.add_argument("--rounds", type=int, default=1, help="how often each case is tried")
    parser.add_argument("--models", type=int, default=24, help="side by side")
    parser.add_argument("--faults", default="", help=f"of the whole server: {', '.join(FAULTS)}")
    parser.add_argument("--every", type=float, default=15, help="mean seconds between them")
    parser.add_argument("--seed", default=str(time.time_ns()))
    parser.add_argument("--keep", action="store_true", help="keep the folder with the data and the log")
    parser.add_argument("--output", help="a file for every trial, one JSON object a line")
    options = parser.parse_args()
    options.faults = [fault for fault in options.faults.split(",") if fault]
    wanted = options.only.split(",")
    options.cases = [case for case in CASES if case.group in wanted or case.name in wanted]
    if unknown := (set(options.faults) - set(FAULTS)) | (
        set(wanted) - set(GROUPS) - {case.name for case in CASES}
    ):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    name_runtime()
    folder = tempfile.mkdtemp(prefix="belay-chaos-")
    world = World(options, folder)
    try:
        asyncio.run(run(world))
    finally:
        world.server.stop(signal.SIGKILL)
        if not options.keep:
            subprocess.run(["rm", "-rf", folder], check=False)
        else:
            print(folder)
    if options.output:
        with Path(options.output).open("a") as file:
            for trial in world.trials:
                file.write(json.dumps({
                    "case": trial.case.name, "release": trial.release, "outcome": outcome(trial),
                    "seconds": round(trial.age, 1), "view": trial.view, "remarks": trial.remarks,
                    "refusals": trial.refusals,
                }) + "\n")  # fmt: skip
    report(world)
    sys.exit(1 if world.violations else 0)


if __name__ == "__main__":
    main()
