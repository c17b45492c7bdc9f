#!/usr/bin/python3
"""Takes the place of a model server: it reads every byte of the model, and then listens.

POST /v1/models/NAME:predict with the names of files as `instances` answers with their SHA-256, as KServe's protocol v1.
"""
import hashlib
import json
import os
import signal
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# As process 1 of its container it would ignore the signal, and each pod would take 30 s to end.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

folder = "/mnt/models"
# With oci://, the sidecar makes the folder when it runs: KServe sets MODEL_INIT_MODE=async for servers that wait.
while not os.path.isdir(folder):
    time.sleep(0.02)

digests = {}
# The slash, because the folder may be a link.
for where, _, names in os.walk(folder + "/"):
    for name in names:
        path = os.path.join(where, name)
        with open(path, "rb") as file:
            digests[os.path.relpath(path, folder + "/")] = hashlib.file_digest(file, "sha256").hexdigest()


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send({"status": "alive"})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send({"predictions": [digests.get(name) for name in asked["instances"]]})

    def send(self, document):
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("", 8080), Answer).serve_forever()
