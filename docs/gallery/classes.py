# %% [markdown]
# # Classes with a pipeline
#
# A scikit-learn estimator: it takes names of classes, has probabilities, and fits into pipelines and searches.

# %%
import numpy as np
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from convex_core import ConvexCNNClassifier, load_dataset

data = load_dataset("motifs3", n=60)
names = np.array(["A", "B", "C"])[data.y.astype(int)]
print(data.X.shape, sorted(set(names.tolist())))

# %% [out]
# (60, 8) ['A', 'B', 'C']

# %% [markdown]
# The training is convex over a list of filters that are drawn from the data; `gap_` is what is left of it at most, and
# `scope_` says that the bound is over that list. Nothing has to be tuned: beta is chosen on a part of the samples.

# %%
pipeline = make_pipeline(
    StandardScaler(), ConvexCNNClassifier(input_shape=data.input_shape, filter_size=5, loss="softmax")
)
pipeline.fit(data.X, names)
fitted = pipeline[-1]
print("trained:", fitted.scope_, "gap below 1e-2:", fitted.gap_ < 1e-2)
new = np.array(["A", "B", "C"])[data.y_test.astype(int)]
print(f"right on {len(new)} new signals: {pipeline.score(data.X_test, new):.2f}")

# %% [out]
# trained: restricted gap below 1e-2: True
# right on 200 new signals: 0.97

# %% [markdown]
# Cross-validation trains it anew on each part.

# %%
scores = cross_val_score(pipeline, data.X, names, cv=3)
print(f"right in three parts: {scores.mean():.2f}")
print("probabilities of the first:", np.round(pipeline.predict_proba(data.X[:1]), 1), pipeline.classes_)

# %% [out]
# right in three parts: 0.83
# probabilities of the first: [[1. 0. 0.]] ['A' 'B' 'C']
