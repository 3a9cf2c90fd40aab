"""The look of a report: ``page.css`` beside this file, with the colours of the figures."""

from __future__ import annotations

from pathlib import Path

from ..figures.colours import DARK, LIGHT, Palette

__all__ = ["STYLE"]

#: Behind the certificate and code, a little off the paper.
_SOFT = {False: "#F6F5F1", True: "#1B1F24"}


def _variables(colours: Palette) -> str:
    """The theme's colours as CSS variables."""
    names = ("ink", "muted", "faint", "paper", "convex", "positive", "negative")
    listed = "".join(f"--{name}: {getattr(colours, name)}; " for name in names)
    return f":root {{ {listed}--soft: {_SOFT[colours.dark]}; }}"


#: The style sheet.
STYLE = (
    f"{_variables(LIGHT)}\n@media (prefers-color-scheme: dark) {{ {_variables(DARK)} }}\n"
    f"@media print {{ {_variables(LIGHT)} }}\n{Path(__file__).with_name('page.css').read_text(encoding='utf-8')}"
)
