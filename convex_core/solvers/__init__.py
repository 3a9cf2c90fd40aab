"""Solvers: column generation and its pricers, Clarabel, CVXPY and OSQP backends."""
