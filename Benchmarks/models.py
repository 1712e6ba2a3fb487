"""Models whose answer names their version, written as ONNX by hand: no package is needed.

`constant(number, size)` takes `x` (FP32, `[-1]`) and answers `y` (FP32, same shape): `number` for every
element of `x` that is a whole number from 0 to 99. A table of about `size` bytes rides along; the graph reads
elements of it by `x`, so the runtime must hold it and cannot fold it away; a run costs the same for any size.
"""

import array

FLOAT, INT64 = 1, 7


def _varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field, number):
    return _varint(field << 3) + _varint(number)


def _bytes(field, value):
    value = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _tensor(name, element, shape, raw):
    dims = b"".join(_number(1, size) for size in shape)
    return dims + _number(2, element) + _bytes(8, name) + _bytes(9, raw)


def _node(operator, inputs, outputs, attributes=b""):
    names = b"".join(_bytes(1, name) for name in inputs) + b"".join(_bytes(2, name) for name in outputs)
    return names + _bytes(4, operator) + attributes


def _port(name, element):
    dimension = _bytes(1, _bytes(2, "n"))
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, element) + _bytes(2, dimension)))


def constant(number, size=1024):
    """The bytes of a model that answers `number`; `size` is about its length."""
    floats = array.array("f", [float(number)]) * max(100, size // 4 - 100)
    nodes = [
        _node("Cast", ["x"], ["index"], _bytes(5, _bytes(1, "to") + _number(3, INT64) + _number(20, 2))),
        _node("Gather", ["table", "index"], ["y"]),
    ]
    return _model(nodes, [_tensor("table", FLOAT, [len(floats)], floats.tobytes())])


def _model(nodes, tables):
    graph = b"".join(_bytes(1, node) for node in nodes) + _bytes(2, "constant")
    graph += b"".join(_bytes(5, table) for table in tables)
    graph += _bytes(11, _port("x", FLOAT)) + _bytes(12, _port("y", FLOAT))
    return _number(1, 8) + _bytes(2, "belay") + _bytes(7, graph) + _bytes(8, _bytes(1, "") + _number(2, 17))


def slow(number, elements=8_000_000):
    """As `constant`, for one row, but first lays out and sums as many numbers: some milliseconds."""
    to = _bytes(5, _bytes(1, "to") + _number(3, INT64) + _number(20, 2))
    keep = _bytes(5, _bytes(1, "keepdims") + _number(3, 1) + _number(20, 2))
    nodes = [
        _node("Cast", ["x"], ["index"], to),
        _node("Gather", ["table", "index"], ["one"]),
        _node("Expand", ["one", "shape"], ["many"]),
        _node("ReduceMax", ["many"], ["y"], keep),
    ]
    table = array.array("f", [float(number)]) * 1000
    shape = array.array("q", [elements])
    return _model(nodes, [
        _tensor("table", FLOAT, [len(table)], table.tobytes()), _tensor("shape", INT64, [1], shape.tobytes()),
    ])  # fmt: skip


def noted(data, note):
    """The same model with other bytes: `note` becomes its description."""
    return data + _bytes(6, str(note))
