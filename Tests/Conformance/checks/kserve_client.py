"""KServe's own REST client, protocol v2."""

import asyncio

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

from . import collector

CHECKS, check = collector()


def run(target, act):
    async def all_of_it():
        client = InferenceRESTClient(RESTConfig(protocol="v2", retries=1, timeout=20))
        return await act(client, f"http://{target.url}")

    return asyncio.run(all_of_it())


def asked(values, binary):
    tensor = InferInput("input", list(values.shape), "FP32")
    tensor.set_data_from_numpy(values, binary_data=binary)
    return InferRequest(model_name="cancer", infer_inputs=[tensor], request_id="k-1")


def infers(target, binary):
    values = np.array(target.rows, np.float32)
    answer = run(target, lambda client, url: client.infer(url, asked(values, binary), model_name="cancer"))
    assert answer.id == "k-1", answer.id
    outputs = {output.name: output.as_numpy() for output in answer.outputs}
    assert outputs["label"].shape == (8,) and outputs["probabilities"].shape == (8, 2), outputs


@check("server live and ready, model ready")
def health(target):
    async def act(client, url):
        assert await client.is_server_live(url) and await client.is_server_ready(url)
        assert await client.is_model_ready(url, "cancer")

    run(target, act)


@check("infer in JSON")
def plain(target):
    infers(target, binary=False)


@check("infer with binary tensors")
def binary(target):
    infers(target, binary=True)
