"""Trains model.bst on iris. Running it again gives the same bytes: fixed seed, one thread."""

from pathlib import Path

import lightgbm
from sklearn.datasets import load_iris

rows, classes = load_iris(return_X_y=True)
# Every tenth row is never shown to the model: the smoke request of ../iris.ts is made of them.
shown = [row for row in range(len(rows)) if row % 10]

settings = {
    "objective": "multiclass",
    "num_class": 3,
    "num_leaves": 4,
    "min_data_in_leaf": 5,
    "learning_rate": 0.3,
    "seed": 0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
model = lightgbm.train(settings, lightgbm.Dataset(rows[shown], classes[shown]), num_boost_round=10)
model.save_model(Path(__file__).with_name("model.bst"))
