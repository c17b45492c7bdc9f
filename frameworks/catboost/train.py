"""Trains model.cbm on iris. Running it again gives the same bytes: what CatBoost makes up for every run is set below."""

from pathlib import Path

from catboost import CatBoostClassifier
from sklearn.datasets import load_iris

rows, classes = load_iris(return_X_y=True)
# Every tenth row is never shown to the model: the smoke request of ../iris.ts is made of them.
shown = [row for row in range(len(rows)) if row % 10]

model = CatBoostClassifier(
    iterations=10,
    depth=3,
    learning_rate=0.5,
    loss_function="MultiClass",
    random_seed=0,
    thread_count=1,
    verbose=False,
    allow_writing_files=False,
).fit(rows[shown], classes[shown])
# A random number and the time, which nothing reads.
model.get_metadata()["model_guid"] = "iris"
model.get_metadata()["train_finish_time"] = "1970-01-01T00:00:00Z"
model.save_model(str(Path(__file__).with_name("model.cbm")))
