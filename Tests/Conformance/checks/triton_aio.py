"""tritonclient.http.aio, on aiohttp."""

import asyncio

import numpy as np
import tritonclient.http.aio as aio
from tritonclient.utils import InferenceServerException

from . import collector
from .triton_sync import given, numbers

CHECKS, check = collector()


def run(target, act):
    async def all_of_it():
        async with aio.InferenceServerClient(target.url) as made:
            return await act(made)

    return asyncio.run(all_of_it())


@check("health and metadata (simple_http_aio_infer_client)")
def health(target):
    async def act(made):
        assert await made.is_server_live() and await made.is_server_ready()
        assert await made.is_model_ready("add")
        assert (await made.get_model_metadata("add"))["versions"] == ["1"]
        assert "binary_tensor_data" in (await made.get_server_metadata())["extensions"]

    run(target, act)


@check("infer with default arguments")
def defaults(target):
    inputs, total = numbers()
    result = run(target, lambda made: made.infer("add", inputs))
    np.testing.assert_array_equal(result.as_numpy("sum"), total)


@check("many requests at once")
def together(target):
    inputs, total = numbers()

    async def act(made):
        return await asyncio.gather(*(made.infer("add", inputs) for _ in range(50)))

    for result in run(target, act):
        np.testing.assert_array_equal(result.as_numpy("sum"), total)


@check("compressed both ways")
def compressed(target):
    inputs, total = numbers()

    async def act(made):
        for algorithm in ("gzip", "deflate"):
            words = {
                "request_compression_algorithm": algorithm,
                "response_compression_algorithm": algorithm,
            }
            result = await made.infer("add", inputs, **words)
            np.testing.assert_array_equal(result.as_numpy("sum"), total)

    run(target, act)


@check("strings")
def strings(target):
    values = np.array(["a", "ü"], dtype=np.object_)
    result = run(target, lambda made: made.infer("echo", [given("text", values, "BYTES")]))
    assert list(result.as_numpy("echo")) == [b"a", "ü".encode()]


@check("errors arrive as InferenceServerException")
def errors(target):
    async def act(made):
        try:
            await made.infer("nothing-like-it", numbers()[0])
        except InferenceServerException as error:
            assert str(error.status()) == "404", error.status()
        else:
            raise AssertionError("it was not refused")

    run(target, act)
