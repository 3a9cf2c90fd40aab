"""Plain data of a figure as something that Streamlit takes for a figure, and sends as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

__all__ = ["Sent"]


class Sent(go.Figure):  # type: ignore[misc]
    """A figure of which only :meth:`to_dict` is asked, as ``st.plotly_chart`` does.

    A dictionary would be checked property by property every time it is sent, for 30 ms and more; every chart is checked
    by the tests.

    Examples
    --------
    >>> plain = {"data": [], "layout": {"height": 300}}
    >>> Sent(plain).to_dict() is plain
    True
    """

    def __init__(self, plain: Mapping[str, Any]) -> None:
        # nothing is prepared for what a figure can do beside
        object.__setattr__(self, "_plain_data", plain)

    def to_dict(self) -> Any:
        """The plain data."""
        return self._plain_data
