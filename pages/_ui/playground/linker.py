"""One module out of many: Streamlit takes a component's JavaScript as a single text, which cannot import its parts.

The parts are plain ES modules with imports of one form only, so that joining them is taking these lines out and putting
what is imported first. Names of a module's top level are then those of the whole, and must be unique.
"""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["LinkError", "linked", "styles"]

MAIN = "main.js"
_IMPORT = re.compile(r'^import \{ ([A-Za-z_$][\w$]*(?:, [A-Za-z_$][\w$]*)*) \} from "\./([\w-]+\.js)";$')
_NAME = re.compile(r"^(?:export )?(?:async )?(?:const|let|var|class|function\*?)\s+([A-Za-z_$][\w$]*)")
_DEFAULT = re.compile(r"^export default function\b")
_EXPORT = re.compile(r"^export (?=(?:async )?(?:const|class|function)\b)")


class LinkError(Exception):
    """The modules do not keep the rules; the message says which one and where."""


def linked(folder: Path, *more: str) -> str:
    """The modules of a folder that its main.js, and those named besides, need, as one module.

    Parameters
    ----------
    folder : Path
        With ``main.js``, whose ``export default function`` becomes the module's.
    *more : str
        Names of modules that the page itself calls.

    Raises
    ------
    LinkError
        For an import or export of another form, a name that is nowhere exported, one that two modules have, or a circle
        of constants: functions may call each other in a circle, what runs while loading may not.
    """
    order = _ordered(folder, MAIN, *more)
    owners: dict[str, str] = {}
    exports: dict[str, set[str]] = {}
    parts = []
    for name, text in order.items():
        lines, exports[name] = [], set()
        for number, line in enumerate(text.splitlines(), start=1):
            place = f"{name}:{number}"
            if line.startswith("import"):
                continue
            if _DEFAULT.match(line) and name != MAIN:
                raise LinkError(f"{place}: got a default export, expected it in {MAIN} alone")
            if line.startswith("export") and not _EXPORT.match(line) and not _DEFAULT.match(line):
                raise LinkError(f"{place}: got {line!r}, expected export function, const or class")
            if re.match(r"^(?:const|let|var) [\[{]", line):
                raise LinkError(f"{place}: got {line!r}, expected one name for each constant of the top level")
            found = _NAME.match(line)
            if found:
                top = found.group(1)
                if top in owners:
                    raise LinkError(f"{place}: got the name {top} again, expected it in {owners[top]} alone")
                owners[top] = name
                if line.startswith("export"):
                    exports[name].add(top)
            lines.append(_EXPORT.sub("", line))
        parts.append(f"// {name}\n" + "\n".join(lines))
    for name, text in order.items():
        for number, line in enumerate(text.splitlines(), start=1):
            if line.startswith("import"):
                names, source = _imported(name, number, line)
                for missing in sorted(set(names) - exports[source]):
                    raise LinkError(f"{name}:{number}: got {missing}, expected one of the exports of {source}")
    return "\n\n".join(parts) + "\n"


def styles(folder: Path) -> str:
    """The style sheets of a folder, in the order of their names."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.css")))


def _ordered(folder: Path, *roots: str) -> dict[str, str]:
    """Names and texts of the modules, each after those it imports."""
    order: dict[str, str] = {}
    visited: set[str] = set()

    def visit(name: str, place: str) -> None:
        if name in visited:
            return
        visited.add(name)
        path = folder / name
        if not path.is_file():
            raise LinkError(f"{place}: got an import of {name}, expected a file in {folder.name}")
        text = path.read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), start=1):
            if line.startswith("import"):
                visit(_imported(name, number, line)[1], f"{name}:{number}")
        order[name] = text

    for root in roots:
        visit(root, folder.name)
    return order


def _imported(name: str, number: int, line: str) -> tuple[list[str], str]:
    """Names and module of an import."""
    found = _IMPORT.match(line)
    if found is None:
        raise LinkError(f'{name}:{number}: got {line!r}, expected import {{ a, b }} from "./x.js";')
    return found.group(1).split(", "), found.group(2)
