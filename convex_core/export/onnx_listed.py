r"""Nodes of a network with a pooling grid over listed filters or gates.

The whitening of patches is part of the filters, :math:`x^T (W u) + (b - \mu^T W u)`, so that the graph has windows, a
product, the ReLU or the gate, the pooling as a product with a matrix or as the largest of each region, and the weights.
"""

from __future__ import annotations

import numpy as np

from ..lists import ListedNetwork
from .onnx_graph import Graph

__all__ = ["listed_nodes"]


def listed_nodes(graph: Graph, flat: str, network: ListedNetwork) -> str:
    """Nodes from the flat inputs (n, d) to the outputs (n, q)."""
    geometry, grid, m = network.geometry, network.grid, network.m
    bias = graph.numbers(network.bias)
    if not m:
        return graph.node("Add", graph.node("MatMul", flat, graph.numbers(np.zeros((geometry.d, network.q)))), bias)
    windows = graph.windows(flat, geometry)
    linear, offsets = network.patch_filters()
    values = graph.node("Add", graph.node("MatMul", windows, graph.numbers(linear.T)), graph.numbers(offsets))
    if network.gates is None:
        values = graph.node("Relu", values)
    else:
        gates, shifts = network.whitening.filters(network.gates, biased=geometry.biased)
        sums = graph.node("Add", graph.node("MatMul", windows, graph.numbers(gates.T)), graph.numbers(shifts))
        open_ = graph.node("Cast", graph.node("GreaterOrEqual", sums, graph.numbers(0.0)), to=11)  # to double
        values = graph.node("Mul", values, open_)
    if grid.pooling == "max":
        pooled = graph.largest(values, [np.flatnonzero(grid.regions == r) for r in range(grid.R)])
    else:
        pooled = graph.node("MatMul", graph.numbers(grid.matrix), values)  # (n, R, m)
    pooled = graph.node("Reshape", pooled, graph.integers([-1, grid.R * m]))
    weights = network.weights.transpose(1, 0, 2).reshape(grid.R * m, network.q)
    return graph.node("Add", graph.node("MatMul", pooled, graph.numbers(weights)), bias)
