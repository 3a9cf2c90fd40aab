"""``--onnx`` of the commands that train a network."""

from __future__ import annotations

import argparse
from typing import Any

from ..export.onnx import needs_onnx
from ..networks.network import Network

__all__ = ["add_onnx", "check_installed", "write_asked"]


def add_onnx(parser: argparse.ArgumentParser) -> None:
    """Add the option."""
    parser.add_argument(
        "--onnx",
        metavar="MODEL.onnx",
        help="write the network as an ONNX file, after comparing it in onnxruntime (needs the extra export)",
    )


def check_installed(args: argparse.Namespace) -> None:
    """Raise :class:`BackendError` before any work if the file is wanted and a package is missing."""
    if args.onnx is not None:
        needs_onnx()


def write_asked(args: argparse.Namespace, network: Network) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Write the file if it is wanted; what the comparison found, as JSON fields and as lines."""
    if args.onnx is None:
        return {}, []
    found = network.to_onnx(args.onnx)
    return {"onnx": found.to_dict()}, [("onnx", found.text)]
