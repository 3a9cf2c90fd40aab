# %% [markdown]
# # Arrangements
#
# The patches of the data cut the space of filters into cells, one for each sign pattern. How many there are decides how
# large the convex program is.

# %%
import numpy as np

from convex_core import closed_form, count_patterns, enumerate_patterns, load_dataset, patch_geometry

data = load_dataset("edge")
geometry = patch_geometry(data.input_shape, 3)
rows = geometry.extract(data.X).reshape(-1, 3)
found = count_patterns(rows)
print(f"{found.patterns:,} patterns of {found.rows} hyperplanes, certified: {found.certified}")
print(f"in general position there would be {closed_form(found.rows, 3):,}")

# %% [out]
# 5,114 patterns of 72 hyperplanes, certified: True
# in general position there would be 5,114

# %% [markdown]
# Equal and opposite rows are one hyperplane, and where many meet in one line cells are missing: data of few values, as
# counts or black and white pixels are, have fewer.

# %%
rounded = count_patterns(np.round(rows))
print(f"{rounded.patterns:,} patterns of {rounded.rows} hyperplanes once the data are whole numbers")

# %% [out]
# 44 patterns of 72 hyperplanes once the data are whole numbers

# %% [markdown]
# Listed, a pattern says for each row on which side of its hyperplane a cell lies.

# %%
arrangement = enumerate_patterns(rows[:4])
print(arrangement.active().astype(int)[:3])
print(len(arrangement), "patterns of 4 rows")

# %% [out]
# [[1 0 1 0]
#  [1 1 0 1]
#  [1 1 1 1]]
# 14 patterns of 4 rows

# %% [markdown]
# Their number grows like a power of the number of rows: the exponent is the filter's length less one.

# %%
rng = np.random.default_rng(0)
for n in (10, 20, 40):
    print(n, [count_patterns(rng.standard_normal((n, h))).patterns for h in (2, 3, 4)])

# %% [out]
# 10 [20, 92, 260]
# 20 [40, 382, 2320]
# 40 [80, 1562, 19840]
