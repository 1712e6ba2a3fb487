"""tritonclient.http with its default arguments, which mean binary tensors, and its example programs."""

import contextlib

import numpy as np
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

from . import collector

CHECKS, check = collector()

KINDS = {
    "BOOL": np.array([True, False]),
    "INT8": np.array([-128, 127], np.int8),
    "INT16": np.array([-32768, 32767], np.int16),
    "INT32": np.array([-(2**31), 2**31 - 1], np.int32),
    "INT64": np.array([-(2**63), 2**63 - 1], np.int64),
    "UINT8": np.array([0, 255], np.uint8),
    "UINT16": np.array([0, 65535], np.uint16),
    "UINT32": np.array([0, 2**32 - 1], np.uint32),
    "UINT64": np.array([0, 2**64 - 1], np.uint64),
    "FP16": np.array([-1.5, 65504], np.float16),
    "FP32": np.array([-1.5, 3.4e38], np.float32),
    "FP64": np.array([-1.5, 1.7e308], np.float64),
}


def given(name, array, kind, binary=True):
    tensor = http.InferInput(name, list(array.shape), kind)
    tensor.set_data_from_numpy(array, binary_data=binary)
    return tensor


def numbers(binary=True):
    a, b = np.arange(16, dtype=np.int64), np.full(16, 3, np.int64)
    return [given("a", a, "INT64", binary), given("b", b, "INT64", binary)], a + b


@contextlib.contextmanager
def client(target, **options):
    with contextlib.closing(http.InferenceServerClient(target.url, **options)) as made:
        yield made


def refused(act, status, *words):
    """The client must get an error it understands, with the status and some words."""
    try:
        act()
    except InferenceServerException as error:
        text = str(error)
        assert str(error.status()) == str(status), f"status {error.status()}, not {status}: {text}"
        for word in words:
            assert word in text, f"'{word}' is not in: {text}"
        return
    raise AssertionError("it was not refused")


def infers(target, *, inputs=None, outputs=None, expected=None, **rest):
    standard, total = numbers()
    with client(target) as made:
        result = made.infer("add", inputs or standard, outputs=outputs, **rest)
        np.testing.assert_array_equal(result.as_numpy("sum"), total if expected is None else expected)
        return result


@check("health: live, ready, model ready")
def health(target):
    with client(target) as made:
        assert made.is_server_live() and made.is_server_ready() and made.is_model_ready("add")
        assert made.is_model_ready("add", "1")
        assert not made.is_model_ready("nothing-like-it")


@check("server metadata names its extensions")
def server_metadata(target):
    with client(target) as made:
        metadata = made.get_server_metadata()
    assert metadata["name"] and metadata["version"], metadata
    assert "binary_tensor_data" in metadata["extensions"], metadata


@check("model metadata: versions, inputs, outputs")
def model_metadata(target):
    with client(target) as made:
        metadata = made.get_model_metadata("cancer")
    assert metadata["name"] == "cancer" and metadata["versions"] == ["1"] and metadata["platform"]
    assert metadata["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 30]}], metadata
    assert [output["name"] for output in metadata["outputs"]] == ["label", "probabilities"], metadata


@check("infer with default arguments (simple_http_infer_client)")
def defaults(target):
    infers(target)


@check("infer in JSON (binary_data=False)")
def plain(target):
    inputs, _ = numbers(binary=False)
    infers(target, inputs=inputs, outputs=[http.InferRequestedOutput("sum", binary_data=False)])


@check("binary in, JSON out, and the other way round")
def crosswise(target):
    infers(target, outputs=[http.InferRequestedOutput("sum", binary_data=False)])
    inputs, _ = numbers(binary=False)
    infers(target, inputs=inputs, outputs=[http.InferRequestedOutput("sum", binary_data=True)])


@check("one input binary, one in JSON")
def mixed(target):
    infers(target, inputs=[numbers(True)[0][0], numbers(False)[0][1]])
    infers(target, inputs=[numbers(False)[0][0], numbers(True)[0][1]])


@check("strings (simple_http_string_infer_client), also without UTF-8")
def strings(target):
    values = np.array(["zür", "", "a" * 300, b"\xff\x00\xfe"], dtype=np.object_)
    with client(target) as made:
        result = made.infer("echo", [given("text", values, "BYTES")]).as_numpy("echo")
    expected = [value.encode() if isinstance(value, str) else value for value in values]
    assert list(result) == expected, result


@check("every datatype, both ways")
def kinds(target):
    inputs = [given(f"in_{kind.lower()}", array, kind) for kind, array in KINDS.items()]
    with client(target) as made:
        result = made.infer("types", inputs)
    for kind, array in KINDS.items():
        np.testing.assert_array_equal(result.as_numpy(f"out_{kind.lower()}"), array)
        assert result.get_output(f"out_{kind.lower()}")["datatype"] == kind


@check("some outputs")
def chosen(target):
    values = np.array(target.rows, np.float32)
    with client(target) as made:
        wanted = [http.InferRequestedOutput("probabilities"), http.InferRequestedOutput("label")]
        result = made.infer("cancer", [given("input", values, "FP32")], outputs=wanted)
        # Triton answers in the model's order, others in the request's; clients go by name.
        assert {output["name"] for output in result.get_response()["outputs"]} == {"probabilities", "label"}
        assert result.as_numpy("probabilities").shape == (8, 2) and result.as_numpy("label").shape == (8,)
        one = made.infer("cancer", [given("input", values, "FP32")], outputs=wanted[1:])
        assert one.as_numpy("probabilities") is None


@check("asynchronous requests (simple_http_async_infer_client)")
def asynchronous(target):
    inputs, total = numbers()
    with client(target, concurrency=4) as made:
        for waiting in [made.async_infer("add", inputs) for _ in range(20)]:
            np.testing.assert_array_equal(waiting.get_result().as_numpy("sum"), total)


@check("request bodies in gzip and deflate")
def compressed_requests(target):
    for algorithm in ("gzip", "deflate"):
        infers(target, request_compression_algorithm=algorithm)


@check("answers in gzip and deflate")
def compressed_answers(target):
    for algorithm in ("gzip", "deflate"):
        infers(target, response_compression_algorithm=algorithm)
        infers(target, request_compression_algorithm="gzip", response_compression_algorithm=algorithm)


@check("classification (image_client's class_count)")
def classification(target):
    values = np.array(target.rows, np.float32)
    with client(target) as made:
        wanted = [http.InferRequestedOutput("probabilities", class_count=2)]
        result = made.infer("cancer", [given("input", values, "FP32")], outputs=wanted)
        classes = result.as_numpy("probabilities")
        plain = made.infer("cancer", [given("input", values, "FP32")]).as_numpy("probabilities")
    assert classes.shape == (8, 2), classes.shape
    for row, values in zip(classes, plain, strict=True):
        indices = [int(element.decode().split(":")[1]) for element in row]
        assert indices == list(np.argsort(-values)), (row, values)


@check("the request's id comes back")
def identity(target):
    assert infers(target, request_id="r-17").get_response()["id"] == "r-17"


@check("own parameters and a version are taken")
def parameters(target):
    result = infers(target, parameters={"user": "u1", "depth": 3, "x": True}, model_version="1")
    assert result.get_response()["model_version"] == "1"


@check("the timeout and priority parameters are taken")
def deadline(target):
    infers(target, timeout=5_000_000, priority=1)


@check("errors: unknown model, unknown version")
def unknown(target):
    with client(target) as made:
        refused(lambda: made.infer("nothing-like-it", numbers()[0]), 404, "nothing-like-it")
        refused(lambda: made.infer("add", numbers()[0], model_version="99"), 404, "99")
        refused(lambda: made.get_model_metadata("nothing-like-it"), 404)


@check("errors: shape, type, missing and unknown inputs, unknown output")
def mismatches(target):
    wrong = given("input", np.zeros((1, 29), np.float32), "FP32")
    half = given("a", np.zeros(2, np.int64), "INT64")
    other = [given("a", np.zeros(2, np.float32), "FP32"), given("b", np.zeros(2, np.float32), "FP32")]
    third = [*numbers()[0], given("c", np.zeros(2, np.int64), "INT64")]
    with client(target) as made:
        refused(lambda: made.infer("cancer", [wrong]), 400, "input")
        refused(lambda: made.infer("add", [half]), 400, "b")
        refused(lambda: made.infer("add", other), 400, "a")
        refused(lambda: made.infer("add", third), 400, "c")
        unknown_output = [http.InferRequestedOutput("no-such-output")]
        refused(lambda: made.infer("add", numbers()[0], outputs=unknown_output), 400, "no-such-output")


@check("repository index (simple_http_model_control)")
def index(target):
    with client(target) as made:
        rows = {row["name"]: row for row in made.get_model_repository_index()}
    assert {"add", "echo", "types", "cancer"} <= rows.keys(), rows
    assert rows["add"]["state"] == "READY" and rows["add"]["version"] == "1", rows


@check("load of what serves is fine; unload is done or refused with a reason")
def control(target):
    with client(target) as made:
        made.load_model("add")
        try:
            made.unload_model("add")
        except InferenceServerException as error:
            assert error.status() and len(error.message()) > 20, error
            assert made.is_model_ready("add")
        else:
            made.load_model("add")
    infers(target)


@check("statistics count requests and rows")
def statistics(target):
    values = np.array(target.rows, np.float32)
    with client(target) as made:

        def counts():
            (row,) = made.get_inference_statistics("cancer")["model_stats"]
            success = row["inference_stats"]["success"]
            return row["inference_count"], row["execution_count"], success["count"], success["ns"]

        before = counts()
        made.infer("cancer", [given("input", values, "FP32")])
        after = counts()
        assert made.get_inference_statistics()["model_stats"]
    assert after[0] - before[0] == 8 and after[1] - before[1] == 1, (before, after)
    assert after[2] - before[2] == 1 and after[3] > before[3], (before, after)


@check("many rows: 10 MB in one request")
def large(target):
    values = np.tile(np.array(target.rows, np.float32), (10_000, 1))
    with client(target) as made:
        result = made.infer("cancer", [given("input", values, "FP32")])
    assert result.as_numpy("label").shape == (80_000,)


@check("an empty batch")
def empty(target):
    with client(target) as made:
        result = made.infer("cancer", [given("input", np.zeros((0, 30), np.float32), "FP32")])
    assert result.as_numpy("label").shape == (0,)
