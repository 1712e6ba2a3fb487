"""Is `docs/openapi.json` what the server does?

    python3 Tests/Conformance/openapi.py --routes                       # against the routes in the sources
    python3 -m venv .tools/schemathesis && .tools/schemathesis/bin/pip install schemathesis
    PATH=$PATH:.tools/schemathesis/bin python3 Tests/Conformance/openapi.py --belay .build/release/belay

`--routes` reads the sources and needs nothing else; it also finds keys that stand twice and references
that lead nowhere. The other form lets schemathesis ask both ports and ends
with 1 when it finds a failure; `--only REGEX` and `--seconds` bound it.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "Benchmarks"))
import models  # noqa: E402
from server import Belay, name_runtime  # noqa: E402

DOCUMENT = ROOT / "docs" / "openapi.json"
ROUTE = re.compile(r'(v1|router)\.(get|put|post|delete|head)\("([^"]+)"')
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "negative_data_rejection"
)
# The same routes for every model: one that exists lets requests get past "unknown model".
SETTINGS = '[parameters]\nmodel = "m"\nversion = "1"\nrelease = "r1"\n'


def routes():
    """(verb, path) of the control API, as the sources register them."""
    for file in sorted((ROOT / "Sources" / "BelayServer").rglob("*.swift")):
        text = file.read_text()
        for _, verb, path in ROUTE.findall(text):
            path = "/" + re.sub(r":(\w+)", r"{\1}", path.strip("/"))
            top = path in ("/livez", "/readyz", "/metrics", "/openapi.json") or path.startswith("/hooks/")
            yield verb, path if top else f"/v1{path}"


def once(pairs):
    """An object whose keys stand once each: of two, JSON readers silently take the second."""
    keys = [key for key, _ in pairs]
    for key in {key for key in keys if keys.count(key) > 1}:
        raise ValueError(f"the key {key!r} stands twice beside {sorted(set(keys))[:5]}")
    return dict(pairs)


def dangling(document, whole):
    """References that lead nowhere."""
    if isinstance(document, dict):
        target = whole if "$ref" in document else None
        for part in document.get("$ref", "#")[2:].split("/") if target else ():
            target = target.get(part, {})
        if target == {}:
            yield document["$ref"]
    if isinstance(document, (dict, list)):
        for part in document.values() if isinstance(document, dict) else document:
            yield from dangling(part, whole)


def compare_routes():
    whole = json.loads(DOCUMENT.read_text(), object_pairs_hook=once)
    lost = sorted(set(dangling(whole, whole)))
    for reference in lost:
        print(f"leads nowhere: {reference}")
    document = whole["paths"]
    written = {
        (verb, path) for path, item in document.items() if "servers" not in item
        for verb in item if verb in ("get", "put", "post", "delete", "head")
    }  # fmt: skip
    found = set(routes())
    for verb, path in sorted(found - written):
        print(f"not in docs/openapi.json: {verb.upper()} {path}")
    for verb, path in sorted(written - found):
        print(f"no route in the sources:  {verb.upper()} {path}")
    return len(found ^ written) + len(lost)


def ask(server, options, folder):
    settings = Path(folder) / "schemathesis.toml"
    settings.write_text(SETTINGS)
    failures = 0
    for port, paths, checks in (
        (server.control, "^/(v1|livez|readyz|metrics|openapi)", CHECKS),
        (server.inference, "^/(v2|ping|health|version|v1/labels$)", CHECKS),
        # Any text is a table, so what it sends for a wrong one (`{}`) is none.
        (server.inference, "^/invocations", CHECKS.replace(",negative_data_rejection", "")),
    ):
        chosen = f"(?={paths})(?=.*(?:{options.only or ''}))"
        words = [
            "schemathesis", "--config-file", settings, "run", DOCUMENT, "--no-color", "--checks", checks,
            "--max-examples", "50", "--max-time", str(options.seconds), "--suppress-health-check", "all",
            "--include-path-regex", chosen, "--url", f"http://127.0.0.1:{port}",
        ]  # fmt: skip
        failures += subprocess.run(words, check=False).returncode != 0
    if server.process.poll() is not None:
        print(f"the server ended with {server.process.returncode}")
        failures += 1
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--routes", action="store_true")
    parser.add_argument("--belay", default=str(ROOT / ".build" / "release" / "belay"))
    parser.add_argument("--only", help="a regular expression of paths")
    parser.add_argument("--seconds", type=int, default=120, help="for each port")
    options = parser.parse_args()
    if options.routes:
        sys.exit(compare_routes() > 0)
    name_runtime()
    with tempfile.TemporaryDirectory(prefix="belay-openapi-") as folder:
        server = Belay(options.belay, Path(folder) / "data")
        try:
            server.start()
            for number in (1, 2):
                server.register("m", models.constant(number))
                server.serve("m", number)
            server.rollback("m")
            sys.exit(ask(server, options, folder) > 0)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
