"""Training on the non-convex problem: stochastic gradient descent, and the best of many local searches."""
