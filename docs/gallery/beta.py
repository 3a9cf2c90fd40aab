# %% [markdown]
# # Beta by cross-validation
#
# How much regularisation? The path over beta is computed to certified optimality at each point, so that what differs
# between two values of beta is beta, and not where an optimiser stopped.

# %%
import numpy as np

from convex_core import Problem, load_dataset, solve_path

data = load_dataset("motifs", n=18, noise=0.5)
betas = [10.0, 3.0, 1.0, 0.3, 0.1, 0.03]
folds = np.arange(data.n) % 3

# %% [markdown]
# Three folds: train on two parts, look at the third, for each beta.

# %%
errors = np.zeros((3, len(betas)))
for fold in range(3):
    train = folds != fold
    problem = Problem(data.X[train], data.y[train], filter_size=3, stride=2, beta=betas[0])
    path = solve_path(problem, betas=betas, tol=1e-4)
    for b, point in enumerate(path.solutions):
        errors[fold, b] = np.mean((point.predict(data.X[~train]) - data.y[~train]) ** 2)
for beta, error in zip(betas, errors.mean(axis=0), strict=True):
    print(f"beta {beta:5.2f}: error {error:.2f}")

# %% [out]
# beta 10.00: error 1.00
# beta  3.00: error 1.00
# beta  1.00: error 0.69
# beta  0.30: error 1.75
# beta  0.10: error 3.95
# beta  0.03: error 5.23

# %% [markdown]
# The best one is trained on everything. With scikit-learn it is `GridSearchCV(ConvexCNNRegressor(), {"beta": betas})`.

# %%
best = betas[int(np.argmin(errors.mean(axis=0)))]
path = solve_path(Problem(data.X, data.y, filter_size=3, stride=2, beta=best), betas=[best], tol=1e-4)
final = path.solutions[0]
print(f"beta {best:g}: {final.status}, {final.active_filters} filters")

# %% [out]
# beta 1: optimal, 6 filters
