"""Serves the models of `run.py` with NVIDIA Triton, for comparison: `nvidia-pytriton` carries its binary.

    python3 -m venv .tools/triton && .tools/triton/bin/pip install nvidia-pytriton==0.7.0 onnxruntime
    .tools/triton/bin/python Tests/Conformance/triton_server.py 8999

The interpreter inside is older than Python 3.11.7's standard library; where it fails with `_recursion_count`,
put `multiprocessing.resource_tracker._resource_tracker._lock = threading._PyRLock()`, with both imports, into
the environment's `sitecustomize.py`.
"""

import sys

import numpy as np
import onnxruntime
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig
from run import MODELS

TYPES = {
    "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16,
    "tensor(bool)": np.bool_, "tensor(string)": np.bytes_,
    **{f"tensor({sign}int{bits})": getattr(np, f"{sign}int{bits}")
       for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip


def tensor(port):
    shape = tuple(size if isinstance(size, int) else -1 for size in port.shape)
    return Tensor(name=port.name, dtype=TYPES[port.type], shape=shape)


def bind(triton, name, path):
    session = onnxruntime.InferenceSession(str(path))

    def infer(requests):
        answers = []
        for request in requests:
            inputs = {
                key: np.array([each.decode() for each in value.ravel()], object)
                if value.dtype.kind in "SO" else value
                for key, value in request.data.items()
            }  # fmt: skip
            outputs = session.run(None, inputs)
            names = [port.name for port in session.get_outputs()]
            answers.append({
                key: np.char.encode(value.astype(str)) if value.dtype.kind in "UO" else value
                for key, value in zip(names, outputs, strict=True)
            })  # fmt: skip
        return answers

    triton.bind(
        model_name=name,
        infer_func=infer,
        inputs=[tensor(port) for port in session.get_inputs()],
        outputs=[tensor(port) for port in session.get_outputs()],
        config=ModelConfig(batching=False),
    )


if __name__ == "__main__":
    port = int(sys.argv[1])
    config = TritonConfig(http_port=port, allow_grpc=False, allow_metrics=False, log_verbose=0)
    with Triton(config=config) as served:
        for model_name, model_path in MODELS.items():
            bind(served, model_name, model_path)
        served.serve()
