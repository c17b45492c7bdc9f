"""Writes saved_model.pb: a linear classifier of iris as a TensorFlow SavedModel. Running it again gives the same bytes.

TensorFlow itself would be a gigabyte to install for a file of one kilobyte, so the file is written by the schema of its
protocol buffers (tensorflow/core/protobuf/saved_model.proto, meta_graph.proto; framework/graph.proto, node_def.proto,
attr_value.proto, tensor.proto). The weights are constants of the graph, so there are no variables.
"""

import struct
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris

rows, classes = load_iris(return_X_y=True)
# Every tenth row is never shown to the model: the smoke request of ../iris.ts is made of them.
shown = [row for row in range(len(rows)) if row % 10]
x, y = rows[shown], classes[shown]

# Linear discriminant analysis. Rounded, because the last bits of BLAS differ from CPU to CPU.
means = np.stack([x[y == one].mean(axis=0) for one in range(3)])
spread = sum(np.cov(x[y == one].T) for one in range(3)) / 3
weights = np.linalg.solve(spread, means.T).round(2)
bias = (-0.5 * (means.T * weights).sum(axis=0)).round(2)


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def entry(number: int, key: str, value: bytes) -> bytes:
    return field(number, field(1, key) + field(2, value))


def shape(*sizes: int) -> bytes:
    return b"".join(field(2, field(1, size)) for size in sizes)


DT_FLOAT = 1
as_float = entry(5, "T", field(6, DT_FLOAT))


def node(name: str, op: str, inputs: list[str], *attributes: bytes) -> bytes:
    ports = b"".join(field(3, one) for one in inputs)
    return field(1, field(1, name) + field(2, op) + ports + b"".join(attributes))


def constant(name: str, values: np.ndarray) -> bytes:
    content = struct.pack(f"<{values.size}f", *values.ravel().tolist())
    tensor = field(1, DT_FLOAT) + field(2, shape(*values.shape)) + field(4, content)
    kind = entry(5, "dtype", field(6, DT_FLOAT))
    return node(name, "Const", [], kind, entry(5, "value", field(8, tensor)))


graph = b"".join(
    [
        node("rows", "Placeholder", [], entry(5, "dtype", field(6, DT_FLOAT)), entry(5, "shape", field(7, shape(-1, 4)))),
        constant("weights", weights),
        constant("bias", bias),
        node("product", "MatMul", ["rows", "weights"], as_float),
        node("scores", "BiasAdd", ["product", "bias"], as_float),
        node("predict", "Softmax", ["scores"], as_float),
        field(4, field(1, 808) + field(2, 12)),  # VersionDef: as TensorFlow 2.6, which KServe's runtime has
    ]
)


def tensor_info(name: str, columns: int) -> bytes:
    return field(1, f"{name}:0") + field(2, DT_FLOAT) + field(3, shape(-1, columns))


signature = (
    entry(1, "rows", tensor_info("rows", 4))
    + entry(2, "predict", tensor_info("predict", 3))
    + field(3, "tensorflow/serving/predict")
)
meta = field(4, "serve") + field(5, "2.6.2")
saved = field(1, 1) + field(2, field(1, meta) + field(2, graph) + entry(5, "serving_default", signature))
Path(__file__).with_name("saved_model.pb").write_bytes(saved)
