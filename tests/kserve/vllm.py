#!/usr/bin/python3
"""Takes the place of `vllm serve FOLDER`: the command line and probes of KServe's presets, and what it found in FOLDER.

/v1/models names the model as vLLM does, and beside it lists the folder's files with their SHA-256.
"""
import hashlib
import json
import pathlib
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if sys.argv[1:] == ["--version"]:
    print("0.15.0")
    sys.exit(0)

arguments = sys.argv[1:]
folder = pathlib.Path(arguments[arguments.index("serve") + 1])
json.loads((folder / "config.json").read_text())
files = {
    str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
    for path in sorted(folder.rglob("*"))
    if path.is_file()
}
name = arguments[arguments.index("--served-model-name") + 1]


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"data": [{"id": name}], "files": files, "arguments": arguments}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("", 8000), Answer).serve_forever()
