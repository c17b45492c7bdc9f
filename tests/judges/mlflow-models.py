"""Saves models of four kinds with MLflow: mlflow-models.py FOLDER."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from mlflow.pyfunc import save_model as save_own
from mlflow.sklearn import save_model
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

folder = Path(sys.argv[1])
pins = {"pip_requirements": ["mlflow==2.19.0"]}

people = pd.DataFrame(
    {"city": ["Bern", "Rome", "Bern", "Oslo"], "age": [31, 42, 53, 64], "income": [1.5, 2.5, 3.5, 4.5]}
)
churned = ["no", "yes", "no", "yes"]
# Refuses a city that it does not know.
encoded = make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough")
pipeline = make_pipeline(encoded, LogisticRegression()).fit(people, churned)

# A table of several types, with names and an example.
save_model(pipeline, folder / "table", input_example=people, **pins)

# An example without a signature: MLServer knows nothing of the columns.
save_model(pipeline, folder / "bare", signature=False, input_example=people, **pins)

# An array, with a signature only.
rows = np.arange(12, dtype=np.float64).reshape(4, 3)
array = LogisticRegression().fit(rows, [0, 1, 0, 1])
save_model(array, folder / "array", signature=infer_signature(rows, array.predict(rows)), **pins)

# Code of the user's own beside the model, other types, and a table as the answer.
code = folder / "visits.py"
code.write_text(
    """
import pandas as pd
from mlflow.pyfunc import PythonModel


class Visits(PythonModel):
    def predict(self, context, model_input, params=None):
        days = model_input["since"].dt.day
        count = model_input["visits"].map(len)
        return pd.DataFrame({"day": days, "count": count, "vip": model_input["vip"]})
"""
)
sys.path.insert(0, str(folder))
from visits import Visits  # noqa: E402

visits = pd.DataFrame(
    {
        "since": pd.to_datetime(["2026-02-03", "2026-04-05"]),
        "visits": [[1, 2], [3]],
        "vip": [True, False],
    }
)
answer = Visits().predict(None, visits)
save_own(
    folder / "own",
    python_model=Visits(),
    code_paths=[str(code)],
    signature=infer_signature(visits, answer),
    input_example=visits,
    **pins,
)
