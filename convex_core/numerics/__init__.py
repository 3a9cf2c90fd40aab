"""Numerics: what every computation rests on, compiled kernels, threads, rounding, cones, conic forms, line searches."""
