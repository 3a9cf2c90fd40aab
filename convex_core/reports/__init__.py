"""Reports: a solved problem with everything that is claimed about it, and what computes all of it again."""

from .checking import verify
from .document import FORMAT, MAX_PAGE_BYTES, VERSION, Report, check_page_size, ending, make_report
from .listed import listed_letters, make_listed_report
from .verdicts import Check, Verdict, Verification

__all__ = [
    "FORMAT",
    "MAX_PAGE_BYTES",
    "VERSION",
    "Check",
    "Report",
    "Verdict",
    "Verification",
    "check_page_size",
    "ending",
    "listed_letters",
    "make_listed_report",
    "make_report",
    "verify",
]
