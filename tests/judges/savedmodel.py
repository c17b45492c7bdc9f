"""TensorFlow Serving's REST API (its documentation, "RESTful API") before OpenVINO, which reads SavedModels: savedmodel.py
FOLDER NAME PORT. FOLDER holds version folders; the highest number is served. TensorFlow Serving itself is on no index.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import openvino

folder, name, port = sys.argv[1:]
versions = [path for path in Path(folder).iterdir() if path.is_dir() and path.name.isdecimal()]
version = max(versions, key=lambda path: int(path.name))
compiled = openvino.Core().compile_model(str(version), "CPU")
(rows,), (scores,) = compiled.inputs, compiled.outputs
base = f"/v1/models/{name}"


class Handler(BaseHTTPRequestHandler):
    def answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        if self.path != base:
            return self.answer(404, {"error": f"Malformed request: GET {self.path}"})
        status = {"version": version.name, "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        return self.answer(200, {"model_version_status": [status]})

    def do_POST(self) -> None:
        if self.path != f"{base}:predict":
            return self.answer(404, {"error": f"Malformed request: POST {self.path}"})
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            given = np.array(request["instances"], dtype=rows.element_type.to_dtype())
            return self.answer(200, {"predictions": compiled({0: given})[scores].tolist()})
        except (KeyError, ValueError, RuntimeError) as error:
            return self.answer(400, {"error": str(error)})


HTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
