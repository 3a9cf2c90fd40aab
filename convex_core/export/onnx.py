r"""Networks as ONNX graphs in double precision, compared with the network they come from before anybody gets them.

The graph cuts the input into patches by their indices and multiplies; every padding, stride and architecture is the
same few operators (``Gather``, ``MatMul``, ``Relu``, ``ReduceSum`` and the like of opset 18), all of which the runtime
has in double precision, unlike its convolution. The input ``X`` has the shape (n, *input shape) in float64, images with
channels last as everywhere here; the output ``f`` is (n,) or (n, q).

Needs ``onnx`` and ``onnxruntime``: ``pip install 'convex-core[export]'``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..architectures import Activation, Branch, layers_of
from ..contracts.files import replacing
from ..contracts.records import record
from ..contracts.validation import check_arguments
from ..errors import BackendError
from ..lists import ListedNetwork
from ..networks.network import Network
from ..patches import PatchGeometry
from ..version import __version__
from .listed import LISTED
from .onnx_graph import Graph
from .onnx_listed import listed_nodes

__all__ = ["OPSET", "OnnxCheck", "check_onnx", "needs_onnx", "onnx_bytes", "write_onnx"]

_Array = NDArray[np.float64]

#: Version of the operators of the graph.
OPSET = 18
# of the file format, the one that came with the opset: old runtimes read it
_IR_VERSION = 8
_SAMPLES = 64
# of the largest output, and of what the neurons add up to
_TOLERANCE = 1e-11


@record
@dataclass(frozen=True, slots=True)
class OnnxCheck:
    """How far the graph was from the network in a runtime.

    Attributes
    ----------
    inputs : int
        Random inputs that were compared.
    max_difference : float
        Largest distance of an output from :meth:`Network.predict`.
    largest : float
        Largest output among them, in absolute value.
    opset : int
        Version of the operators.
    """

    inputs: int
    max_difference: float
    largest: float
    opset: int = OPSET

    @property
    def text(self) -> str:
        """In one sentence.

        Examples
        --------
        >>> OnnxCheck(64, 2e-15, 3.0).text
        'opset 18, within 2e-15 of the network on 64 random inputs with outputs up to 3'
        """
        return (
            f"opset {self.opset}, within {self.max_difference:.2g} of the network on {self.inputs} random inputs with "
            f"outputs up to {self.largest:.3g}"
        )

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return {
            "opset": self.opset,
            "inputs": self.inputs,
            "max_difference": self.max_difference,
            "largest": self.largest,
        }


def needs_onnx() -> None:
    """Raise :class:`BackendError` if a package is missing, before any work is done.

    Raises
    ------
    BackendError
        Names what is missing, and the command that installs it.
    """
    missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise BackendError(
            f"onnx: got no {' and no '.join(missing)} in this environment, expected both: "
            "pip install 'convex-core[export]'"
        )


def write_onnx(target: str | Path | IO[bytes], network: Network | ListedNetwork, *, seed: int = 0) -> OnnxCheck:
    """Write `network` as an ONNX file after comparing the graph with it: :meth:`Network.to_onnx`.

    Parameters
    ----------
    target : str, Path or binary file
        Where it goes.
    network : Network or ListedNetwork
        Any that says its layers.
    seed : int
        Of the random inputs of the comparison.

    Raises
    ------
    BackendError
        If a package is missing, or the runtime's outputs differ from the network's by more than rounding; no file is
        written then.
    InputError
        If the architecture does not say its layers, or the file cannot be written.
    """
    check_arguments(
        "write_onnx",
        target=(target, object),
        network=(network, ListedNetwork if isinstance(network, ListedNetwork) else Network),
    )
    data = onnx_bytes(network)
    found = check_onnx(data, network, seed=seed)
    if isinstance(target, (str, Path)):
        with replacing(target, "onnx") as file:
            file.write(data)
    else:
        target.write(data)
    return found


def check_onnx(data: bytes, network: Network | ListedNetwork, *, seed: int = 0) -> OnnxCheck:
    """Compare an ONNX file with a network on Gaussian inputs.

    Raises
    ------
    BackendError
        If a package is missing, the runtime refuses the file, or they differ by more than rounding.
    """
    needs_onnx()
    runtime = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    geometry = geometry_of(network)
    X = np.random.default_rng(seed).standard_normal((_SAMPLES, geometry.d))
    try:
        session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        (got,) = session.run(None, {"X": X.reshape(_SAMPLES, *geometry.input_shape)})
    except Exception as error:  # its errors have no common class of their own
        raise BackendError(
            f"onnx: got {' '.join(str(error).split())[:300]} from onnxruntime {runtime.__version__}, expected one that "
            f"has the operators of opset {OPSET} in double precision"
        ) from error
    expected = network.predict(X)
    difference, largest = float(np.abs(got - expected).max()), float(np.abs(expected).max())
    scale = max(largest, _added(network, X))
    if got.shape != expected.shape or not difference <= _TOLERANCE * scale:
        raise BackendError(
            f"onnx: got outputs {difference:.3g} from the network's on {_SAMPLES} random inputs, expected at most "
            f"{_TOLERANCE * scale:.3g}; please report it with the versions of onnx and onnxruntime"
        )
    return OnnxCheck(_SAMPLES, difference, largest)


def geometry_of(network: Network | ListedNetwork) -> PatchGeometry:
    """The patches of a network of either kind."""
    return network.geometry if isinstance(network, ListedNetwork) else network.architecture.geometry


def _added(network: Network | ListedNetwork, X: _Array) -> float:
    """The largest sum of absolute values that an output is made of."""
    if isinstance(network, ListedNetwork):
        pooled = np.abs(network.pooled(X)) if network.m else np.zeros((len(X), 0, network.grid.R))
        return float(np.einsum("nmr,mrq->nq", pooled, np.abs(network.weights)).max(initial=0.0))
    neurons = network.architecture.outputs(network.architecture.geometry.extract(X), network.parameters)
    return float(np.abs(neurons).sum(axis=1).max(initial=0.0))


def onnx_bytes(network: Network | ListedNetwork) -> bytes:
    """The graph of `network` as the bytes of an ONNX file, checked by ``onnx`` for its form alone.

    Raises
    ------
    BackendError, InputError
        As :func:`write_onnx`.
    """
    needs_onnx()
    onnx = import_module("onnx")
    graph = Graph(onnx)
    geometry = geometry_of(network)
    flat = graph.node("Reshape", "X", graph.integers([-1, geometry.d]))
    if isinstance(network, ListedNetwork):
        total, q = listed_nodes(graph, flat, network), network.q
        said: dict[str, Any] = {
            "architecture": LISTED,
            "pooling": network.grid.pooling,
            "pooling_cuts": network.grid.cuts,
        }
        said |= geometry.to_dict()
    else:
        architecture = network.architecture
        layers = layers_of(architecture, network.parameters, network.free)
        q, total = architecture.q, ""
        for branch in layers.branches:
            part = _branch(graph, flat, branch)
            total = graph.node("Add", total, part) if total else part
        if layers.bias.any():
            total = graph.node("Add", total, graph.numbers(layers.bias))
        said = {"architecture": architecture.name, **architecture.options, **geometry.to_dict()}
    if q == 1:
        total = graph.node("Squeeze", total, graph.integers([1]))
    graph.node("Identity", total, name="f")
    double, helper = onnx.TensorProto.DOUBLE, onnx.helper
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            said["architecture"],
            [helper.make_tensor_value_info("X", double, ["n", *geometry.input_shape])],
            [helper.make_tensor_value_info("f", double, ["n"] if q == 1 else ["n", q])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
        producer_name="convex-core",
        producer_version=__version__,
    )
    helper.set_model_props(model, {name: str(value) for name, value in said.items()})
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString()
    return data


def _branch(graph: Graph, flat: str, branch: Branch) -> str:
    """Nodes from the flat inputs (n, d) to what a branch adds, (n, q)."""
    geometry = branch.geometry
    filters, window = branch.filters, geometry.window
    # no Transpose: some runtimes fuse it with a product that they have in single precision only
    if filters.ndim == 3:  # each patch (1, window) times its own filters
        windows = graph.windows(flat, geometry, apart=True)
        own = graph.numbers(filters[:, :, :window].transpose(1, 2, 0))
        sums = graph.node("Squeeze", graph.node("MatMul", windows, own), graph.integers([2]))
    else:
        windows = graph.windows(flat, geometry)
        sums = graph.node("MatMul", windows, graph.numbers(filters[:, :window].T))  # (n, K, m)
    if geometry.biased:
        sums = graph.node("Add", sums, graph.numbers(filters[..., -1].T if filters.ndim == 3 else filters[:, -1]))
    for further in branch.again:  # (n, K, h, m): what each position sees of the responses
        seen = graph.node("Gather", sums, graph.integers(geometry.index), axis=1)
        sums = graph.sum(graph.node("Mul", seen, graph.numbers(further.T)), 2)
    values = _activated(graph, sums, branch.activation)
    if branch.groups:
        values = graph.largest(values, list(branch.groups))
    if branch.counts is not None:
        values = graph.node("Mul", values, graph.numbers(branch.counts.T))
    pooled = graph.sum(values, 1)
    if branch.scale != 1.0:
        pooled = graph.node("Mul", pooled, graph.numbers(branch.scale))
    if branch.rectified:
        pooled = graph.node("Relu", pooled)
    return graph.node("MatMul", pooled, graph.numbers(branch.weights))


def _activated(graph: Graph, sums: str, activation: Activation | str) -> str:
    if activation == "quadratic":
        return graph.node("Mul", sums, sums)
    if activation == "threshold":
        return graph.node("Cast", graph.node("GreaterOrEqual", sums, graph.numbers(0.0)), to=11)  # to double
    assert isinstance(activation, Activation)
    above, below = activation.above, activation.below
    if above == below:
        return sums if above == 1.0 else graph.node("Mul", sums, graph.numbers(above))
    parts = []
    for slope, side in ((above, sums), (-below, sums if not below else graph.node("Neg", sums))):
        if slope:
            part = graph.node("Relu", side)
            parts.append(part if slope == 1.0 else graph.node("Mul", part, graph.numbers(slope)))
    return parts[0] if len(parts) == 1 else graph.node("Add", *parts)
