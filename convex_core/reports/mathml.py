"""The formulas of this library, LaTeX of a few commands, as MathML, which browsers set without any script."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

from ..errors import InputError

__all__ = ["mathml"]

_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\d+(?:\{,\}\d{3})*(?:\.\d+)?|\s+|.", re.DOTALL)
_OPERATORS = {
    r"\ge": "≥", r"\le": "≤", r"\in": "∈", r"\times": "×", r"\pm": "±", r"\cdot": "·", r"\|": "‖", r"\{": "{",
    r"\}": "}", r"\bmod": "mod", r"\cdots": "⋯", r"\dots": "…", r"\sum": "∑", "-": "−", "*": "∗",
    r"\succeq": "⪰",
}  # fmt: skip
_NAMED = (r"\min", r"\max", r"\log", r"\exp")
_LETTERS = {
    r"\beta": "β", r"\sigma": "σ", r"\omega": "ω", r"\Gamma": "Γ", r"\delta": "δ", r"\varphi": "φ", r"\pi": "π",
    r"\tau": "τ", r"\lambda": "λ", r"\alpha": "α", r"\gamma": "γ",
}  # fmt: skip
_SPACES = {r"\,": 0.17, r"\;": 0.28, r"\:": 0.22, r"\ ": 0.25, r"\quad": 1.0, r"\!": -0.17}
_SIZED = {r"\big": 1.2, r"\Big": 1.6}
# what has its scripts above and below
_LIMITS = (r"\sum", r"\min", r"\max")
_FENCES = "()[]|‖{}"


def mathml(latex: str) -> str:
    r"""The formula as a ``math`` element; rows of an ``aligned`` block are rows of a table.

    Parameters
    ----------
    latex : str
        As :func:`training_latex` and :func:`convex_latex` write it.

    Raises
    ------
    InputError
        For a command that is not known here.

    Examples
    --------
    >>> mathml(r"\tfrac12 x_i'")[len('<math display="block">'):-len("</math>")]
    '<mfrac displaystyle="false"><mn>1</mn><mn>2</mn></mfrac><msubsup><mi>x</mi><mi>i</mi><mo>′</mo></msubsup>'
    """
    body = latex.strip()
    if body.startswith(r"\begin{aligned}") and body.endswith(r"\end{aligned}"):
        rows = [row.split("&") for row in re.split(r"\\\\", body[len(r"\begin{aligned}") : -len(r"\end{aligned}")])]
        cells = ["".join(f"<mtd>{_Reader(cell).whole()}</mtd>" for cell in row) for row in rows]
        inside = f'<mtable displaystyle="true">{"".join(f"<mtr>{row}</mtr>" for row in cells)}</mtable>'
    else:
        inside = _Reader(body).whole()
    return f'<math display="block">{inside}</math>'


class _Reader:
    """One line of LaTeX, read from left to right."""

    def __init__(self, latex: str) -> None:
        self.tokens = _TOKEN.findall(latex)
        self.at = 0

    def whole(self) -> str:
        return "".join(self._items(lambda: self.at == len(self.tokens)))

    def _items(self, ended: Callable[[], bool]) -> list[str]:
        found: list[str] = []
        while not ended():
            if self.at == len(self.tokens):
                raise InputError("formula: got an open group, expected its end")
            item = self._scripted()
            if item:
                found.append(item)
        return found

    def _next(self) -> str:
        token: str = self.tokens[self.at]
        self.at += 1
        return token

    def _scripted(self) -> str:
        """One item with what stands below and above it."""
        first: str = self.tokens[self.at]
        base = self._item()
        below, above = "", ""
        while base and self.at < len(self.tokens) and self.tokens[self.at] in ("_", "^", "'"):
            mark = self._next()
            if mark == "'":
                above += "<mo>′</mo>"
            elif mark == "_":
                below = self._argument()
            else:
                above += self._argument()
        if not (below or above):
            return base
        above = f"<mrow>{above}</mrow>" if above.count("<mo>′</mo>") > 1 else above
        under, over, both = ("munder", "mover", "munderover") if first in _LIMITS else ("msub", "msup", "msubsup")
        kind = both if below and above else under if below else over
        return f"<{kind}>{base}{below}{above}</{kind}>"

    def _argument(self) -> str:
        """A group, or the one token that stands for it."""
        token = self.tokens[self.at]
        if token.isdigit() and len(token) > 1:  # one digit of it
            self.tokens[self.at : self.at + 1] = [token[0], token[1:]]
        elif token == "\\textstyle":
            self.at += 1
        return self._item()

    def _group(self) -> str:
        items = self._items(lambda: self.at < len(self.tokens) and self.tokens[self.at] == "}")
        self.at += 1
        return items[0] if len(items) == 1 else f"<mrow>{''.join(items)}</mrow>"

    def _item(self) -> str:
        token = self._next()
        if token == "{":
            return self._group()
        if token.isspace() or token == r"\textstyle":
            return ""
        if token in (r"\tfrac", r"\frac"):
            return f'<mfrac displaystyle="false">{self._argument()}{self._argument()}</mfrac>'
        if token == r"\sqrt":
            return f"<msqrt>{self._argument()}</msqrt>"
        if token == r"\overline":
            return f'<mover>{self._argument()}<mo stretchy="true">¯</mo></mover>'
        if token == r"\text":
            return self._text()
        if token == r"\operatorname":
            return self._text("mo")
        if token == r"\mathbb":
            self._argument()
            return "<mi>ℝ</mi>"
        if token in _SIZED:
            size = _SIZED[token]
            fence = self._next()
            return f'<mo stretchy="true" minsize="{size}em" maxsize="{size}em">{_OPERATORS.get(fence, fence)}</mo>'
        if token in _SPACES:
            return f'<mspace width="{_SPACES[token]}em"></mspace>'
        if token in _NAMED:
            return f"<mo>{token[1:]}</mo>"
        if token in _LETTERS:
            return f"<mi>{_LETTERS[token]}</mi>"
        if token[0].isdigit():
            return f"<mn>{token.replace('{,}', ',')}</mn>"
        if token.isalpha():
            return f"<mi>{token}</mi>"
        if token.startswith("\\") and token not in _OPERATORS:
            raise InputError(f"formula: got {token}, expected a command that is known here")
        sign = _OPERATORS.get(token, token)
        return f'<mo stretchy="false">{escape(sign)}</mo>' if sign in _FENCES else f"<mo>{escape(sign)}</mo>"

    def _text(self, element: str = "mtext") -> str:
        if self._next() != "{":
            raise InputError("formula: got words without braces, expected them")
        words = ""
        while (token := self._next()) != "}":
            words += token
        return f"<{element}>{escape(words).replace(' ', chr(0xA0))}</{element}>"
