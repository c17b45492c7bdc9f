"""Writes graphs with external weights as exporters lay them out: onnx-folders.py FOLDER writes one folder per source."""

import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save_model

folder = Path(sys.argv[1])


def write(path, **saving):
    """x times 0.5 everywhere, twice: 64 ones become 1024 each."""
    halves = np.full((64, 64), 0.5, dtype="<f4")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "first"], ["mid"]), helper.make_node("MatMul", ["mid", "second"], ["y"])],
        "halves",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 64])],
        [numpy_helper.from_array(halves, "first"), numpy_helper.from_array(halves, "second")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_model(model, path, save_as_external_data=True, size_threshold=0, **saving)
    checker.check_model(str(path), full_check=True)


# As optimum and sentence-transformers have it, beside other files.
write(folder / "optimum/onnx/model.onnx", location="model.onnx_data")
(folder / "optimum/config.json").write_text("{}")
# Any names, several folders deep.
write(folder / "named/export/v2/net.onnx", location="weights.bin")
# A file for each tensor, named after it, as torch.onnx.export did.
write(folder / "tensors/onnx/model.onnx", all_tensors_to_one_file=False)
# At the top, with the weights in a folder.
(folder / "below/data").mkdir(parents=True)
write(folder / "below/model.onnx", location="data/w.bin")
# Several graphs, each with its own weights.
write(folder / "several/onnx/model.onnx", location="model.onnx.data")
write(folder / "several/onnx/model_fp16.onnx", location="model_fp16.onnx.data")
# A version folder of OpenVINO's, and a repository of Triton's.
write(folder / "versioned/1/model.onnx", location="w.bin")
write(folder / "repository/net/1/model.onnx", location="w.bin")
