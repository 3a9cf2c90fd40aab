# %% [markdown]
# # The audit of a PyTorch CNN
#
# A network that was trained elsewhere: how far is it from the best network of its kind? The audit needs its arrays, the
# data and beta. Here a run of SGD stands for the training elsewhere.

# %%
from convex_core import Problem, load_dataset, train_sgd

data = load_dataset("edge")
problem = Problem.from_dataset(data, beta=0.1)
trained = train_sgd(problem, m=10, seeds=[0], iterations=3000).best_networks[0]
state = {"conv.weight": trained.filters[:, None, :], "head.weight": trained.weights[None, :]}
print({name: array.shape for name, array in state.items()})

# %% [out]
# {'conv.weight': (10, 1, 2), 'head.weight': (1, 10)}

# %% [markdown]
# These arrays have the names and the order of a PyTorch `state_dict()` of `Conv1d` and `Linear`; with PyTorch it is
# `state = torch.load("model.pt")`. A whole module is better still: `from_torch(module, input_shape=(d,))` finds its
# padding, activation and pooling by running it, and refuses a module with other outputs.

# %%
from convex_core import audit, from_torch

network = from_torch(state, problem.architecture)
found = audit(problem, network, tol=1e-4)
print(f"it reached {found.certificate.objective:.4f}, and no network is below {found.certificate.lower_bound:.4f}")

# %% [out]
# it reached 0.4806, and no network is below 0.0594

# %% [markdown]
# The best network of its own sign patterns is hardly better: here it was not the last steps of the training that missed
# the optimum, but the patterns it settled in.

# %%
for name, value in found.lines():
    print(f"{name}: {value}")

# %% [out]
# objective: 0.4806455872
# lower bound: 0.05935361647 (global: The lower bound covers every sign pattern of the data.)
# relative gap: 0.877
# own patterns: 0.4805831821 is the optimum over the network's own sign patterns
# status: feasible: A feasible network, certified as it stands; nothing was optimised.
# exactness: exact: The convex program has the same optimal value as the non-convex training problem.
