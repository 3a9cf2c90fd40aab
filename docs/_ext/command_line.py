"""The page of the command line: every command with its options, read from the parser that it uses."""

from __future__ import annotations

import argparse

from convex_core.cli.parser import build_parser

__all__ = ["PLACE", "command_line", "commands"]

#: what a page writes where the commands shall be
PLACE = "<!-- commands -->"


def commands() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command."""
    (choices,) = (a.choices for a in build_parser("convex-core")._actions if isinstance(a, argparse._SubParsersAction))
    return dict(choices)


def command_line() -> str:
    """Every command with its options, as Markdown."""
    return "\n".join(_command(name, parser) for name, parser in commands().items())


def _command(name: str, parser: argparse.ArgumentParser) -> str:
    either = {id(action) for group in parser._mutually_exclusive_groups for action in group._group_actions}
    lines = [f"## {name}", "", parser.description or "", "", "| option | what it does |", "| --- | --- |"]
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        spelling = ", ".join(f"`{_with_value(action, option)}`" for option in action.option_strings or [""])
        text = [str(action.help)] if action.help else []
        if action.choices and action.option_strings:
            text.append("one of " + ", ".join(f"`{choice}`" for choice in action.choices))
        if id(action) in either:
            text.append("one of these is needed")
        lines.append(f"| {_cell(spelling)} | {_cell('; '.join(text))} |")
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("*", r"\*")


def _with_value(action: argparse.Action, option: str) -> str:
    if action.nargs == 0:
        return option
    value = "..." if action.choices and action.metavar is None else str(action.metavar or action.dest.upper())
    return f"{option} {value}".strip()
