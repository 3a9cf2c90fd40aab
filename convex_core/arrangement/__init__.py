"""Arrangement of the hyperplanes {u : x.u = 0} of the patch rows: sign patterns counted, listed, sampled."""

from .bits import distinct_rows
from .cells.batch import Witnesses, cell_facets, cell_witnesses
from .cells.geometry import Cell
from .cells.lookup import Facets
from .counts import PatternCount, count_patterns
from .engines import warm_up
from .exact import characteristic_polynomial, exact_count
from .patterns import Arrangement, enumerate_patterns
from .rows import MergedRows, closed_form, merge_rows, pattern_bound, polynomial_bound
from .sampling import SampledPatterns, sample_patterns
from .stream import PatternStream, stream_patterns

__all__ = [
    "Arrangement",
    "Cell",
    "Facets",
    "MergedRows",
    "PatternCount",
    "PatternStream",
    "SampledPatterns",
    "Witnesses",
    "cell_facets",
    "cell_witnesses",
    "characteristic_polynomial",
    "closed_form",
    "count_patterns",
    "distinct_rows",
    "enumerate_patterns",
    "exact_count",
    "merge_rows",
    "pattern_bound",
    "polynomial_bound",
    "sample_patterns",
    "stream_patterns",
    "warm_up",
]
