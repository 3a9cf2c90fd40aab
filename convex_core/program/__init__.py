"""The convex program: blocks of cells, and its conic form."""

from .blocks import Blocks, CellFactory, block_keys
from .conic import ConeRows, ConicProgram, all_cone_rows, assemble, facet_rows

__all__ = ["Blocks", "CellFactory", "ConeRows", "ConicProgram", "all_cone_rows", "assemble", "block_keys", "facet_rows"]
