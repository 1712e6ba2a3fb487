"""Starts servers for the benchmarks and talks to Belay's control API. Python's standard library only."""

import contextlib
import hashlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
INSTANT = {"use": "instant"}


def name_runtime():
    """Sets BELAY_ONNXRUNTIME, unless it is set, to what `Scripts/setup` fetched; returns it or ends."""
    fetched = sorted(HERE.parent.glob(".tools/onnxruntime-*/libonnxruntime.so"))
    library = os.environ.get("BELAY_ONNXRUNTIME") or next(map(str, fetched), None)
    if library is None:
        sys.exit("needs ONNX Runtime: run Scripts/setup, or set BELAY_ONNXRUNTIME")
    os.environ["BELAY_ONNXRUNTIME"] = library
    return library


def free_ports(count):
    """Ports that nobody listens on now.

    Below those that the system gives to clients: while a killed server is down, one that connects again and
    again from the port it connects to would be connected to itself, and hold the port.
    """
    ports = []
    while len(ports) < count:
        port = random.randrange(15_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.append(port)
    return ports


def compiled(name, folder):
    """Compiles `Benchmarks/<Name>/<name>.c` into `folder` and says where the program is."""
    program = Path(folder) / name
    source = HERE / name.capitalize() / f"{name}.c"
    subprocess.run(["cc", "-O2", "-Wall", "-o", program, source, "-ldl"], check=True)
    return program


def wait_until(what, true, seconds=30.0, every=0.002):
    """Waits until `true()` is; raises TimeoutError with `what` when it takes too long."""
    deadline = time.monotonic() + seconds
    while not (result := true()):
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(every)
    return result


def is_open(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def request_bytes(path, body, headers=()):
    """A whole POST as it goes over the wire."""
    head = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class Line:
    """A connection that stays, for requests ready to be sent: `http.client` takes a third of a millisecond
    to write one and to read its answer, which would be counted as the server's."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request):
        """The JSON of the answer; raises RuntimeError unless its status is 200."""
        self.socket.sendall(request)
        answer, body, length = b"", b"", None
        while length is None or len(body) < length:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("the server closed the connection")
            answer += more
            head, _, body = answer.partition(b"\r\n\r\n")
            if length is None and len(head) < len(answer):
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(answer.decode(errors="replace"))
        return json.loads(body)

    def close(self):
        self.socket.close()


def resident(pid):
    """Resident memory in megabytes (10⁶ bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ProcessLookupError(pid)


class Refused(Exception):
    """The control API answered with an error."""

    def __init__(self, status, problem):
        super().__init__(f"{status} {problem}")
        self.status = status
        self.code = problem.get("code", "") if isinstance(problem, dict) else ""


class Belay:
    """One server process with its own data folder. Not for use by several threads: see `line`."""

    def __init__(self, binary, data):
        self.binary, self.data = str(binary), Path(data)
        self.control, self.inference = free_ports(2)
        # Further arguments of `belay serve`.
        self.more = []
        self.process = None
        self.log = self.data.with_suffix(".log")
        self._line = None

    def command(self):
        return [
            self.binary, "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.control}",
            "--inference", f"127.0.0.1:{self.inference}", *self.more,
        ]  # fmt: skip

    def environment(self):
        """What the process has for its environment; None for this one's own."""
        return None

    def start(self, seconds=60.0):
        """Starts the process; returns how many seconds passed until `/readyz` said 200."""
        begun = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, env=self.environment())
        self._line = None
        wait_until(f"{self.binary} is not ready: {self.log}", self._is_ready, seconds)
        return time.monotonic() - begun

    def _is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the server ended with {self.process.returncode}: {self._last_words()}")
        with contextlib.suppress(OSError, http.client.HTTPException):
            line = http.client.HTTPConnection("127.0.0.1", self.control, timeout=5)
            line.request("GET", "/readyz")
            return line.getresponse().status == 200
        return False

    def _last_words(self):
        return self.log.read_text(errors="replace")[-400:].strip()

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    # Control API

    def line(self, timeout=60.0):
        """A connection of its own, for a thread of its own."""
        return http.client.HTTPConnection("127.0.0.1", self.control, timeout=timeout)

    def call(self, method, path, body=None, line=None):
        """The answer's JSON; raises ``Refused``."""
        if line is None:
            line = self._line = self._line or self.line()
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        try:
            line.request(method, path, body)
            answer = line.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException):
            line.close()
            raise
        content = json.loads(data) if data else {}
        if answer.status >= 400:
            raise Refused(answer.status, content)
        return content

    def register(self, model, data, line=None):
        """Registers the bytes as a version and returns its number."""
        digest = hashlib.sha256(data).hexdigest()
        self.call("PUT", f"/v1/artifacts/{digest}", data, line)
        files = [{"path": "model.onnx", "size": len(data), "digest": digest}]
        return self.call("POST", f"/v1/models/{model}/versions", {"files": files}, line)["version"]

    def release(self, model, version, rollout=None, line=None, **policy):
        """Proposes a release; `policy` takes further keys of belay.yaml."""
        policy = {"belay": 1, "model": model, "rollout": rollout or INSTANT, **policy}
        body = {"version": version, "policy": policy}
        return self.call("POST", f"/v1/endpoints/{model}/releases", body, line)

    def endpoint(self, model, line=None):
        return self.call("GET", f"/v1/endpoints/{model}", None, line)

    def serve(self, model, version, line=None, **policy):
        """Releases a version to everybody and waits until it serves and is loaded."""
        self.release(model, version, None, line, **policy)
        self.wait_serving(model, version, line)

    def wait_serving(self, model, version, line=None):
        def serves():
            view = self.endpoint(model, line)
            serving = view["serving"]
            return view["release"] is None and serving and serving["version"] == version and serving["ready"]

        wait_until(f"{model}@{version} does not serve", serves)

    def rollback(self, model, line=None):
        return self.call("POST", f"/v1/endpoints/{model}/rollback", b"", line)

    def clear(self, model, version, line=None):
        body = {"reason": "the next round"}
        return self.call("POST", f"/v1/models/{model}/versions/{version}/clear", body, line)
