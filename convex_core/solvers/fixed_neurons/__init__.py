"""Programs in the sizes of fixed neurons alone: quadratic for OSQP, conic for the other losses."""
