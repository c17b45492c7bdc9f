"""Trains model.bst on iris. Running it again gives the same bytes: fixed seed, one thread."""

from pathlib import Path

from sklearn.datasets import load_iris
from xgboost import XGBClassifier

rows, classes = load_iris(return_X_y=True)
# Every tenth row is never shown to the model: the smoke request of ../iris.ts is made of them.
shown = [row for row in range(len(rows)) if row % 10]

# XGBClassifier and not xgboost.train: it notes its own kind in the file, and so MLServer answers with labels.
model = XGBClassifier(n_estimators=10, max_depth=3, tree_method="exact", random_state=0, n_jobs=1)
model.fit(rows[shown], classes[shown])
# The name has to be .bst (see framework.ts); what is inside is UBJSON, the default since XGBoost 2.1.
model.save_model(Path(__file__).with_name("model.bst"))
