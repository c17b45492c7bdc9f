"""Answers a v2 request as a model server would: onnx.py ENGINE FOLDER, the request as JSON on stdin, the answer on stdout.

FOLDER holds version folders, as OpenVINO Model Server and Triton look for them: the highest number wins.
"""

import json
import sys
from pathlib import Path

import numpy as np

engine, folder = sys.argv[1:]
versions = [path for path in Path(folder).iterdir() if path.is_dir() and path.name.isdecimal()]
(model,) = max(versions, key=lambda path: int(path.name)).glob("*.onnx")
types = {"FP32": "float32", "FP64": "float64", "INT64": "int64", "INT32": "int32", "BOOL": "bool"}
kinds = {"float": "float32", "double": "float64", "int64": "int64", "int32": "int32", "bool": "bool"}

request = json.load(sys.stdin)
inputs = {}
for tensor in request["inputs"]:
    inputs[tensor["name"]] = np.array(tensor["data"], dtype=types[tensor["datatype"]]).reshape(tensor["shape"])

if engine == "openvino":
    import openvino

    compiled = openvino.Core().compile_model(str(model), "CPU")
    # Servers convert nothing: names and types have to match the graph's.
    wanted = {port.any_name: port.element_type.to_dtype() for port in compiled.inputs}
    answer = compiled(inputs)
    outputs = {port.any_name: np.array(answer[port], dtype=port.element_type.to_dtype()) for port in compiled.outputs}
else:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    wanted = {port.name: kinds[port.type.removeprefix("tensor(").removesuffix(")")] for port in session.get_inputs()}
    names = [port.name for port in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, inputs), strict=True))

assert {name: value.dtype for name, value in inputs.items()} == wanted, f"the graph wants {wanted}"
words = {dtype: word for word, dtype in types.items()}
print(
    json.dumps(
        {
            "model_name": Path(folder).name,
            "outputs": [
                {"name": name, "shape": value.shape, "datatype": words[str(value.dtype)], "data": value.flatten().tolist()}
                for name, value in outputs.items()
            ],
        }
    )
)
