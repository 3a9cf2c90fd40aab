# %% [markdown]
# # Your own signals
#
# From a table of signals to a network that is proved to be the best one, and to files that other programs read.

# %%
import numpy as np

rng = np.random.default_rng(3)
time = np.arange(8)
spikes = 0.2 * rng.standard_normal((7, 8))
spikes[np.arange(7), rng.integers(1, 7, 7)] += 2.0
waves = np.sin(2 * np.pi * (time / 8 + rng.random((7, 1)))) + 0.2 * rng.standard_normal((7, 8))
X, y = np.vstack([spikes, waves]), np.repeat([1.0, -1.0], 7)

# %% [markdown]
# Half of the signals have a spike somewhere (+1), the others a slow wave (-1). A filter of three entries sees six
# patches of each; `solve` searches all of its directions and says how far the answer can be from the global optimum.

# %%
from convex_core import Problem, solve

problem = Problem(X, y, filter_size=3, beta=0.5)
solution = solve(problem, tol=1e-7)
print(solution.status, "with scope", solution.scope)
print(f"between {solution.lower_bound:.5f} and {solution.network_objective:.5f}, {solution.active_filters} filters")

# %% [out]
# optimal with scope global
# between 0.96455 and 0.96455, 6 filters

# %% [markdown]
# The filters say what a spike is. New signals are given to `predict`, and the sign is the class.

# %%
for size, u in zip(solution.network.weights, solution.network.filters, strict=True):
    print(f"{size:+.2f} times", np.round(u, 2))
new = np.zeros((2, 8))
new[0, 4], new[1] = 2.0, np.sin(2 * np.pi * time / 8)
print("spike or wave:", np.sign(solution.predict(new)))

# %% [out]
# +0.78 times [-0.31  0.61 -0.38]
# +0.60 times [ 0.24 -0.47  0.29]
# -0.54 times [-0.5  -0.18 -0.07]
# -0.48 times [0.02 0.18 0.45]
# -0.29 times [-0.01 -0.11 -0.27]
# -0.20 times [0.19 0.07 0.03]
# spike or wave: [ 1. -1.]

# %% [markdown]
# The model file has the network and its certificate. `solution.network.to_onnx("spikes.onnx")` writes the network as an
# ONNX graph, after comparing its outputs (`pip install 'convex-core[export]'`); `solution.report("spikes.html")` writes
# a page that anybody can check.

# %%
from convex_core import certify, load_model

solution.save("spikes.npz")
model = load_model("spikes.npz")
again = certify(problem, model.network, dual=model.dual)
print("certified from the file alone:", again.status, f"{again.relative_gap:.0e}" < "1e-06")

# %% [out]
# certified from the file alone: optimal False
