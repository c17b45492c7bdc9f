"""Trains model.onnx on iris. Running it again gives the same bytes: nothing in it is random."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper
from sklearn.datasets import load_iris

rows, classes = load_iris(return_X_y=True)
# Every tenth row is never shown to the model: the smoke request of ../iris.ts is made of them.
shown = [row for row in range(len(rows)) if row % 10]
rows, classes = rows[shown], classes[shown]

# The nearest class mean, each measure in units of its spread within a class (linear discriminant analysis with a diagonal
# covariance). Not naive Bayes as a polynomial, though that is one product of matrices: its large terms cancel each other,
# and OpenVINO computes in bfloat16 where the CPU can, which took one flower of the smoke request for another.
means = np.array([rows[classes == one].mean(axis=0) for one in range(3)])
spread = np.sqrt(((rows - means[classes]) ** 2).mean(axis=0))


def tensor(name, values, type):
    # Rounded to FP32, so that the last bits of a CPU's own sums do not show.
    return numpy_helper.from_array(np.array(values, dtype=type), name)


# The plain operators of ai.onnx: those of ai.onnx.ml, which skl2onnx writes, OpenVINO does not have.
graph = helper.make_graph(
    [
        helper.make_node("Unsqueeze", ["rows", "one"], ["each"]),
        helper.make_node("Sub", ["each", "means"], ["off"]),
        helper.make_node("Mul", ["off", "scale"], ["spreads"]),
        helper.make_node("Mul", ["spreads", "spreads"], ["squares"]),
        helper.make_node("ReduceSum", ["squares", "two"], ["distances"], keepdims=0),
        helper.make_node("ArgMin", ["distances"], ["predict"], axis=1, keepdims=0),
    ],
    "iris",
    [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n", 4])],
    [helper.make_tensor_value_info("predict", TensorProto.INT64, ["n"])],
    [
        tensor("one", [1], "<i8"),
        tensor("two", [2], "<i8"),
        tensor("means", means, "<f4"),
        tensor("scale", 1 / spread, "<f4"),
    ],
)
opset = helper.make_opsetid("", 13)
model = helper.make_model(graph, opset_imports=[opset], ir_version=8, producer_name="modelcars")
checker.check_model(model, full_check=True)
Path(__file__).with_name("model.onnx").write_bytes(model.SerializeToString(deterministic=True))
