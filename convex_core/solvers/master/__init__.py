"""The restricted master: the convex program over the blocks in hand, and its solvers."""
