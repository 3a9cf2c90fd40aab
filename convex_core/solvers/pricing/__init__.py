"""Pricing: the largest correlation of a dual vector with any atom, over cells that are listed, searched or sampled."""
