"""Trains model/ on scikit-learn's wine and saves it with MLflow. Running it again gives the same bytes."""

import shutil
import tempfile
from pathlib import Path

from mlflow.models import Model, infer_signature
from mlflow.sklearn import save_model
from sklearn.datasets import load_wine
from sklearn.naive_bayes import GaussianNB

rows, classes = load_wine(return_X_y=True, as_frame=True)
# Every tenth row is never shown to the model: the smoke request of framework.ts is made of them.
shown = [row for row in range(len(rows)) if row % 10]

# Sums, means and variances only: no BLAS, whose results differ from CPU to CPU.
model = GaussianNB().fit(rows.iloc[shown], classes.iloc[shown])

folder = Path(__file__).with_name("model")
with tempfile.TemporaryDirectory() as made:
    save_model(
        model,
        f"{made}/model",
        signature=infer_signature(rows, model.predict(rows)),
        input_example=rows.iloc[:2],
        # What MLServer 1.7.1's image holds; also saves MLflow from importing the model to find out.
        pip_requirements=[
            "mlflow==2.19.0",
            "cloudpickle==3.1.0",
            "numpy==1.26.4",
            "pandas==2.2.3",
            "scikit-learn==1.5.2",
            "scipy==1.13.1",
        ],
        # Otherwise random, and the time.
        mlflow_model=Model(model_uuid="0" * 32, utc_time_created="2026-01-01 00:00:00.000000"),
    )
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(f"{made}/model", folder)
