"""MLflow's scoring client, and the other bodies its scoring server takes; `target.alone` serves one model."""

import json
import urllib.error
import urllib.request

import numpy as np
import pandas as pd

from . import collector

CHECKS, check = collector()


def ask(target, path, body=None, kind="application/json"):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": kind} if data else {}
    request = urllib.request.Request(f"http://{target.alone}{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def predicted(target, body, kind="application/json"):
    status, answer = ask(target, "/invocations", body, kind)
    assert status == 200, f"{status} {answer[:200]!r}"
    predictions = json.loads(answer)["predictions"]
    assert len(predictions["label"]) == 8, predictions
    assert np.array(predictions["probabilities"]).shape == (8, 2), predictions
    return predictions


def frame(target):
    return pd.DataFrame(target.rows, columns=[f"c{number}" for number in range(30)])


@check("GET /ping, /health, /version")
def ping(target):
    for path in ("/ping", "/health", "/version"):
        status, body = ask(target, path)
        assert status == 200, f"{path}: {status} {body[:100]!r}"


@check("ScoringServerClient.invoke with a data frame")
def client(target):
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    host, port = target.alone.split(":")
    made = ScoringServerClient(host, port)
    made.ping()
    assert made.get_version()
    predictions = made.invoke(frame(target))["predictions"]
    assert len(predictions["label"]) == 8


@check("dataframe_split")
def split(target):
    predicted(target, {"dataframe_split": json.loads(frame(target).to_json(orient="split"))})


@check("dataframe_records")
def records(target):
    predicted(target, {"dataframe_records": json.loads(frame(target).to_json(orient="records"))})


@check("instances")
def instances(target):
    predicted(target, {"instances": target.rows})


@check("inputs, by name and without")
def inputs(target):
    predicted(target, {"inputs": {"input": target.rows}})
    predicted(target, {"inputs": target.rows})


@check("text/csv")
def csv(target):
    predicted(target, frame(target).to_csv(index=False).encode(), "text/csv")


@check("faults: 400 with error_code, 415 for another type")
def faults(target):
    for body in (b"{", {"instances": target.rows, "inputs": target.rows}, {"nothing": 1}, []):
        status, answer = ask(target, "/invocations", body)
        assert status == 400, f"{body!r:.40}: {status} {answer[:100]!r}"
        assert json.loads(answer).get("error_code"), answer
    status, answer = ask(target, "/invocations", b"x", "application/x-unknown")
    assert status == 415, f"{status} {answer[:100]!r}"
