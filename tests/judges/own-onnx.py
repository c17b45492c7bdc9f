"""Writes graphs that are not iris: own-onnx.py FOLDER writes NAME/1/model.onnx, and weights beside it."""

import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save_model

folder = Path(sys.argv[1])


def write(name, nodes, inputs, outputs, weights=(), **saving):
    graph = helper.make_graph(nodes, name, inputs, outputs, list(weights))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model, full_check=True)
    path = folder / name / "1" / "model.onnx"
    path.parent.mkdir(parents=True)
    save_model(model, path, **saving)


def value(name, type, shape):
    return helper.make_tensor_value_info(name, type, shape)


def weights(name, *shape):
    return numpy_helper.from_array(np.full(shape, 0.5, dtype="<f4"), name)


write(
    "ten",
    [helper.make_node("MatMul", ["features", "w"], ["scores"])],
    [value("features", TensorProto.FLOAT, ["n", 10])],
    [value("scores", TensorProto.FLOAT, ["n", 3])],
    [weights("w", 10, 3)],
)
# Tokens, as exporters of transformers name them: one symbol in several inputs.
write(
    "tokens",
    [
        helper.make_node("Gather", ["embeddings", "input_ids"], ["vectors"]),
        helper.make_node("Unsqueeze", ["attention_mask", "last"], ["mask"]),
        helper.make_node("Cast", ["mask"], ["weight"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["vectors", "weight"], ["kept"]),
        helper.make_node("ReduceMean", ["kept"], ["pooled"], axes=[1], keepdims=0),
    ],
    [value("input_ids", TensorProto.INT64, ["batch", "sequence"]), value("attention_mask", TensorProto.INT64, ["batch", "sequence"])],
    [value("pooled", TensorProto.FLOAT, ["batch", 4])],
    [weights("embeddings", 2, 4), numpy_helper.from_array(np.array([2], dtype="<i8"), "last")],
)
write(
    "image",
    [helper.make_node("GlobalAveragePool", ["x"], ["pooled"]), helper.make_node("Flatten", ["pooled"], ["y"])],
    [value("x", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
    [value("y", TensorProto.FLOAT, ["batch", 3])],
)
write(
    "external",
    [helper.make_node("MatMul", ["x", "w"], ["y"])],
    [value("x", TensorProto.FLOAT, [1, 64])],
    [value("y", TensorProto.FLOAT, [1, 64])],
    [weights("w", 64, 64)],
    save_as_external_data=True,
    location="model.onnx.data",
)
