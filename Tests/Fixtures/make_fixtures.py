"""Builds the models of the tests, and expected.json: what Python's ONNX Runtime answers to each.

Run it with the packages of Examples/breast-cancer/requirements.txt. README.md says what each model is for.
"""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

HERE = Path(__file__).parent
OPERATOR_SETS = {"": 17, "ai.onnx.ml": 3}
FLOAT, DOUBLE, INT32, INT64 = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT32, TensorProto.INT64
BOOL, STRING = TensorProto.BOOL, TensorProto.STRING

# The Open Inference Protocol's name of each type, beside ONNX's and numpy's.
TYPES = {
    "BOOL": (BOOL, np.bool_),
    "INT8": (TensorProto.INT8, np.int8),
    "INT16": (TensorProto.INT16, np.int16),
    "INT32": (INT32, np.int32),
    "INT64": (INT64, np.int64),
    "UINT8": (TensorProto.UINT8, np.uint8),
    "UINT16": (TensorProto.UINT16, np.uint16),
    "UINT32": (TensorProto.UINT32, np.uint32),
    "UINT64": (TensorProto.UINT64, np.uint64),
    "FP16": (TensorProto.FLOAT16, np.float16),
    "FP32": (FLOAT, np.float32),
    "FP64": (DOUBLE, np.float64),
    "BYTES": (STRING, np.object_),
}
OF_RUNTIME = {
    "bool": "BOOL", "string": "BYTES", "float16": "FP16", "float": "FP32", "double": "FP64",
    **{f"{sign}int{bits}": f"{sign.upper()}INT{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip


def value(name, element, shape):
    """Declares an input or output; None in `shape` is a dimension that callers choose."""
    return helper.make_tensor_value_info(name, element, shape)


def constant(name, numbers, dtype):
    return numpy_helper.from_array(np.array(numbers, dtype=dtype), name)


def model(nodes, inputs, outputs, initializers=(), **rest):
    graph = helper.make_graph(nodes, "fixture", inputs, outputs, list(initializers), **rest)
    operator_sets = [helper.make_opsetid(domain, version) for domain, version in OPERATOR_SETS.items()]
    return helper.make_model(graph, opset_imports=operator_sets, ir_version=8, producer_name="belay")


def save(name, built):
    path = HERE / f"{name}.onnx"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(built.SerializeToString(deterministic=True))


# Plain models


def build_constants():
    for number in (1, 2):
        nodes = [helper.make_node("Constant", [], ["y"], value=constant("y", [number], np.float32))]
        save(f"constant-{number}", model(nodes, [value("x", FLOAT, [None])], [value("y", FLOAT, [1])]))


def build_add():
    inputs = [value("a", INT64, [None]), value("b", INT64, [None])]
    nodes = [helper.make_node("Add", ["a", "b"], ["sum"])]
    save("add-int64", model(nodes, inputs, [value("sum", INT64, [None])]))


def build_echo():
    nodes = [helper.make_node("Identity", ["text"], ["echo"])]
    save("string-echo", model(nodes, [value("text", STRING, [None])], [value("echo", STRING, [None])]))


def build_all_types():
    names = {kind: kind.lower() for kind in TYPES if kind != "BYTES"}
    nodes = [helper.make_node("Identity", [f"in_{name}"], [f"out_{name}"]) for name in names.values()]
    inputs = [value(f"in_{name}", TYPES[kind][0], [None]) for kind, name in names.items()]
    outputs = [value(f"out_{name}", TYPES[kind][0], [None]) for kind, name in names.items()]
    save("all-types", model(nodes, inputs, outputs))


def build_several_outputs():
    nodes = [
        helper.make_node("Greater", ["x", "zero"], ["positive"]),
        helper.make_node("Cast", ["x"], ["whole"], to=INT32),
        helper.make_node("Cast", ["x"], ["wide"], to=DOUBLE),
        helper.make_node("Mul", ["wide", "two"], ["doubled"]),
    ]
    elements = {"positive": BOOL, "whole": INT32, "doubled": DOUBLE}
    outputs = [value(name, element, [None]) for name, element in elements.items()]
    initializers = [constant("zero", 0, np.float32), constant("two", 2, np.float64)]
    save("several-outputs", model(nodes, [value("x", FLOAT, [None])], outputs, initializers))


# Models as scikit-learn exports them


def export(trained, inputs, **options):
    exported = to_onnx(trained, initial_types=inputs, target_opset=OPERATOR_SETS, **options)
    # The converter lists the operator sets in the order of a hash table: sorted, the bytes repeat.
    operator_sets = sorted(exported.opset_import, key=lambda each: each.domain)
    del exported.opset_import[:]
    exported.opset_import.extend(operator_sets)
    return exported


def build_mixed():
    cities = ["zür", "bern", "genève"] * 8
    sizes = np.arange(24, dtype=np.float32)
    rows = np.array([[city, size, size % 5] for city, size in zip(cities, sizes)], dtype=object)
    labels = np.where((sizes > 11) ^ (rows[:, 0] == "zür"), "grün", "rot")
    columns = ColumnTransformer([("city", OneHotEncoder(), [0]), ("numbers", "passthrough", [1, 2])])
    trained = make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(rows, labels)
    inputs = [("city", StringTensorType([None, 1])), ("numbers", FloatTensorType([None, 2]))]
    save("mixed", export(trained, inputs, options={"zipmap": False}))


def four_features():
    return np.random.default_rng(7).normal(size=(60, 4)).astype(np.float32)


def build_regressor():
    x = four_features()
    untrained = GradientBoostingRegressor(n_estimators=10, max_depth=2, random_state=7)
    trained = untrained.fit(x, x @ [1, -2, 0.5, 3])
    save("regressor", export(trained, [("input", FloatTensorType([None, 4]))]))


def build_zipmap():
    x = four_features()
    trained = LogisticRegression().fit(x, (x[:, 0] > 0).astype(np.int64))
    save("zipmap", export(trained, [("input", FloatTensorType([None, 4]))]))


# Models that misbehave


def build_nan():
    nodes = [helper.make_node("Sqrt", ["x"], ["y"])]
    save("nan-for-negative", model(nodes, [value("x", FLOAT, [None])], [value("y", FLOAT, [None])]))


def build_failing():
    nodes = [
        helper.make_node("Less", ["x", "zero"], ["negative"]),
        helper.make_node("Cast", ["negative"], ["row"], to=INT64),
        helper.make_node("Gather", ["table_of_one_row", "row"], ["factor"], axis=0),
        helper.make_node("Mul", ["x", "factor"], ["y"]),
    ]
    initializers = [constant("zero", 0, np.float32), constant("table_of_one_row", [1], np.float32)]
    inputs, outputs = [value("x", FLOAT, [None])], [value("y", FLOAT, [None])]
    save("fails-for-negative", model(nodes, inputs, outputs, initializers))


def build_wrong_shape():
    """Declares [-1,2]; a negative number in the input makes it three columns, which only a run can tell."""
    nodes = [
        helper.make_node("ReduceMin", ["x"], ["lowest"], keepdims=0),
        helper.make_node("Less", ["lowest", "zero"], ["negative"]),
        helper.make_node("Cast", ["negative"], ["extra"], to=INT64),
        helper.make_node("Add", ["two_columns", "extra"], ["end"]),
        helper.make_node("Slice", ["x", "start", "end", "axis"], ["y"]),
    ]
    numbers = {"two_columns": [2], "start": [0], "axis": [1]}
    initializers = [constant(name, numbers[name], np.int64) for name in numbers]
    initializers.append(constant("zero", 0, np.float32))
    inputs, outputs = [value("x", FLOAT, [None, 4])], [value("y", FLOAT, [None, 2])]
    save("wrong-shape", model(nodes, inputs, outputs, initializers))


def build_slow():
    """Multiplies a matrix of 128 × 128 by itself `n` times; it stays the identity, so `y` is always 1."""
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["before", "before"], ["after"]),
            helper.make_node("Identity", ["condition"], ["go_on"]),
        ],
        "multiply",
        [value("iteration", INT64, []), value("condition", BOOL, []), value("before", FLOAT, [128, 128])],
        [value("go_on", BOOL, []), value("after", FLOAT, [128, 128])],
    )
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("EyeLike", ["zeros"], ["identity"], dtype=FLOAT),
        helper.make_node("Loop", ["n", "", "identity"], ["product"], body=body),
        helper.make_node("ReduceMax", ["product"], ["largest"], keepdims=0),
        helper.make_node("Reshape", ["largest", "one"], ["y"]),
    ]
    initializers = [constant("shape", [128, 128], np.int64), constant("one", [1], np.int64)]
    save("slow", model(nodes, [value("n", INT64, [1])], [value("y", FLOAT, [1])], initializers))


# External data: the weights in a file of their own, which may be any file


def elsewhere(name, location, shape=(4,)):
    """Returns a tensor whose floats lie in the file `location`, seen from the model's folder."""
    tensor = TensorProto(name=name, data_type=FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    for key, text in {"location": location, "offset": "0", "length": str(4 * math.prod(shape))}.items():
        tensor.external_data.add(key=key, value=text)
    return tensor


def scaling(weight_nodes=(), initializers=(), **rest):
    """Returns the model y = x · weights, for weights that come from somewhere."""
    nodes = [*weight_nodes, helper.make_node("Mul", ["x", "weights"], ["y"])]
    return model(nodes, [value("x", FLOAT, [None, 4])], [value("y", FLOAT, [None, 4])], initializers, **rest)


def sparse(location):
    indices = constant("at", [0, 1, 2, 3], np.int64)
    return helper.make_sparse_tensor(elsewhere("weights", location), indices, [4])


def build_external():
    save("external-data/model", scaling(initializers=[elsewhere("weights", "weights.bin")]))
    (HERE / "external-data" / "weights.bin").write_bytes(np.array([1, 2, 3, 4], dtype="<f4").tobytes())

    save("external-escape", scaling(initializers=[elsewhere("weights", "../secret.bin")]))
    save("external-absolute", scaling(initializers=[elsewhere("weights", "/etc/passwd")]))
    save("external-sparse-escape", scaling(sparse_initializer=[sparse("../secret.bin")]))

    in_node = helper.make_node("Constant", [], ["weights"], sparse_value=sparse("../secret.bin"))
    save("external-sparse-value", scaling([in_node]))


def build_external_in_subgraph():
    def branch(name, tensor):
        constant_node = helper.make_node("Constant", [], [name], value=tensor)
        return helper.make_graph([constant_node], name, [], [value(name, FLOAT, [4])])

    choice = helper.make_node(
        "If",
        ["yes"],
        ["weights"],
        then_branch=branch("inside", constant("inside", [1, 2, 3, 4], np.float32)),
        else_branch=branch("outside", elsewhere("outside", "../secret.bin")),
    )
    save("external-in-subgraph", scaling([choice], [constant("yes", True, np.bool_)]))


def build_external_in_function():
    body = [helper.make_node("Constant", [], ["w"], value=elsewhere("w", "../secret.bin"))]
    function = helper.make_function("belay", "Weights", [], ["w"], body, [helper.make_opsetid("", 17)])
    built = scaling([helper.make_node("Weights", [], ["weights"], domain="belay")])
    built.functions.append(function)
    built.opset_import.append(helper.make_opsetid("belay", 1))
    save("external-in-function", built)


# What Python's ONNX Runtime says


def tensor(name, kind, numbers, shape=None):
    """Returns a tensor as the Open Inference Protocol's JSON has it, the data flat."""
    array = np.array(numbers, dtype=TYPES[kind][1])
    return {"name": name, "datatype": kind, "shape": list(shape or array.shape), "data": plain(array)}


def plain(array):
    """Returns the elements as JSON has them: floats at their shortest, null for not-a-number."""
    def element(each):
        if isinstance(each, (float, np.floating)):
            return float(str(each)) if math.isfinite(each) else None
        return each if isinstance(each, str) else each.item()

    return [element(each) for each in array.ravel()]


def given(tensors):
    """Returns `tensors` as what the runtime takes."""
    return {
        each["name"]: np.array(each["data"], dtype=TYPES[each["datatype"]][1]).reshape(each["shape"])
        for each in tensors
    }


def cases():
    """Returns, per model, the requests that expected.json answers."""
    x = [tensor("x", "FP32", [0.5, -1.5, 3.25])]
    four = [[0.5, -1, 2, 0.25], [-0.5, 1, -2, 3]]
    positive, negative = [tensor("x", "FP32", [4, 2.25])], [tensor("x", "FP32", [4, -1])]
    features = [[tensor("input", "FP32", four)]]
    scaled = [[tensor("x", "FP32", four)]]
    return {
        "constant-1": [x],
        "constant-2": [x],
        "add-int64": [[tensor("a", "INT64", [1, -2, 2**62]), tensor("b", "INT64", [2, 2, 2**62 - 1])]],
        "string-echo": [[tensor("text", "BYTES", ["zür", "", "日本\n\"quoted\""])]],
        "all-types": [extremes()],
        "several-outputs": [x],
        "mixed": [
            [
                tensor("city", "BYTES", [["zür"], ["bern"], ["genève"]]),
                tensor("numbers", "FP32", [[3, 1], [20, 0], [11.5, 4]]),
            ]
        ],
        "regressor": features,
        "zipmap": [],
        "nan-for-negative": [positive, negative],
        "fails-for-negative": [positive, negative],
        "wrong-shape": [[tensor("x", "FP32", np.abs(four))], scaled[0]],
        "slow": [[tensor("n", "INT64", [3])]],
        "external-data/model": scaled,
        "external-escape": scaled,
        "external-absolute": scaled,
        "external-sparse-escape": scaled,
        "external-sparse-value": scaled,
        "external-in-subgraph": scaled,
        "external-in-function": scaled,
    }


def extremes():
    """Returns for each type the ends of its range and something between."""
    tensors = [tensor("in_bool", "BOOL", [True, False, True])]
    for kind in (kind for kind in TYPES if "INT" in kind):
        ends = np.iinfo(TYPES[kind][1])
        tensors.append(tensor(f"in_{kind.lower()}", kind, [ends.min, 7, ends.max]))
    tensors.append(tensor("in_fp16", "FP16", [65504, -0.1, 6e-08]))
    tensors.append(tensor("in_fp32", "FP32", [3.4028235e38, -0.1, 1e-45]))
    tensors.append(tensor("in_fp64", "FP64", [1.7976931348623157e308, -0.1, 5e-324]))
    return tensors


def declared(arguments):
    """Returns the inputs or outputs as the runtime declares them; no datatype where it is no tensor."""
    described = []
    for each in arguments:
        kind = OF_RUNTIME[each.type[len("tensor("):-1]] if each.type.startswith("tensor(") else None
        shape = [size if isinstance(size, int) else -1 for size in each.shape or []]
        described.append({"name": each.name, "datatype": kind, "shape": shape})
    return described


def ask(name, requests):
    """Returns what expected.json says of one model."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    path, providers = HERE / f"{name}.onnx", ["CPUExecutionProvider"]
    try:
        session = onnxruntime.InferenceSession(path, options, providers=providers)
    except Exception as refusal:
        return {"loads": False, "error": type(refusal).__name__}
    names = [output.name for output in session.get_outputs()]
    answered = []
    for inputs in requests:
        try:
            results = session.run(names, given(inputs))
        except Exception as failure:
            answered.append({"inputs": inputs, "error": type(failure).__name__})
            continue
        outputs = [
            {"name": output, "datatype": datatype(result), "shape": list(result.shape), "data": plain(result)}
            for output, result in zip(names, results)
        ]
        answered.append({"inputs": inputs, "outputs": outputs})
    inputs, outputs = declared(session.get_inputs()), declared(session.get_outputs())
    return {"loads": True, "inputs": inputs, "outputs": outputs, "cases": answered}


def datatype(array):
    return next((kind for kind, (_, dtype) in TYPES.items() if array.dtype == dtype), "BYTES")


def main():
    warnings.simplefilter("ignore")
    for name, build in list(globals().items()):
        if name.startswith("build_"):
            build()
    said = {name: ask(name, requests) for name, requests in cases().items()}
    lines = [f"{json.dumps(name)}: {json.dumps(what, ensure_ascii=False)}" for name, what in said.items()]
    version = json.dumps(onnxruntime.__version__)
    text = f'{{"onnxruntime": {version}, "models": {{\n' + ",\n".join(lines) + "\n}}\n"
    json.loads(text)
    (HERE / "expected.json").write_text(text)
    refused = [name for name, what in said.items() if not what["loads"]]
    print(f"{len(said)} models; ONNX Runtime refuses {', '.join(refused)}")


if __name__ == "__main__":
    main()
