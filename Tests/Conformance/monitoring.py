"""Belay beside the real Prometheus and Alertmanager, and Standard Webhooks' own verifier.

    apt-get install prometheus prometheus-alertmanager       # or --programs FOLDER with the four programs
    pip install prometheus-client standardwebhooks
    python Tests/Conformance/monitoring.py --belay .build/release/belay

A release that fails is rolled back by its guard; then it is asked who heard of it:

* a webhook, whose signatures `standardwebhooks` verifies; a receiver that is down at first gets what waited
* Alertmanager, by Belay's own push
* Prometheus, which scrapes `/metrics`, evaluates every rule of Examples/monitoring and every query of the
  dashboard, and answers guards on a `query`
* Belay itself: an alert that Prometheus fires is routed by Alertmanager to `/hooks/alertmanager` and takes a
  version out

What is not installed is left out and said so. Ends with 1 when a check fails.
"""

import argparse
import contextlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MONITORING = ROOT / "Examples" / "monitoring"
EXAMPLE = ROOT / "Examples" / "breast-cancer"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
sys.path.insert(0, str(ROOT / "Benchmarks"))

from server import Belay, free_ports, name_runtime, wait_until  # noqa: E402

RESULTS = []


def check(name, outcome, why=""):
    """Notes what came of a check: True, False, or None for one that was left out."""
    word = {True: "pass", False: "FAIL", None: "left out"}[outcome]
    RESULTS.append((name, word))
    print(f"{word:<8}  {name}{'  ' + str(why)[:200] if why and outcome is not True else ''}", flush=True)


class Receiver:
    """A webhook's receiver on this machine that keeps what it gets; refuses the first few."""

    def __init__(self, refuse):
        self.got, self.refused = [], 0
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                ok = receiver.refused >= refuse
                if ok:
                    receiver.got.append((dict(self.headers), body))
                else:
                    receiver.refused += 1
                self.send_response(204 if ok else 503)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def types(self):
        return [json.loads(body)["type"] for _, body in self.got]


def wait_for(what, true, seconds=30.0):
    """As `wait_until`, for a program that may not listen yet."""

    def attempt():
        with contextlib.suppress(OSError):
            return true()

    wait_until(what, attempt, seconds, 0.2)


def ask(url, path, **query):
    query = f"?{urllib.parse.urlencode(query)}" if query else ""
    with urllib.request.urlopen(f"{url}{path}{query}", timeout=10) as answer:
        return json.load(answer)


class Programs:
    """Prometheus and Alertmanager with the configuration of Examples/monitoring, on other ports."""

    def __init__(self, folder, where, belay):
        self.folder, self.belay, self.running = Path(folder), belay, []
        self.path = os.pathsep.join(filter(None, [where, os.environ["PATH"]]))
        self.prometheus_port, self.alertmanager_port, self.cluster = free_ports(3)
        belay.more = ["--prometheus", f"http://127.0.0.1:{self.prometheus_port}"]

    def find(self, *names):
        return next(filter(None, (shutil.which(name, path=self.path) for name in names)), None)

    def written(self, name):
        """The example's file with this run's ports and a quicker clock."""
        text = (MONITORING / name).read_text()
        for port, own in ((7700, self.belay.control), (9093, self.alertmanager_port)):
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{own}")
        for slow in ("scrape_interval: 15s", "evaluation_interval: 15s", "group_interval: 10s"):
            text = text.replace(slow, f"{slow.split(':')[0]}: 1s")
        # Quicker than anybody would want it: the test is about the way, not about the rates.
        text = text.replace("[2m]", "[10s]").replace("for: 1m", "for: 0s")
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def start(self, *arguments):
        log = (self.folder / f"{Path(arguments[0]).name}.log").open("wb")
        self.running.append(subprocess.Popen(arguments, stdout=log, stderr=log, cwd=self.folder))

    def stop(self):
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait(20)


class Traffic:
    """Asks one model again and again, from two threads, with rows of the example."""

    def __init__(self, belay, model):
        self.belay, self.model, self.on = belay, model, True
        self.rows = json.loads((EXAMPLE / "data.json").read_text())["rows"]
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True) for i in range(2)]
        for thread in self.threads:
            thread.start()

    def run(self, start):
        index = start
        while self.on:
            row = self.rows[index % len(self.rows)]
            index += 2
            tensor = {"name": "input", "datatype": "FP32", "shape": [1, 30], "data": row}
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.belay.inference}/v2/models/{self.model}/infer",
                json.dumps({"inputs": [tensor]}).encode(),
                {"Content-Type": "application/json"},
            )
            try:
                urllib.request.urlopen(request, timeout=10).read()
            except OSError:
                pass
            time.sleep(0.005)

    def stop(self):
        self.on = False
        for thread in self.threads:
            thread.join()


def policy(receiver, alertmanager):
    return {
        "rollback": {"good_after": "0s", "standby": "ignore"},
        "notify": [
            {"via": "webhook", "url": f"http://127.0.0.1:{receiver.port}/belay", "private": True,
             "secret": "env:BELAY_TEST_SECRET"},
            {"via": "alertmanager", "url": f"http://127.0.0.1:{alertmanager}", "private": True,
             "events": ["rollback.automatic"]},
        ],
    }  # fmt: skip


def told(receiver):
    try:
        from standardwebhooks import Webhook
    except ImportError:
        return check("webhooks are verified by standardwebhooks", None, "it is not installed")
    try:
        for headers, body in receiver.got:
            Webhook(SECRET).verify(body, {name.lower(): value for name, value in headers.items()})
        check("webhooks are verified by standardwebhooks", True)
    except Exception as problem:  # noqa: BLE001  whatever it dislikes
        check("webhooks are verified by standardwebhooks", False, problem)
    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    check("no notice came twice, though some were refused at first", len(ids) == len(set(ids)))
    came = receiver.refused > 0 and "release.started" in receiver.types()
    check("what was refused at first came later", came)


def parsed(belay):
    with urllib.request.urlopen(f"http://127.0.0.1:{belay.control}/metrics") as answer:
        text = answer.read().decode()
    try:
        from prometheus_client.parser import text_string_to_metric_families
    except ImportError:
        return check("/metrics is read by prometheus_client", None, "it is not installed")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    # Its parser calls counters by their names without _total.
    wanted = """build_info requests request_duration_seconds live_info traffic_ratio release_state releases
        guard_state rollbacks labels webhook_deliveries audit_entries fallback_hops standby_ready""".split()
    missing = [name for name in wanted if f"belay_{name}" not in families]
    # Nobody sends labels here, and guards are shown while a release runs.
    check("/metrics is read by prometheus_client", set(missing) <= {"labels", "guard_state"}, missing)
    open_metrics(belay, families)
    untold = [n for n, family in families.items() if not family.documentation or family.type == "unknown"]
    check("every metric has a help and a type", not untold, untold)


def open_metrics(belay, families):
    """The same figures in the other format, by the other parser."""
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    wanted = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    request = urllib.request.Request(f"http://127.0.0.1:{belay.control}/metrics", headers={"Accept": wanted})
    with urllib.request.urlopen(request) as answer:
        kind, text = answer.headers["Content-Type"], answer.read().decode()
    try:
        same = {family.name for family in text_string_to_metric_families(text)}
        check("OpenMetrics is read by prometheus_client", "openmetrics" in kind, kind)
        # Of notices there are some at one moment and none at the next; what is read from the log comes later.
        others = (same ^ set(families)) - {"belay_webhook_undelivered", "belay_label_coverage_ratio"}
        check("both formats have the same families", not others, others)
    except ValueError as problem:
        check("OpenMetrics is read by prometheus_client", False, problem)


def queries():
    """Every query of the dashboard, as Grafana would send it."""
    board = json.loads((MONITORING / "grafana" / "belay.json").read_text())
    found = [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel["targets"]]
    found += [(mark["name"], mark["expr"]) for mark in board["annotations"]["list"]]
    return [(title, expr.replace("$__rate_interval", "10s").replace("$model", ".*")) for title, expr in found]


# Nothing of this happens in the run.
SILENT = {
    "Shadows: differing copies", "Labels", "Rollback to receipt, p99", "Rollbacks", "Notices", "Errors",
    "Fallback hops",
}  # fmt: skip


def scraped(url):
    wait_for("Prometheus scrapes Belay", lambda: any(
        target["health"] == "up" for target in ask(url, "/api/v1/targets")["data"]["activeTargets"]
    ))  # fmt: skip
    check("Prometheus scrapes Belay", True)
    rules = [rule for group in ask(url, "/api/v1/rules")["data"]["groups"] for rule in group["rules"]]
    wait_for("every rule is evaluated", lambda: all(
        rule["health"] != "unknown"
        for group in ask(url, "/api/v1/rules")["data"]["groups"] for rule in group["rules"]
    ))  # fmt: skip
    bad = [rule["name"] for rule in rules if rule["health"] == "err"]
    check(f"all {len(rules)} rules are evaluated", not bad, bad)
    wrong, empty = [], []

    def asked():
        wrong.clear()
        empty.clear()
        for title, expr in queries():
            try:
                found = ask(url, "/api/v1/query", query=expr)["data"]["result"]
            except urllib.error.HTTPError as problem:
                wrong.append((title, problem.read()))
                continue
            if not found and title not in SILENT:
                empty.append(title)
        return not wrong and not empty

    # Rates need two scrapes.
    with contextlib.suppress(TimeoutError):
        wait_for("every query finds something", asked)
    check(f"all {len(queries())} queries of the dashboard are understood", not wrong, wrong)
    check("those that should find something do", not empty, empty)


def checked(programs):
    promtool, amtool = programs.find("promtool"), programs.find("amtool")
    for name, command in (
        ("promtool check rules", [promtool, "check", "rules", str(MONITORING / "belay.rules.yaml")]),
        ("promtool check config", [promtool, "check", "config", str(MONITORING / "prometheus.yml")]),
        ("amtool check-config", [amtool, "check-config", str(MONITORING / "alertmanager.yml")]),
    ):
        if command[0] is None:
            check(name, None, "it is not installed")
            continue
        result = subprocess.run(command, capture_output=True, text=True)
        check(name, result.returncode == 0, result.stdout + result.stderr)
    if promtool:
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{programs.belay.control}/metrics").read()
        result = subprocess.run([promtool, "check", "metrics"], input=metrics, capture_output=True)
        # It would rather have `belay_build_info` and such without values; what it calls an error ends with 1.
        check("promtool check metrics", result.returncode in (0, 3), result.stderr.decode())


def phase(belay, release):
    return belay.call("GET", f"/v1/releases/{release}")["phase"]


def run(belay, programs, receiver):
    good, bad = ((EXAMPLE / name).read_bytes() for name in ("v2.onnx", "v4.onnx"))
    rules = policy(receiver, programs.alertmanager_port)
    belay.serve("cancer", belay.register("cancer", good), **rules)
    alertmanager = programs.find("prometheus-alertmanager", "alertmanager")
    if alertmanager:
        programs.start(
            alertmanager, f"--config.file={programs.written('alertmanager.yml')}",
            f"--web.listen-address=127.0.0.1:{programs.alertmanager_port}", "--cluster.listen-address=",
            f"--storage.path={programs.folder}/am",
        )  # fmt: skip
    prometheus = programs.find("prometheus")
    if prometheus:
        programs.written("belay.rules.yaml")
        programs.start(
            prometheus, f"--config.file={programs.written('prometheus.yml')}",
            f"--web.listen-address=127.0.0.1:{programs.prometheus_port}",
            f"--storage.tsdb.path={programs.folder}/tsdb",
        )  # fmt: skip
    traffic = Traffic(belay, "cancer")
    try:
        steps = {"steps": [{"canary": "50%", "for": "10m", "min_samples": 20}]}
        guards = [{"metric": "error_rate", "max_rise": "0.5%", "then": "rollback"}]
        id = belay.release("cancer", belay.register("cancer", bad), steps, guards=guards, **rules)["id"]
        wait_until("a guard rolls it back", lambda: phase(belay, id) == "rolled_back", 120, 0.1)
        check("a guard rolls a bad release back", True)
        wait_until("the webhook hears of it", lambda: "rollback.confirmed" in receiver.types(), 60, 0.1)
        check("the webhook hears of it", "rollback.automatic" in receiver.types())
        told(receiver)
        parsed(belay)
        checked(programs)
        watched(belay, programs, prometheus, alertmanager)
    finally:
        traffic.stop()


def watched(belay, programs, prometheus, alertmanager):
    if alertmanager:
        url = f"http://127.0.0.1:{programs.alertmanager_port}"
        names = lambda: {a["labels"]["alertname"] for a in ask(url, "/api/v2/alerts")}  # noqa: E731
        wait_for("Alertmanager is told by Belay", lambda: "BelayRollbackAutomatic" in names())
        check("Alertmanager is told by Belay", True)
    else:
        check("Alertmanager is told by Belay", None, "it is not installed")
    if not prometheus:
        return check("Prometheus scrapes Belay", None, "it is not installed")
    queried(belay)
    pulled(belay, programs, bool(alertmanager))


# Belay's own figure of each version, by way of Prometheus: requests a second.
RATE = 'sum(rate(belay_requests_total{model="{{model}}",version="{{version}}"}[10s]))'


def queried(belay):
    """Guards on a query ask the real Prometheus: one finds nothing and is blind, one finds too much."""
    steps = {"steps": [{"canary": "50%", "for": "5s", "min_samples": 1}]}
    fails = {"good_after": "0s", "standby": "ignore"}
    data = (EXAMPLE / "v3.onnx").read_bytes()
    for name, query, is_blind in (("blind", RATE.replace("belay_", "balay_"), True), ("acts", RATE, False)):
        number = belay.register("cancer", data + b"\x32" + bytes([len(name)]) + name.encode())
        guard = {"metric": "query", "query": query, "max": 0.001, "min_samples": 1, "then": "rollback"}
        id = belay.release("cancer", number, steps, guards=[guard], rollback=fails)["id"]
        if is_blind:
            what = "a query that finds no series blinds its guard, which says so"
            said = lambda: belay.call("GET", f"/v1/releases/{id}/why")["remarks"]  # noqa: E731
            wait_until(what, lambda: any("the query finds no series" in each for each in said()), 60, 0.5)
            check(what, phase(belay, id) == "canary", said())
            belay.rollback("cancer")
        else:
            what = "a guard on a query of the real Prometheus rolls back"
            wait_until(what, lambda: phase(belay, id) == "rolled_back", 90, 0.5)
            cause = belay.call("GET", f"/v1/releases/{id}")["cause"]
            check(what, cause == "guard:query", cause)


# A monitor that dislikes every candidate, whatever it does.
ROPE = """groups:
  - name: test
    rules:
      - alert: CandidateMeetsCallers
        expr: belay_release_state{state="canary"} == 1
        labels:
          belay_model: "{{ $labels.model }}"
          belay_env: "{{ $labels.env }}"
          belay_action: rollback
        annotations: {summary: a candidate meets callers}
"""


def pulled(belay, programs, has_alertmanager):
    """A version that no guard objects to is watched, and then taken out by an alert."""
    number = belay.register("cancer", (EXAMPLE / "v3.onnx").read_bytes())
    steps = {"steps": [{"canary": "50%", "for": "10m"}]}
    fails = {"good_after": "0s", "standby": "ignore"}
    id = belay.release("cancer", number, steps, rollback=fails)["id"]
    wait_until("the release begins", lambda: phase(belay, id) == "canary", 60, 0.1)
    scraped(f"http://127.0.0.1:{programs.prometheus_port}")
    what = "an alert of Prometheus takes a version out by way of Alertmanager"
    if not has_alertmanager:
        return check(what, None, "Alertmanager is not installed")
    (programs.folder / "belay.rules.yaml").write_text(ROPE)
    programs.running[-1].send_signal(signal.SIGHUP)
    wait_until(what, lambda: phase(belay, id) == "rolled_back", 90, 0.5)
    entries = belay.call("GET", "/v1/ledger?after=0&limit=1000")["entries"]
    last = [entry for entry in entries if entry["kind"] == "release.rolled_back"][-1]
    check(what, last["actor"] == "alertmanager", last)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--belay", required=True)
    parser.add_argument("--programs", help="a folder with prometheus, promtool, amtool and alertmanager")
    arguments = parser.parse_args()
    name_runtime()
    os.environ["BELAY_TEST_SECRET"] = SECRET
    with tempfile.TemporaryDirectory() as folder:
        belay, receiver = Belay(arguments.belay, Path(folder) / "data"), Receiver(refuse=1)
        programs = Programs(folder, arguments.programs, belay)
        try:
            belay.start()
            run(belay, programs, receiver)
        except (TimeoutError, RuntimeError) as problem:
            check(str(problem), False, belay.log.read_text()[-500:])
            for log in sorted(Path(folder).glob("*prom*.log")):
                print(f"{log.name}: {log.read_text()[-500:]}")
        finally:
            programs.stop()
            belay.stop()
    failures = sum(word == "FAIL" for _, word in RESULTS)
    print(f"{sum(word == 'pass' for _, word in RESULTS)} passed, {failures} failed, "
          f"{sum(word == 'left out' for _, word in RESULTS)} left out")  # fmt: skip
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
