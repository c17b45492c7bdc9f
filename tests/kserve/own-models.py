"""Trains a pipeline on ten named columns and one on ten unnamed ones: own-models.py FOLDER; prints a request and the classes."""

import json
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

folder = Path(sys.argv[1])
random = np.random.default_rng(0)
numbers = [f"month-{month}" for month in range(8)]
table = pd.DataFrame({name: random.normal(20, 5, 200) for name in numbers})
table["plan"] = random.choice(["basic", "plus"], 200)
table["city"] = random.choice(["Bonn", "Köln", "Paris"], 200)
labels = ((table["month-0"] > 20) == (table["plan"] == "plus")).astype(int)
columns = ColumnTransformer([("numbers", StandardScaler(), numbers), ("words", OneHotEncoder(), ["plan", "city"])])
named = make_pipeline(columns, LogisticRegression()).fit(table, labels)
for name in ("named", "unnamed"):
    (folder / name).mkdir()
joblib.dump(named, folder / "named" / "model.joblib")
rows = table[numbers].to_numpy()[:, [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]]
joblib.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, labels), folder / "unnamed" / "model.joblib")

classes = named.predict(table)
# A row of each class.
some = table.iloc[[int(np.argmax(classes == 0)), int(np.argmax(classes == 1))]]
print(json.dumps({"columns": some.to_dict("list"), "classes": named.predict(some).tolist()}))
