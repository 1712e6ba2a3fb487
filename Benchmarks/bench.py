"""`make bench`: Belay beside its peers, in one run. Prints Markdown; installs nothing.

Machines and moments differ more than programs do, so everything that is compared is interleaved in rounds,
the median of the rounds is shown, and ratios hold within one run only.
"""

import argparse
import array
import bisect
import contextlib
import http.client
import json
import os
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from peers import BelayPeer, Envoy, HAProxy, Nginx, RecordedHAProxy, find, missing_programs
from server import (
    Belay, Refused, compiled, free_ports, is_open, name_runtime, request_bytes, resident, wait_until,
)  # fmt: skip

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "Examples" / "breast-cancer"
RECORD = struct.Struct("<QQiiHHI")
LARGE = 80_000_000


def table(columns, rows):
    """A Markdown table; the first column is text, the others are figures."""
    print("| " + " | ".join(columns) + " |")
    print("|---" + "|---:" * (len(columns) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print(flush=True)


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


class Workshop:
    """The compiled programs and a folder for everything else."""

    def __init__(self, folder, library):
        self.folder, self.library = Path(folder), library
        self.load_program = compiled("load", folder)
        self.ceiling_program = compiled("ceiling", folder)

    def load(self, port, request, *words, wait=True):
        path = self.folder / "request.http"
        path.write_bytes(request)
        words = [self.load_program, "--port", str(port), "--request", path, *map(str, words)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE)
        return json.loads(process.communicate()[0]) if wait else process

    @contextlib.contextmanager
    def ceiling(self, version, model=None):
        """A running `ceiling`; yields its port and process id."""
        (port,) = free_ports(1)
        words = [self.library, model] if model else []
        process = subprocess.Popen([self.ceiling_program, str(port), str(version), *words])
        try:
            wait_until("ceiling does not listen", lambda: is_open(port))
            yield port, process.pid
        finally:
            process.kill()
            process.wait()


# Switches


class Switch(NamedTuple):
    """One change of the version that answers; times in nanoseconds, monotonic."""

    begun: int
    acknowledged: int
    to: int
    is_measured: bool


def judge(records, switches):
    """Counts stale answers and lost requests.

    An answer is stale when its request was sent after the acknowledgement of a measured switch, when it came
    before the next switch began, and when another version gave it than the one switched to.
    """
    acknowledged = [switch.acknowledged for switch in switches]
    stale = lost = 0
    for sent, done, by_header, by_body, status, outcome, _ in RECORD.iter_unpack(records):
        if outcome != 0 or not 200 <= status < 300:
            lost += 1
            continue
        place = bisect.bisect_left(acknowledged, sent) - 1
        if place < 0 or not switches[place].is_measured:
            continue
        if place + 1 < len(switches) and done >= switches[place + 1].begun:
            continue
        stale += (by_body if by_body >= 0 else by_header) != switches[place].to
    return stale, lost


def last_old_answers(records, switches):
    """For each measured switch, how many milliseconds after it was asked for the last answer came that another
    version gave; 0 when none came after.

    Answers that are on their way when a switch is asked for are among them, with the time they take to arrive.
    """
    begun = [switch.begun for switch in switches]
    last = [0.0] * len(switches)
    for _, done, by_header, by_body, status, outcome, _ in RECORD.iter_unpack(records):
        place = bisect.bisect_right(begun, done) - 1
        if place < 0 or outcome != 0 or not 200 <= status < 300:
            continue
        if (by_body if by_body >= 0 else by_header) != switches[place].to:
            last[place] = max(last[place], (done - begun[place]) / 1e6)
    return [value for value, switch in zip(last, switches, strict=True) if switch.is_measured]


class Round(NamedTuple):
    """What some switches of one peer cost."""

    milliseconds: list
    last_old: list
    stale: int
    lost: int
    requests: int


def round_of_switches(workshop, peer, count, connections):
    records = workshop.folder / "records"
    words = ("--connections", connections, "--seconds", 3600, "--mark", '"data":[', "--records", records)
    load = workshop.load(peer.port, peer.request, *words, wait=False)
    time.sleep(0.2)
    switches = []

    def switch(to, act, is_measured):
        begun = time.monotonic_ns()
        act(to)
        switches.append(Switch(begun, time.monotonic_ns(), to, is_measured))
        time.sleep(0.02)

    for number in range(count):
        if peer.switches_to == (1,):
            switch(2, lambda _: peer.forward(), False)
        switch(peer.switches_to[number % len(peer.switches_to)], peer.switch, True)
    load.send_signal(signal.SIGTERM)
    requests = json.loads(load.communicate()[0])["requests"]
    content = records.read_bytes()
    stale, lost = judge(content, switches)
    measured = [(each.acknowledged - each.begun) / 1e6 for each in switches if each.is_measured]
    return Round(measured, last_old_answers(content, switches), stale, lost, requests)


def switch_peers(workshop, binary, stack, upstreams):
    """Starts every peer that is installed."""
    peers = []
    kinds = ((HAProxy, "haproxy"), (RecordedHAProxy, "haproxy"), (Envoy, "envoy"), (Nginx, "nginx"))
    for kind, program in kinds:
        if path := find(program):
            peers.append(kind(path, upstreams, workshop.folder / kind.__name__))
    for size in (1024, LARGE):
        peers.append(BelayPeer(binary, workshop.folder, size))
    for peer in peers:
        stack.callback(peer.stop)
    return peers


def bench_switches(workshop, binary, count, rounds, connections=32):
    with contextlib.ExitStack() as stack:
        upstreams = [stack.enter_context(workshop.ceiling(number))[0] for number in (1, 2)]
        peers = switch_peers(workshop, binary, stack, upstreams)
        results = {peer.name: [] for peer in peers}
        for number in range(rounds):
            for peer in peers:
                note(f"switches, round {number + 1} of {rounds}: {peer.name}")
                each = count // rounds + (number < count % rounds)
                results[peer.name].append(round_of_switches(workshop, peer, each, connections))
    print(f"## Switches under {connections} connections\n")
    rows = []
    for peer in peers:
        rounds_of = results[peer.name]
        times = [value for each in rounds_of for value in each.milliseconds]
        last_old = [value for each in rounds_of for value in each.last_old]
        receipts = getattr(peer, "receipts", None)
        rows.append([
            peer.name, len(times), f"{percentile(times, 0.5):.2f}", f"{percentile(times, 0.99):.2f}",
            f"{percentile(last_old, 0.5):.2f} / {percentile(last_old, 0.99):.2f}",
            f"{percentile(receipts, 0.5):.3f} / {percentile(receipts, 0.99):.3f}" if receipts else "–",
            sum(each.stale for each in rounds_of), sum(each.lost for each in rounds_of),
            sum(each.requests for each in rounds_of),
        ])  # fmt: skip
    table(
        ["", "n", "acknowledged p50 ms", "p99 ms", "last old answer p50 / p99 ms",
         "of which fence p50 / p99 ms", "stale", "lost", "requests"],
        rows,
    )
    print(
        "*Acknowledged*: as the caller sees it, from asking to the answer; Belay's is durable in the ledger "
        "before the fence. *Last old answer*: from asking until the last answer by the old version arrived. "
        "*Stale*: answers by the old version to requests sent after the acknowledgement. "
        "*Lost*: requests whose connection ended before the answer, or whose status was not 2xx.\n"
    )


# Cost per request


class Case(NamedTuple):
    """One server under one load."""

    name: str
    port: int
    pid: int
    request: bytes


def rows_of_example(count):
    rows = json.loads((EXAMPLE / "data.json").read_text())["rows"]
    return [number for row in rows[:count] for number in row]


def json_request(model, count):
    tensor = {"name": "input", "shape": [count, 30], "datatype": "FP32", "data": rows_of_example(count)}
    body = json.dumps({"inputs": [tensor]}, separators=(",", ":")).encode()
    return request_bytes(f"/v2/models/{model}/infer", body, ["Content-Type: application/json"])


def binary_request(model, count):
    floats = array.array("f", rows_of_example(count)).tobytes()
    size = {"binary_data_size": len(floats)}
    tensor = {"name": "input", "shape": [count, 30], "datatype": "FP32", "parameters": size}
    head = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
    text = json.dumps(head, separators=(",", ":")).encode()
    header = f"Inference-Header-Content-Length: {len(text)}"
    return request_bytes(f"/v2/models/{model}/infer", text + floats, [header])


def ask_for_reference(server, model):
    """Asks about every row of the example, so that a release has stable's past to be compared with."""
    line = http.client.HTTPConnection("127.0.0.1", server.inference, timeout=10)
    for row in json.loads((EXAMPLE / "data.json").read_text())["rows"]:
        tensor = {"name": "input", "shape": [1, 30], "datatype": "FP32", "data": row}
        line.request("POST", f"/v2/models/{model}/infer", json.dumps({"inputs": [tensor]}))
        line.getresponse().read()
    line.close()


def prepare_cost_models(server):
    """Registers the endpoints of the cost table; returns the names of those that could not be made."""
    boosted, linear = (EXAMPLE / "v2.onnx").read_bytes(), (EXAMPLE / "v1.onnx").read_bytes()
    absent = {}
    for model, data, policy in (
        ("logged", boosted, {}),
        ("judged", boosted, {}),
        ("watched", boosted, {}),
        ("durable", boosted, {"serving": {"durability": "durable"}}),
        ("bare", boosted, {"serving": {"record": "none"}}),
        ("linear", linear, {}),
        ("linear-bare", linear, {"serving": {"record": "none"}}),
    ):
        try:
            server.serve(model, server.register(model, data), **policy)
        except Refused as refused:
            absent[model] = refused.code
    ask_for_reference(server, "watched")
    everything = [
        {"metric": "error_rate", "max_rise": "1%"},
        {"metric": "latency_p95", "max_rise": "25% of stable"},
        {"metric": "prediction_drift", "max": 0.25, "then": "notify"},
        {"metric": "feature_drift", "max": 0.25, "then": "notify"},
        {"metric": "missing_rate", "feature": "input[0]", "max_rise": "5%", "then": "notify"},
    ]
    for model, policy in (("judged", {}), ("watched", {"guards": everything})):
        # The candidate costs what stable costs: another training of the same kind.
        candidate = server.register(model, (EXAMPLE / "v3.onnx").read_bytes())
        steps = {"steps": [{"canary": "50%", "for": "8h", "min_samples": 1}]}
        server.release(model, candidate, steps, **policy)
        wait_until("no canary", lambda: (server.endpoint(model)["release"] or {}).get("share") == 50)
    return absent


def cost_groups(server, absent, ceilings):
    """Groups of cases that are compared: the first of each is the ceiling."""
    pid, port = server.process.pid, server.inference
    boosted, linear = ceilings

    def group(title, ceiling, request, models):
        cases = [Case("C epoll + ONNX Runtime", *ceiling, request("gbdt"))]
        for model, name in models:
            if model not in absent:
                cases.append(Case(f"Belay, {name}", port, pid, request(model)))
        return title, cases

    settings = [
        ("judged", "log and evidence"),
        ("watched", "log, evidence on everything"),
        ("logged", "log, no evidence"),
        ("durable", "durable log, no evidence"),
        ("bare", "no log, no evidence"),
    ]
    plain = [("linear", "log, no evidence"), ("linear-bare", "no log, no evidence")]
    return [
        group("GBDT, one row of JSON", boosted, lambda model: json_request(model, 1), settings),
        group("GBDT, one row, binary", boosted, lambda model: binary_request(model, 1), [settings[0], settings[2]]),
        group("linear, 48 rows, 10 kB of JSON", linear, lambda model: json_request(model, 48), plain),
        group("linear, 48 rows, binary", linear, lambda model: binary_request(model, 48), plain[:1]),
    ]


def bench_cost(workshop, binary, rounds, seconds):
    with contextlib.ExitStack() as stack:
        server = Belay(binary, workshop.folder / "belay-cost")
        server.start()
        stack.callback(server.stop)
        absent = prepare_cost_models(server)
        ceilings = [
            stack.enter_context(workshop.ceiling(1, str(EXAMPLE / name))) for name in ("v2.onnx", "v1.onnx")
        ]
        groups = cost_groups(server, absent, ceilings)
        measured = {}
        for number in range(rounds):
            note(f"cost per request, round {number + 1} of {rounds}")
            for title, cases in groups:
                for connections in (1, 8, 32):
                    for case in cases:
                        words = ("--connections", connections, "--seconds", seconds, "--warmup", seconds / 8)
                        answer = workshop.load(case.port, case.request, *words, "--pid", case.pid)
                        measured.setdefault((title, case.name, connections), []).append(answer)
    print_cost(groups, measured, seconds)
    for model, code in absent.items():
        print(f"Not measured: the endpoint `{model}` was refused with `{code}`.\n")


def print_cost(groups, measured, seconds):
    print(f"## Cost per request: CPU µs of the server, median of rounds of {seconds:g} s\n")
    rows = []
    for title, cases in groups:
        ceiling = {}
        for case in cases:
            answers = {count: measured[title, case.name, count] for count in (1, 8, 32)}
            total = sum(answer["requests"] for answer in answers[32])
            runs = [answer for each in answers.values() for answer in each]
            if any(answer["good"] == 0 or answer["good"] < answer["requests"] for answer in runs):
                classes = sorted({name for answer in answers[32] for name in answer["by_class"]})
                rows.append([title, case.name, *["fails"] * 3, ", ".join(classes) or "no answer", "–", total])
                continue
            cells = [title, case.name]
            for count, each in answers.items():
                cost = statistics.median(answer["cpu_us_per_request"] for answer in each)
                ceiling.setdefault(count, cost)
                cells.append(f"{cost:.1f} ({cost / ceiling[count]:.1f}×)")
            median = {
                key: statistics.median(answer[key] for answer in answers[32])
                for key in ("p50_us", "p99_us", "per_second")
            }
            cells.append(f"{median['p50_us'] / 1000:.2f} / {median['p99_us'] / 1000:.2f}")
            rows.append([*cells, f"{median['per_second']:.0f}", total])
    table(
        ["", "server", "c = 1", "c = 8", "c = 32", "p50 / p99 ms at 32", "requests/s at 32", "n at 32"], rows
    )
    print(
        "In brackets: the ratio to the ceiling of the same rows, run and concurrency. One machine carries "
        "client and server; times of answers mean little, CPU per request survives.\n"
    )


# Memory and start


def bench_memory(workshop, binary, rounds):
    idle, loaded, ready = [], [], []
    models_of = [(f"m{number}", (EXAMPLE / "v2.onnx").read_bytes()) for number in range(10)]
    for number in range(rounds):
        note(f"memory and start, round {number + 1} of {rounds}")
        server = Belay(binary, workshop.folder / f"belay-memory-{number}")
        server.start()
        time.sleep(1)
        idle.append(resident(server.process.pid))
        for model, data in models_of:
            server.serve(model, server.register(model, data))
        time.sleep(1)
        loaded.append(resident(server.process.pid))
        server.stop()
        ready.append(server.start())
        server.stop()
    print("## Memory and start\n")
    rows = [
        ["resident, idle, no model", len(idle), f"{statistics.median(idle):.0f} MB"],
        ["resident, ten GBDT models", len(loaded), f"{statistics.median(loaded):.0f} MB"],
        ["from exec to `/readyz` 200, ten models", len(ready), f"{statistics.median(ready):.2f} s"],
    ]
    table(["", "n", "median"], rows)


# The command


def machine():
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")), "unknown processor",
    )  # fmt: skip
    return f"{model}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the start"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--belay", default=str(ROOT / ".build" / "release" / "belay"))
    parser.add_argument("--switches", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each load in the cost table")
    parser.add_argument("--only", choices=["switches", "cost", "memory"], action="append")
    options = parser.parse_args()
    library = name_runtime()
    if not Path(options.belay).exists():
        sys.exit(f"bench: needs {options.belay}: make build")
    for sentence in missing_programs():
        print(f"Left out for want of {sentence}\n")
    print(f"Measured on {machine()}.\n", flush=True)
    parts = options.only or ["switches", "cost", "memory"]
    with tempfile.TemporaryDirectory(prefix="belay-bench-") as folder:
        workshop = Workshop(folder, library)
        if "switches" in parts:
            bench_switches(workshop, options.belay, options.switches, options.rounds)
        if "cost" in parts:
            bench_cost(workshop, options.belay, options.rounds, options.seconds)
        if "memory" in parts:
            bench_memory(workshop, options.belay, options.rounds)


if __name__ == "__main__":
    main()
