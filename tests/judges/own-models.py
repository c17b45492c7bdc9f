"""Trains models that are not iris: own-models.py FOLDER writes one folder a model. With the libraries of MLServer's image."""

import pickle
import sys
from pathlib import Path

import joblib
import lightgbm
import numpy as np
import pandas as pd
import xgboost
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

folder = Path(sys.argv[1])
random = np.random.default_rng(0)
rows = random.normal(size=(200, 10))
labels = (rows[:, 0] > 0).astype(int)
table = pd.DataFrame(
    {
        "age": random.integers(18, 90, 200),
        "income": random.normal(5e4, 1e4, 200),
        "city": random.choice(["Berlin", "Köln", "Paris"], 200),
        "plan": random.choice(["basic", "pro"], 200),
        "note": random.choice(["good phone", "bad line"], 200),
        "stars": random.integers(1, 4, 200),
    }
)


def place(model, file):
    path = folder / model / file
    path.parent.mkdir(parents=True)
    return path


ten = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, labels)
joblib.dump(ten, place("ten", "model.joblib"))
joblib.dump(ten, place("ten-zlib", "model.joblib"), compress=3)
for protocol in range(6):
    with place(f"ten-protocol-{protocol}", "model.pkl").open("wb") as file:
        pickle.dump(ten, file, protocol=protocol)

columns = ColumnTransformer(
    [
        ("numbers", Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())]), ["age", "income"]),
        ("words", Pipeline([("fill", SimpleImputer(strategy="most_frequent")), ("code", OneHotEncoder())]), ["city", "plan"]),
        ("text", TfidfVectorizer(), "note"),
        ("stars", OrdinalEncoder(), ["stars"]),
    ]
)
forest = Pipeline([("columns", columns), ("forest", RandomForestClassifier(20, random_state=0))]).fit(table, labels)
joblib.dump(forest, place("table", "model.joblib"))
selected = ColumnTransformer(
    [("n", StandardScaler(), make_column_selector(dtype_include=np.number)), ("c", OneHotEncoder(), make_column_selector(dtype_include=object))]
)
answers = np.array(["no", "yes"])[labels]
selector = Pipeline([("columns", selected), ("model", LogisticRegression())]).fit(table.drop(columns="note"), answers)
joblib.dump(selector, place("selector", "model.joblib"))
search = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [1, 2]}, cv=2)
joblib.dump(search.fit(table[["age", "income"]], labels), place("search", "model.joblib"))
joblib.dump(make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(table["note"], labels), place("text", "model.joblib"))
targets = np.stack([rows[:, 0], rows[:, 1], rows[:, 2]], 1)
joblib.dump(MultiOutputRegressor(LinearRegression()).fit(rows, targets), place("targets", "model.joblib"))
joblib.dump(HistGradientBoostingClassifier(max_iter=5, random_state=np.random.RandomState(0)).fit(rows, labels), place("random", "model.joblib"))
joblib.dump(make_pipeline(StandardScaler(), xgboost.XGBClassifier(n_estimators=3)).fit(rows, labels), place("boosted", "model.joblib"))
joblib.dump(xgboost.XGBClassifier(n_estimators=3).fit(rows, labels), place("booster-alone", "model.joblib"))

classifier = xgboost.XGBClassifier(n_estimators=3).fit(rows, labels)
classifier.save_model(place("xgboost-json", "model.json"))
classifier.save_model(place("xgboost-ubj", "model.ubj"))
named = xgboost.XGBRegressor(n_estimators=3).fit(table[["age", "income"]], labels)
named.save_model(place("xgboost-named", "model.ubj"))
linear = xgboost.XGBRegressor(booster="gblinear", n_estimators=3).fit(table[["age", "income"]], labels)
linear.save_model(place("xgboost-linear", "model.ubj"))
# "deprecated" is the binary format's name since 2.0.
binary = place("xgboost-binary", "model.deprecated")
classifier.get_booster().save_model(binary)
binary.rename(binary.with_name("model.bst"))
multi = xgboost.train({"objective": "multi:softprob", "num_class": 4}, xgboost.DMatrix(rows, random.integers(0, 4, 200)), 3)
multi.save_model(place("xgboost-scores", "model.ubj"))

settings = {"objective": "multiclass", "num_class": 4, "verbosity": -1}
lightgbm.train(settings, lightgbm.Dataset(rows, random.integers(0, 4, 200)), 3).save_model(place("lightgbm-scores", "model.txt"))
categories = table[["age", "city"]].astype({"city": "category"})
binary_settings = {"objective": "binary", "verbosity": -1}
lightgbm.train(binary_settings, lightgbm.Dataset(categories, labels), 3).save_model(place("lightgbm-categories", "model.txt"))
