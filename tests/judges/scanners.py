"""What others say of files: scanners.py FOLDER prints {path: {fickling, picklescan, safetensors}} as JSON.

fickling: whether it calls a pickle likely safe, null where it cannot read the file. picklescan: its number of dangerous
imports. safetensors: whether the official loader opens the file. None of them loads a pickle."""

import json
import sys
from pathlib import Path

from fickling.analysis import Severity, check_safety
from fickling.fickle import Pickled
from picklescan.scanner import scan_file_path
from safetensors import safe_open

folder = Path(sys.argv[1])


def fickling(path):
    try:
        with path.open("rb") as file:
            return check_safety(Pickled.load(file)).severity <= Severity.LIKELY_SAFE
    except Exception:
        return None


def picklescan(path):
    try:
        return scan_file_path(str(path)).issues_count
    except Exception:
        return None


def safetensors(path):
    if path.suffix != ".safetensors":
        return None
    try:
        with safe_open(path, "np"):
            return True
    except Exception:
        return False


out, sys.stdout = sys.stdout, sys.stderr  # the scanners print, too
files = sorted(path for path in folder.rglob("*") if path.is_file())
found = {
    str(path.relative_to(folder)): {
        "fickling": fickling(path),
        "picklescan": picklescan(path),
        "safetensors": safetensors(path),
    }
    for path in files
}
json.dump(found, out)
