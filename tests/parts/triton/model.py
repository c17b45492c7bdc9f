"""ONNX Runtime as a Python-based backend of Triton, for the package with Triton's server has only the backend for Python.

It completes a model's configuration as Triton's own backend does (onnxruntime_backend, src/onnxruntime.cc,
`AutoCompleteMaxBatch`): a graph whose inputs and outputs all have an open first dimension takes batches, of at most 4
rows (tritonserver's default of `default-max-batch-size`) unless its config.pbtxt names another limit.
"""

import json
from pathlib import Path

import onnxruntime
import triton_python_backend_utils as triton

types = {
    "tensor(float)": "TYPE_FP32",
    "tensor(double)": "TYPE_FP64",
    "tensor(int32)": "TYPE_INT32",
    "tensor(int64)": "TYPE_INT64",
    "tensor(bool)": "TYPE_BOOL",
    "tensor(string)": "TYPE_STRING",
}


def open_graph(folder, config):
    file = Path(folder) / (config.get("default_model_filename") or "model.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def described(port, batches):
    """Of a batch the rows are left out; a row that is one number is a list of one to those who ask."""
    dims = [size if isinstance(size, int) else -1 for size in port.shape][1 if batches else 0 :]
    shape = {"dims": dims} if dims else {"dims": [1], **({"reshape": {"shape": []}} if batches else {})}
    return {"name": port.name, "data_type": types[port.type], **shape}


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(config):
        # Not add_input and add_output, which know no `reshape`.
        given = config.as_dict()
        session = open_graph(triton.get_model_dir(), given)
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if all(port.shape and not isinstance(port.shape[0], int) for port in [*inputs, *outputs]):
            given["max_batch_size"] = given["max_batch_size"] or 4
            given.setdefault("dynamic_batching", {})
        for key, ports in {"input": inputs, "output": outputs}.items():
            given[key] = given[key] or [described(port, given["max_batch_size"] > 0) for port in ports]
        return config

    def initialize(self, args):
        self.session = open_graph(triton.get_model_dir(), json.loads(args["model_config"]))

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        names = list(request.requested_output_names())
        inputs = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
        outputs = zip(names, self.session.run(names, inputs), strict=True)
        return triton.InferenceResponse([triton.Tensor(name, value) for name, value in outputs])
