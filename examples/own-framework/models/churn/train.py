"""Trains churn.txt on made-up customers. Running it again gives the same bytes: fixed seed, one thread.

pip install lightgbm==4.6.0 numpy==1.26.4
"""

from pathlib import Path

import lightgbm
import numpy

random = numpy.random.default_rng(0)
months = random.integers(1, 72, 600)
calls = random.integers(0, 10, 600)
rows = numpy.column_stack([months, calls])
# The rule to learn. 0 low risk: over two years; 2 high risk: a newer customer with five calls or more; otherwise 1, medium.
classes = numpy.where(months > 24, 0, numpy.where(calls >= 5, 2, 1))

settings = {
    "objective": "multiclass",
    "num_class": 3,
    "num_leaves": 3,
    "learning_rate": 0.5,
    "seed": 0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
data = lightgbm.Dataset(rows, classes, feature_name=["months", "support_calls"])
model = lightgbm.train(settings, data, num_boost_round=3)
model.save_model(Path(__file__).with_name("churn.txt"))
