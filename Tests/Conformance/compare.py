"""The same raw requests to Belay and to Triton: what differs, and whether that is meant.

    python Tests/Conformance/compare.py --belay .build/release/belay            # against the kept answers
    python Tests/Conformance/compare.py --capture 127.0.0.1:8999                # asks a running Triton anew

`triton.json` keeps Triton's answers with its version (see `triton_server.py`). Standard library only. Ends
with 1 when a difference is not in `MEANT`.
"""

import argparse
import gzip
import http.client
import json
import struct
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "Benchmarks"))
from run import MODELS, started  # noqa: E402
from server import name_runtime  # noqa: E402

KEPT = Path(__file__).parent / "triton.json"

# Where Belay answers otherwise on purpose, and why.
MEANT = {
    "GET /v2": "another server with other extensions",
    "model metadata": "platform: Belay runs ONNX itself",
    "versioned metadata": "platform: Belay runs ONNX itself",
    "model ready": "Belay sends the body that the protocol describes, Triton none",
    "live": "Belay sends the body that the protocol describes, Triton none",
    "ready": "Belay sends the body that the protocol describes, Triton none",
    "unknown model: ready": "404 for what does not exist; Triton says 400",
    "an output twice": "asked for twice is a mistake of the caller; Triton answers it once",
    "an unknown encoding": "415, as HTTP says it; Triton says 501",
    "a version that is no number": "the version may be a label here, so it is an unknown one",
}


def infer(body, model="add", **headers):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return "POST", f"/v2/models/{model}/infer", names, data


def tensor(name="a", data=(1, 2), shape=None, kind="INT64", **rest):
    made = {"name": name, "shape": [len(data)] if shape is None else shape, "datatype": kind, "data": data}
    return {key: value for key, value in {**made, **rest}.items() if value is not None}


def pair(first=None, **rest):
    return {"inputs": [first or tensor(), tensor("b", [10, 20])], **rest}


def binary(first, payload, header=None, **rest):
    text = json.dumps({"inputs": [first, tensor("b", [10, 20])], **rest}).encode()
    length = str(len(text) if header is None else header)
    return infer(text + payload, Inference_Header_Content_Length=length)


TWO = struct.pack("<2q", 1, 2)
ROW = struct.pack("<30f", *range(30))
A = {"name": "a", "shape": [2], "datatype": "INT64", "parameters": {"binary_data_size": 16}}


def cases():
    """(name, (method, path, headers, body))."""
    get = {
        "GET /v2": "/v2", "live": "/v2/health/live", "ready": "/v2/health/ready",
        "model ready": "/v2/models/add/ready", "unknown model: ready": "/v2/models/nope/ready",
        "model metadata": "/v2/models/add", "unknown model: metadata": "/v2/models/nope",
        "versioned metadata": "/v2/models/add/versions/1", "unknown version": "/v2/models/add/versions/9",
"a version that is no number": "/v2/models/add/versions/x", "unknown path": "/v2/nothing",
        "infer with GET": "/v2/models/add/infer",
    }  # fmt: skip
    for name, path in get.items():
        yield name, ("GET", path, {}, None)
    yield "metadata with POST", ("POST", "/v2/models/add", {}, b"{}")
    posts = {
        "JSON": infer(pair()),
        "an id": infer(pair(id="r-1")),
        "nested data": infer(pair(tensor(data=[[1], [2]], shape=[2]))),
        "parameters": infer(pair(parameters={"user": "u", "n": 1, "x": 1.5, "b": True})),
        "one output asked for": infer(pair(outputs=[{"name": "sum"}])),
        "gzip": infer(gzip.compress(json.dumps(pair()).encode()), Content_Encoding="gzip"),
        "binary in": binary(A, TWO),
        "binary in and out": binary(A, TWO, parameters={"binary_data_output": True}),
        "binary out for one output": infer(pair(
            outputs=[{"name": "sum", "parameters": {"binary_data": True}}])),
        "binary out, but not this one": infer(pair(
            outputs=[{"name": "sum", "parameters": {"binary_data": False}}],
            parameters={"binary_data_output": True})),
        "raw binary": infer(ROW, "cancer", Inference_Header_Content_Length="0"),
        "strings": infer({"inputs": [tensor("text", ["a", "ü"], kind="BYTES")]}, "echo"),
        "strings in binary": _strings(),
        "unknown model": infer(pair(), "nope"),
        "no body": infer(b""),
        "cut JSON": infer(b'{"inputs":['),
        "an array": infer(b"[]"),
        "no inputs": infer({}),
        "an empty list of inputs": infer({"inputs": []}),
        "inputs is an object": infer({"inputs": {}}),
        "one input missing": infer({"inputs": [tensor()]}),
        "an unknown input": infer({"inputs": [tensor(), tensor("b"), tensor("c")]}),
        "an input twice": infer({"inputs": [tensor(), tensor()]}),
        "no name": infer(pair(tensor(name=None))),
        "no shape": infer(pair({"name": "a", "datatype": "INT64", "data": [1, 2]})),
        "no datatype": infer(pair(tensor(kind=None))),
        "no data": infer(pair({"name": "a", "shape": [2], "datatype": "INT64"})),
        "an unknown datatype": infer(pair(tensor(kind="INT65"))),
        "another datatype": infer(pair(tensor(kind="INT32"))),
        "too few elements": infer(pair(tensor(data=[1], shape=[2]))),
        "too many elements": infer(pair(tensor(data=[1, 2, 3], shape=[2]))),
        "a negative dimension": infer(pair(tensor(shape=[-1]))),
        "dimensions that overflow": infer(pair(tensor(shape=[2**62, 4]))),
        "a rank too many": infer(pair(tensor(shape=[1, 2]))),
        "a float for an integer": infer(pair(tensor(data=[1.5, 2]))),
        "a string for an integer": infer(pair(tensor(data=["1", "2"]))),
        "a number out of range": infer(pair(tensor(data=[2**64, 2]))),
        "null in data": infer(pair(tensor(data=[None, 1]))),
        "an unknown output": infer(pair(outputs=[{"name": "nope"}])),
        "an output twice": infer(pair(outputs=[{"name": "sum"}, {"name": "sum"}])),
        "parameters is an array": infer(pair(parameters=[])),
        "a parameter that is an object": infer(pair(parameters={"x": {}})),
        "deep nesting": infer(b'{"inputs":' + b"[" * 5000 + b"]" * 5000 + b"}"),
        "both data and binary": binary({**A, "data": [1, 2]}, TWO),
        "binary size without header": infer(pair(A)),
        "bytes missing": binary(A, TWO[:8]),
        "bytes left over": binary(A, TWO + b"\0"),
        "size is not shape": binary({**A, "shape": [3]}, TWO),
        "header longer than the body": binary(A, TWO, header=100_000),
        "header negative": binary(A, TWO, header=-1),
        "header no number": binary(A, TWO, header="x"),
        "an unknown encoding": infer(pair(), Content_Encoding="br"),
    }  # fmt: skip
    yield from posts.items()


def _strings():
    payload = b"".join(struct.pack("<I", len(text)) + text for text in (b"a", "ü".encode()))
    size = {"binary_data_size": len(payload)}
    first = {"name": "text", "shape": [2], "datatype": "BYTES", "parameters": size}
    text = json.dumps({"inputs": [first], "parameters": {"binary_data_output": True}}).encode()
    return infer(text + payload, "echo", Inference_Header_Content_Length=str(len(text)))


def ask(url, request):
    method, path, headers, body = request
    line = http.client.HTTPConnection(url, timeout=30)
    line.request(method, path, body, headers)
    answer = line.getresponse()
    data = answer.read()
    header = answer.getheader("Inference-Header-Content-Length")
    length = int(header) if header else len(data)
    try:
        content = json.loads(data[:length]) if length else None
    except ValueError:
        content = data.decode("latin-1")
    return {
        "status": answer.status, "type": answer.getheader("Content-Type"), "header": header is not None,
        "json": content, "binary": data[length:].hex(),
    }  # fmt: skip


def differences(theirs, ours):
    """What a client could notice, as sentences; the words of an error are each server's own."""
    for key in ("status", "header", "binary"):
        # A fault in the caller's JSON is no failure of the server: 400, where Triton says 500.
        if theirs[key] != ours[key] and (key, theirs[key], ours[key]) != ("status", 500, 400):
            yield f"{key}: {theirs[key]} there, {ours[key]} here"
    if theirs["status"] >= 400:
        if not (isinstance(ours["json"], dict) and isinstance(ours["json"].get("error"), str)):
            yield f"no error in the protocol's shape: {ours['json']}"
    elif theirs["json"] != ours["json"]:
        yield f"{json.dumps(theirs['json'])[:300]} there, {json.dumps(ours['json'])[:300]} here"


def compare(url):
    kept, unmeant = json.loads(KEPT.read_text()), 0
    print(f"compared with Triton {kept['version']}")
    for name, request in cases():
        found = list(differences(kept["answers"][name], ask(url, request)))
        if not found:
            continue
        if name in MEANT:
            print(f"  meant   {name}: {MEANT[name]}")
            continue
        unmeant += 1
        print(f"  DIFFERS {name}: {'; '.join(found)}"[:420])
    print(f"{sum(1 for _ in cases())} requests, {unmeant} differences that are not meant")
    return unmeant


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--belay", default=str(Path(__file__).parent.parent.parent / ".build/release/belay"))
    parser.add_argument("--capture", metavar="HOST:PORT", help="keep the answers of this Triton")
    options = parser.parse_args()
    if options.capture:
        answers = {name: ask(options.capture, request) for name, request in cases()}
        kept = {"version": answers["GET /v2"]["json"]["version"], "answers": answers}
        KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
        return
    name_runtime()
    with tempfile.TemporaryDirectory(prefix="belay-compare-") as folder:
        server = started(options.belay, folder, MODELS)
        try:
            sys.exit(compare(f"127.0.0.1:{server.inference}") > 0)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
