"""Reports of networks that were trained over a list, on images: the images are named, everything else is inside."""

from .claims import RECORDS, ListedClaims
from .document import listed_letters, make_listed_report
from .reading import LISTED_FORMAT, ListedState, rebuild_listed

__all__ = [
    "LISTED_FORMAT",
    "RECORDS",
    "ListedClaims",
    "ListedState",
    "listed_letters",
    "make_listed_report",
    "rebuild_listed",
]
