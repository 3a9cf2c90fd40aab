"""Solvers of others, given an assembled conic program: Clarabel, and whatever CVXPY knows."""
