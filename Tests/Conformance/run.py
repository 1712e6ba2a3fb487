"""Real clients against a real server: a table of what works.

    python3 -m venv .tools/clients && .tools/clients/bin/pip install -r Tests/Conformance/requirements.txt
    .tools/clients/bin/python Tests/Conformance/run.py --belay .build/release/belay

Ends with 1 when a check fails. `--url HOST:PORT` asks another server, for instance Triton; its models must be
those of `MODELS`, with the fixtures' bytes. Not part of `make test`: the clients come from PyPI.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "Benchmarks"))
sys.path.insert(0, str(Path(__file__).parent))

from server import Belay, name_runtime  # noqa: E402

FIXTURES = ROOT / "Tests" / "Fixtures"
MODELS = {
    "add": FIXTURES / "add-int64.onnx",
    "echo": FIXTURES / "string-echo.onnx",
    "types": FIXTURES / "all-types.onnx",
    "cancer": ROOT / "Examples" / "breast-cancer" / "v2.onnx",
}


class Target:
    """Where the checks knock: an inference port with all models, and one with `cancer` alone."""

    def __init__(self, url, alone):
        self.url, self.alone = url, alone
        example = json.loads((ROOT / "Examples" / "breast-cancer" / "data.json").read_text())
        self.rows = example["rows"][:8]


def all_checks():
    """(client, name, function) of every check whose client is installed; the others as None."""
    import importlib

    for module in ("triton_sync", "triton_aio", "kserve_client", "mlflow_client"):
        try:
            checks = importlib.import_module(f"checks.{module}").CHECKS
        except ImportError as missing:
            yield module, f"not installed: {missing.name}", None
            continue
        for name, function in checks:
            yield module, name, function


def run(target):
    rows, failures = [], 0
    for client, name, function in all_checks():
        if function is None:
            rows.append((client, name, "left out", ""))
            continue
        try:
            function(target)
            rows.append((client, name, "pass", ""))
        except Exception as problem:  # noqa: BLE001  a check fails in whatever way its client fails
            failures += 1
            why = f"{type(problem).__name__}: {' '.join(str(problem).split())}"
            rows.append((client, name, "FAIL", why[:150]))
    width = max(len(name) for _, name, _, _ in rows)
    for client, name, outcome, why in rows:
        print(f"{client:<14} {name:<{width}}  {outcome:<8} {why}".rstrip())
    print(f"{sum(row[2] == 'pass' for row in rows)} passed, {failures} failed")
    return failures


def started(binary, folder, models):
    server = Belay(binary, Path(folder) / f"data-{len(models)}")
    server.start()
    for model, path in models.items():
        server.serve(model, server.register(model, path.read_bytes()))
    return server


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--belay", default=str(ROOT / ".build" / "release" / "belay"))
    parser.add_argument("--url", help="another server's inference port; nothing is started")
    options = parser.parse_args()
    if options.url:
        sys.exit(run(Target(options.url, options.url)) > 0)
    name_runtime()
    with tempfile.TemporaryDirectory(prefix="belay-conformance-") as folder:
        servers = []
        try:
            for models in (MODELS, {"cancer": MODELS["cancer"]}):
                servers.append(started(options.belay, folder, models))
            ports = [f"127.0.0.1:{server.inference}" for server in servers]
            sys.exit(run(Target(*ports)) > 0)
        finally:
            for server in servers:
                server.stop()


if __name__ == "__main__":
    main()
