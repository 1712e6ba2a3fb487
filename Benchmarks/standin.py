"""A stand-in for Prometheus whose answers a test chooses, good and bad ones."""

import http.server
import json
import re
import threading
import time
import urllib.parse

PLACES = re.compile(r'(model|arm|version)="([^"]*)"')


def vector(*values, age=0.0):
    """What Prometheus answers: one series for each value, evaluated `age` seconds ago."""
    at = round(time.time() - age, 3)
    result = [{"metric": {"instance": str(i)}, "value": [at, str(v)]} for i, v in enumerate(values)]
    return 200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})


def matrix():
    data = {"resultType": "matrix", "result": [{"metric": {}, "values": [[time.time(), "1"]]}]}
    return 200, json.dumps({"status": "success", "data": data})


def refused():
    body = {"status": "error", "errorType": "bad_data", "error": "invalid parameter \"query\": parse error"}
    return 400, json.dumps(body)


class StandIn:
    """Asks `answer(model, arm)`, which gives a status and a text, or seconds to keep the caller waiting."""

    def __init__(self, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("query", [""])[0]
                places = dict(PLACES.findall(query))
                said = answer(places.get("model", ""), places.get("arm", ""))
                if isinstance(said, (int, float)):
                    time.sleep(said)
                    said = vector(0.1)
                status, text = said
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(text.encode())))
                    self.end_headers()
                    self.wfile.write(text.encode())
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
