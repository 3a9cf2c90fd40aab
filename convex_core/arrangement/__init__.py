"""Arrangement of the hyperplanes {u : x.u = 0} of the patch rows: sign patterns counted, listed, sampled."""

from .bits import distinct_rows
from .cell_batch import Witnesses, cell_facets, cell_witnesses
from .cells import Cell
from .counts import PatternCount, closed_form, count_patterns, pattern_bound, polynomial_bound
from .exact import characteristic_polynomial, exact_count
from .lookup import Facets
from .patterns import Arrangement, enumerate_patterns
from .rows import MergedRows, merge_rows
from .sampling import SampledPatterns, sample_patterns
from .search import warm_up
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
