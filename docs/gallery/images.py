# %% [markdown]
# # Images
#
# Small images, filters of 2 x 2, and what a network that is optimal looks at.

# %%
from convex_core import Problem, load_dataset, solve

data = load_dataset("patterns2d")
print(data.n, "images of", data.input_shape, "with targets", sorted(set(data.y.tolist())))

# %% [out]
# 12 images of (4, 4) with targets [-1.0, 1.0]

# %% [markdown]
# Images are (n, H, W), or (n, H, W, C) with channels last; your own go in as they are: `Problem(images, y, ...)`.
# With max pooling the strongest place counts, with sum pooling all of them do: the best networks differ.

# %%
best = {}
for pooling in ("sum", "max"):
    problem = Problem.from_dataset(data, beta=0.3, pooling=pooling)
    best[pooling] = solve(problem, tol=1e-6)
    found = best[pooling]
    print(
        f"{pooling}: {found.network_objective:.3f} with {found.active_filters} filters, {found.scope}, {found.status}"
    )

# %% [out]
# sum: 0.629 with 4 filters, global, optimal
# max: 1.195 with 5 filters, global, optimal

# %% [markdown]
# A filter as a picture, by `filter_image`, and as a chart with `found.plot()` in a notebook.

# %%
import numpy as np

network = best["sum"].network
strongest = int(np.argmax(network.sizes))
right = np.mean(np.sign(network.predict(data.X_test)) == data.y_test)
print(f"right on {len(data.y_test)} new images: {right:.2f}")
print(np.round(network.architecture.geometry.filter_image(network.filters)[strongest], 2))
print(f"weight {network.weights[strongest]:+.2f}")

# %% [out]
# right on 200 new images: 1.00
# [[ 0.4  -0.38]
#  [ 0.35 -0.37]]
# weight -0.75
