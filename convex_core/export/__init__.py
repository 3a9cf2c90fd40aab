"""Problems and answers for others: CVXPY scripts, LaTeX, model files."""
