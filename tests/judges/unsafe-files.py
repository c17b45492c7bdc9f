"""Writes harmless and hostile model files: unsafe-files.py FOLDER. Nothing is ever loaded, and no payload does anything.

With the libraries of MLServer's image (harmless ones); the hostile ones are made of opcodes (pickletools)."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import sys
import warnings
import zipfile
import zlib
from pathlib import Path

folder = Path(sys.argv[1])
TRUE = "true"  # the shell's command that does nothing


def write(kind, name, data):
    path = folder / kind / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def s(text):
    """A short text (protocol 4)."""
    data = text.encode()
    return b"\x8c" + bytes([len(data)]) + data


def name(module, attribute):
    return s(module) + s(attribute) + b"\x93"


def call(module, attribute, *args):
    return name(module, attribute) + b"(" + b"".join(args) + b"tR"


P4 = b"\x80\x04"
SYSTEM = call("os", "system", s(TRUE))
PLAIN = P4 + SYSTEM + b"."
EMPTY = P4 + b"}."


def zipped(members, compression=zipfile.ZIP_STORED, comment=b""):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for key, data in members:
            archive.writestr(zipfile.ZipInfo(key, (1980, 1, 1, 0, 0, 0)), data, compression)
        archive.comment = comment
    return out.getvalue()


def with_zip(change):
    data = bytearray(zipped([("archive/data.pkl", EMPTY), ("archive/version", b"3\n")]))
    change(data)
    return bytes(data)


def npy(descr, body):
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + body


def wrapper(shape, code="f8", flags=0, *, frame=False):
    """joblib's NumpyArrayWrapper with its state."""
    dtype = call("numpy", "dtype", s(code), b"\x89", b"\x88") + (
        b"(" + b"K\x03" + s("<") + b"NNN" + b"J\xff\xff\xff\xff" * 2 + b"K" + bytes([flags]) + b"tb"
    )
    sizes = b"(" + b"".join(b"J" + struct.pack("<i", one) for one in shape) + b"t"
    state = b"}(" + s("subclass") + name("numpy", "ndarray") + s("shape") + sizes + s("order") + s("C")
    state += s("dtype") + dtype + s("allow_mmap") + b"\x88u"
    return name("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81" + state + b"b"


# --- hostile: what unpickling would run -------------------------------------------------------------------------------
bad = lambda file, data: write("hostile", file, data)
bad("system.pkl", PLAIN)
bad("system-protocol-0.pkl", b"cos\nsystem\n(S'true'\ntR.")
bad("system-protocol-1.pkl", b"cposix\nsystem\n(U\x04trueq\x00tq\x01Rq\x02.")
bad("system-protocol-2.pkl", b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.")
bad("eval.pkl", P4 + call("builtins", "eval", s("1")) + b".")
bad("exec.joblib", P4 + call("builtins", "exec", s("")) + b".")
bad("python-2-names.pkl", b"\x80\x02c__builtin__\neval\nX\x01\x00\x00\x001\x85R.")
bad("getattr.pkl", P4 + call("builtins", "getattr", name("builtins", "object"), s("mro")) + b".")
bad("inst.pkl", b"(S'true'\nios\nsystem\n.")
bad("obj.pkl", P4 + b"(" + name("os", "system") + s(TRUE) + b"o.")
bad("ext.pkl", b"\x80\x02\x82\x01)R.")
bad("newobj-ex.pkl", P4 + name("subprocess", "Popen") + s(TRUE) + b"\x85}\x92.")
bad("build.pkl", P4 + name("collections", "OrderedDict") + b"N}" + s("fromkeys") + name("os", "system") + b"s\x86b.")
bad("persistent-id.pkl", b"P1\n.")
bad("binary-persistent-id.pkl", P4 + b"K\x01Q.")
bad("memo-swap.pkl", P4 + s("os") + b"\x94" + s("system") + b"\x94" + b"00h\x00h\x01\x93" + s(TRUE) + b"\x85R.")
bad("memo-renamed.pkl", P4 + s("collections") + b"q\x05" + s("os") + b"q\x05" + b"00h\x05" + s("system") + b"\x93" + s(TRUE) + b"\x85R.")
bad("dup-name.pkl", P4 + s("code") + b"2\x93.")
bad("nested-name.pkl", P4 + call("collections", "OrderedDict.__init__.__globals__.get", s("a")) + b".")
bad("stack-global-unicode.pkl", P4 + b"Vos\nVsystem\n\x93" + s(TRUE) + b"\x85R.")
bad("stack-global-escape.pkl", P4 + b"S'\\x6fs'\nS'syst\\x65m'\n\x93" + s(TRUE) + b"\x85R.")
bad("stack-global-computed.pkl", P4 + call("builtins", "str", s("os")) + s("system") + b"\x93" + s(TRUE) + b"\x85R.")
# Imports that lists of forbidden names forget.
for module, attribute, *args in [
    ("numpy.testing._private.utils", "runstring", s("1"), b"}"),
    ("numpy", "load", s("x")),
    ("operator", "attrgetter", s("system")),
    ("operator", "methodcaller", s("system")),
    ("functools", "partial", name("os", "system")),
    ("pydoc", "pipepager", s(""), s(TRUE)),
    ("timeit", "timeit", s("1")),
    ("cProfile", "run", s("1")),
    ("importlib", "import_module", s("os")),
    ("torch.hub", "load", s("x"), s("y")),
    ("joblib", "load", s("x")),
    ("pip", "main", b"]"),
    ("idlelib.pyshell", "ModifiedInterpreter"),
    ("scipy.stats._distn_infrastructure", "rv_continuous"),
    ("sklearn.utils.parallel", "Parallel"),
    ("sklearn.pipeline", "clone"),
    ("asyncio.unix_events", "_UnixSubprocessTransport._start"),
    ("ctypes", "CDLL", s("x")),
    ("nt", "system", s(TRUE)),
    ("_io", "open", s("x")),
]:
    bad(f"import-{module}-{attribute}.pkl".lower(), P4 + call(module, attribute, *args) + b".")
bad("numpy-ufunc.pkl", P4 + call("numpy.core", "_ufunc_reconstruct", s("os"), s("system")) + s(TRUE) + b"\x85R.")
bad("result-called.pkl", P4 + call("collections", "OrderedDict") + b")R.")
# --- hostile: hidden in or behind something else ----------------------------------------------------------------------
bad("second-pickle.pkl", EMPTY + PLAIN)
bad("trailing.joblib", EMPTY + b"x")
bad("nested.pkl", P4 + call("pickle", "loads", b"C" + bytes([len(PLAIN)]) + PLAIN) + b".")
bad("zlib.joblib", zlib.compress(PLAIN))
bad("gzip.joblib", gzip.compress(PLAIN, mtime=0))
bad("bz2.joblib", bz2.compress(PLAIN))
bad("xz.joblib", lzma.compress(PLAIN))
bad("lzma.joblib", lzma.compress(PLAIN, lzma.FORMAT_ALONE))
bad("zlib-twice.joblib", zlib.compress(zlib.compress(PLAIN)))
bad("zlib-tail.joblib", zlib.compress(EMPTY) + PLAIN)
packer = zlib.compressobj()
bomb = packer.compress(P4) + b"".join(packer.compress(b"N0" * 500_000) for _ in range(300)) + packer.compress(b"N.") + packer.flush()
bad("bomb.joblib", bomb)
bad("joblib-object-array.joblib", P4 + wrapper([1], "O8", 63) + PLAIN + b".")
bad("joblib-hidden.joblib", P4 + wrapper([1]) + bytes(8) + b"0" + SYSTEM + b".")
bad("joblib-wrong-size.joblib", P4 + wrapper([3], "f8", 1) + bytes(24) + b".")
bad("joblib-in-frame.joblib", P4 + b"\x95" + struct.pack("<Q", 10_000) + wrapper([1]) + bytes(8) + b".")
bad("torch.pt", zipped([("archive/data.pkl", PLAIN), ("archive/version", b"3\n")]))
bad("torch-deflated.pt", zipped([("archive/data.pkl", PLAIN)], zipfile.ZIP_DEFLATED))
bad("pytorch_model.bin", zipped([("archive/data.pkl", PLAIN)]))
bad("torch-script.pt", zipped([("archive/data.pkl", EMPTY), ("archive/code/__torch__.py", b"x = 1\n")]))
bad("torch-legacy.pt", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}." + PLAIN + b"\x80\x02].")
bad("zip-in-zip.npz", zipped([("inner.zip", zipped([("data.pkl", PLAIN)]))]))
bad("zip-tail.pt", zipped([("archive/data.pkl", EMPTY), ("archive/version", b"3")]) + b"tail")
bad("zip-before.pt", b"head" + zipped([("archive/data.pkl", PLAIN)]))
bad("zip-comment.pt", zipped([("archive/data.pkl", EMPTY)], comment=b"PK\x05\x06" + bytes(18)))
bad("zip-encrypted.pt", with_zip(lambda data: data.__setitem__(6, data[6] | 1)))
bad("zip-method.pt", with_zip(lambda data: data.__setitem__(8, 99)))
bad("zip-name.pt", with_zip(lambda data: data.__setitem__(slice(30, 37), b"xrchive")))
bad("zip-crc.pt", with_zip(lambda data: data.__setitem__(14, data[14] ^ 255)))
bad("zip-escape.npz", zipped([("../data.pkl", EMPTY)]))
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    bad("zip-twice.pt", zipped([("archive/data.pkl", EMPTY), ("archive/data.pkl", PLAIN)]))
bad("objects.npy", npy("'|O'", PLAIN))
bad("objects-field.npy", npy("[('a', '<f8'), ('b', '|O')]", PLAIN))
bad("no-array.npy", PLAIN)
bad("objects.npz", zipped([("a.npy", npy("'|O'", PLAIN))]))
# --- hostile: by content, whatever the name ---------------------------------------------------------------------------
bad("model.safetensors", PLAIN)
bad("notes.txt", PLAIN)
bad("notes-protocol-0.txt", b"cos\nsystem\n(S'true'\ntR.")
bad("model.txt", zlib.compress(PLAIN))
bad("library.txt", b"\x7fELF\x02\x01\x01" + bytes(57))
bad("script", b"#!/bin/sh\ntrue\n")
bad("tail.safetensors", struct.pack("<Q", 2) + b"{}" + b"tail")
bad("modeling.py", b"x = 1\n")
bad("config.json", json.dumps({"auto_map": {"AutoModel": "modeling.Model"}}).encode())
bad("escaped/config.json", b'{"\\u0061uto_map": {}}')
bad("not-json/config.json", b'{"a": NaN, "auto_map": {}}')
bad("keras.h5", b"\x89HDF\r\n\x1a\n" + bytes(100))
bad("lambda.keras", zipped([("metadata.json", b"{}"), ("config.json", json.dumps({"class_name": "Lambda", "module": "keras.layers"}).encode())]))
bad("module.keras", zipped([("config.json", json.dumps({"class_name": "run", "module": "subprocess"}).encode())]))
bad("saved_model.pb", b"\x08\x01\x12\x09WriteFile")
bad("outside.onnx", b"\x08\x08\x3a\x16\x2a\x14\x6a\x10\x0a\x08location\x12\x04/etc\x70\x01")

# --- harmless ---------------------------------------------------------------------------------------------------------
good = lambda file, data: write("harmless", file, data)
good("empty.pkl", EMPTY)
for protocol in range(6):
    good(f"plain-{protocol}.pkl", pickle.dumps({"a": [1, 2.5, "x", None, (True, b"y")], "b": {3, 4}}, protocol))
good("words.pkl", pickle.dumps({f"word{n}": n for n in range(120_000)}, 4))
good("README.md", b"cos and sin\n")
good("config.json", b'{"model_type": "llama"}')
good("array.npy", npy("'<f8'", bytes(8)))
good("fields.npy", npy("[('Object', '<f8'), ('b', '<i4')]", bytes(12)))
good("one.safetensors", struct.pack("<Q", 59) + b'{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}     ' + bytes(8))
good("layer.keras", zipped([("metadata.json", b"{}"), ("config.json", json.dumps({"class_name": "Dense", "module": "keras.layers"}).encode()), ("model.weights.h5", b"\x89HDF\r\n\x1a\n")]))

try:
    import joblib
    import numpy as np
except ImportError:
    sys.exit(0)


def dumped(model, **options):
    out = io.BytesIO()
    joblib.dump(model, out, **options)
    return out.getvalue()


arrays = {"a": np.arange(2000.0), "objects": np.array(["x", None, 3], dtype=object), "words": np.array(["ab", "c"])}
arrays["fields"] = np.zeros(3, dtype=[("a", "f8"), ("b", "i4")])
arrays["days"] = np.array(["2020-01-01"], dtype="datetime64[D]")
for protocol in (2, 3, 4, 5):
    good(f"arrays-{protocol}.joblib", dumped(arrays, protocol=protocol))
    good(f"arrays-{protocol}.pkl", pickle.dumps(arrays, protocol))
for method in ("zlib", "gzip"):
    good(f"arrays-{method}.joblib", dumped(arrays, compress=(method, 3)))
for method in ("bz2", "lzma", "xz"):
    write("unreadable", f"arrays-{method}.joblib", dumped(arrays, compress=(method, 3)))
for save, file in ((np.savez, "arrays.npz"), (np.savez_compressed, "arrays-deflated.npz")):
    out = io.BytesIO()
    save(out, a=np.arange(10), b=np.zeros((2, 2)))
    good(file, out.getvalue())
out = io.BytesIO()
np.save(out, np.arange(10))
good("saved.npy", out.getvalue())

try:
    import torch
except ImportError:
    torch = None
if torch is not None:
    layer = torch.nn.Linear(4, 3)
    for key, value in (
        ("state", layer.state_dict()),
        ("kinds", {"half": torch.zeros(5).half(), "bool": torch.ones(3).bool(), "view": torch.arange(10)[2:4], "many": [torch.ones(1) * n for n in range(200)]}),
    ):
        for isZip in (True, False):
            out = io.BytesIO()
            torch.save(value, out, _use_new_zipfile_serialization=isZip)
            good(f"torch/{key}-{'zip' if isZip else 'legacy'}.pt", out.getvalue())
    out = io.BytesIO()
    torch.save(layer, out)
    bad("torch-module.pt", out.getvalue())
    out = io.BytesIO()
    torch.jit.save(torch.jit.script(layer), out)
    bad("torch-jit.pt", out.getvalue())

try:
    import lightgbm
    import pandas as pd
    import xgboost
    from sklearn import compose, decomposition, ensemble, feature_selection, linear_model, naive_bayes, neighbors, svm
    from sklearn import preprocessing, tree
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
except ImportError:
    sys.exit(0)
random = np.random.default_rng(0)
rows = random.normal(size=(60, 4))
labels = (rows[:, 0] > 0).astype(int)
table = pd.DataFrame(rows, columns=list("abcd")).assign(city=random.choice(["Köln", "Paris"], 60))
columns = compose.ColumnTransformer(
    [("n", preprocessing.StandardScaler(), compose.make_column_selector(dtype_include=float)), ("c", preprocessing.OneHotEncoder(), ["city"])]
)
estimators = [
    ensemble.RandomForestClassifier(5), ensemble.GradientBoostingClassifier(n_estimators=5), ensemble.HistGradientBoostingClassifier(max_iter=5),
    ensemble.IsolationForest(n_estimators=5), linear_model.LogisticRegression(), linear_model.SGDClassifier(), linear_model.RidgeClassifier(),
    svm.SVC(), svm.LinearSVC(), naive_bayes.GaussianNB(), neighbors.KNeighborsClassifier(algorithm="kd_tree"),
    neighbors.KNeighborsClassifier(algorithm="ball_tree"), tree.DecisionTreeClassifier(), MLPClassifier(max_iter=5),
    GaussianProcessClassifier(), decomposition.PCA(), GridSearchCV(svm.SVC(), {"C": [1, 2]}, scoring="f1"),
    make_pipeline(preprocessing.FunctionTransformer(np.log1p), preprocessing.StandardScaler(), linear_model.LogisticRegression()),
    feature_selection.SelectKBest(k=2), xgboost.XGBClassifier(n_estimators=3), lightgbm.LGBMClassifier(n_estimators=3, verbose=-1),
    ensemble.StackingClassifier([("a", svm.SVC()), ("b", naive_bayes.GaussianNB())]),
]
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for number, estimator in enumerate(estimators):
        estimator.fit(np.abs(rows) if "log1p" in str(estimator) else rows, labels)
        kind = type(estimator).__name__
        good(f"sklearn/{number}-{kind}.joblib", dumped(estimator))
        good(f"sklearn/{number}-{kind}.pkl", pickle.dumps(estimator, 4))
    pipeline = make_pipeline(columns, linear_model.LogisticRegression()).fit(table, labels)
    text = make_pipeline(TfidfVectorizer(), linear_model.LogisticRegression()).fit(["good phone", "bad line"], [0, 1])
for key, model in (("columns", pipeline), ("text", text), ("table", table), ("booster", xgboost.XGBClassifier(n_estimators=2).fit(rows, labels).get_booster())):
    good(f"sklearn/{key}.joblib", dumped(model))
    good(f"sklearn/{key}.pkl", pickle.dumps(model, 2))
