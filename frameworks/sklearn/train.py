"""Trains model.joblib on iris. Running it again gives the same bytes: nothing in it is random."""

from pathlib import Path

import joblib
from sklearn.datasets import load_iris
from sklearn.naive_bayes import GaussianNB

rows, classes = load_iris(return_X_y=True)
# Every tenth row is never shown to the model: the smoke request of ../iris.ts is made of them.
shown = [row for row in range(len(rows)) if row % 10]

# Sums, means and variances only: no BLAS, whose results differ from CPU to CPU.
model = GaussianNB().fit(rows[shown], classes[shown])
# Protocol 4, because it is what every Python since 3.4 reads; uncompressed, so that a changed model is a small delta.
joblib.dump(model, Path(__file__).with_name("model.joblib"), compress=0, protocol=4)
