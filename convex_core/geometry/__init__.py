"""Exact pictures of an arrangement: sectors, spherical polygons, a flat disc, slices, the cell graph."""

from .circle import CircleCells, circle_cells
from .disc import disc_outlines, half_discs
from .graph import CellGraph, cell_graph
from .locate import cells_at
from .mesh import triangulate
from .projection import arc, great_circle, half_circle, stereographic, upper_part
from .slices import principal_directions, restrict, spanned_directions
from .sphere import SphereCells, sphere_cells
from .usage import Usage, cell_usage

__all__ = [
    "CellGraph",
    "CircleCells",
    "SphereCells",
    "Usage",
    "arc",
    "cell_graph",
    "cell_usage",
    "cells_at",
    "circle_cells",
    "disc_outlines",
    "great_circle",
    "half_circle",
    "half_discs",
    "principal_directions",
    "restrict",
    "spanned_directions",
    "sphere_cells",
    "stereographic",
    "triangulate",
    "upper_part",
]
