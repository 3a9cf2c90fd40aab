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
from itertools import count
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..architectures import Activation, Branch, layers_of
from ..contracts.files import replacing
from ..contracts.records import record
from ..contracts.validation import check_arguments
from ..errors import BackendError
from ..networks.network import Network
from ..version import __version__

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


def write_onnx(target: str | Path | IO[bytes], network: Network, *, seed: int = 0) -> OnnxCheck:
    """Write `network` as an ONNX file after comparing the graph with it: :meth:`Network.to_onnx`.

    Parameters
    ----------
    target : str, Path or binary file
        Where it goes.
    network : Network
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
    check_arguments("write_onnx", target=(target, object), network=(network, Network))
    data = onnx_bytes(network)
    found = check_onnx(data, network, seed=seed)
    if isinstance(target, (str, Path)):
        with replacing(target, "onnx") as file:
            file.write(data)
    else:
        target.write(data)
    return found


def check_onnx(data: bytes, network: Network, *, seed: int = 0) -> OnnxCheck:
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
    geometry = network.architecture.geometry
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
    neurons = network.architecture.outputs(geometry.extract(X), network.parameters)
    scale = max(largest, float(np.abs(neurons).sum(axis=1).max(initial=0.0)))
    if got.shape != expected.shape or not difference <= _TOLERANCE * scale:
        raise BackendError(
            f"onnx: got outputs {difference:.3g} from the network's on {_SAMPLES} random inputs, expected at most "
            f"{_TOLERANCE * scale:.3g}; please report it with the versions of onnx and onnxruntime"
        )
    return OnnxCheck(_SAMPLES, difference, largest)


def onnx_bytes(network: Network) -> bytes:
    """The graph of `network` as the bytes of an ONNX file, checked by ``onnx`` for its form alone.

    Raises
    ------
    BackendError, InputError
        As :func:`write_onnx`.
    """
    needs_onnx()
    onnx = import_module("onnx")
    architecture = network.architecture
    layers = layers_of(architecture, network.parameters, network.free)
    shape, q = architecture.geometry.input_shape, architecture.q
    graph = _Graph(onnx)
    flat = graph.node("Reshape", "X", graph.integers([-1, architecture.geometry.d]))
    total = ""
    for branch in layers.branches:
        part = _branch(graph, flat, branch)
        total = graph.node("Add", total, part) if total else part
    if layers.bias.any():
        total = graph.node("Add", total, graph.numbers(layers.bias))
    if q == 1:
        total = graph.node("Squeeze", total, graph.integers([1]))
    graph.node("Identity", total, name="f")
    double, helper = onnx.TensorProto.DOUBLE, onnx.helper
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            architecture.name,
            [helper.make_tensor_value_info("X", double, ["n", *shape])],
            [helper.make_tensor_value_info("f", double, ["n"] if q == 1 else ["n", q])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
        producer_name="convex-core",
        producer_version=__version__,
    )
    said = {"architecture": architecture.name, **architecture.options, **architecture.geometry.to_dict()}
    helper.set_model_props(model, {name: str(value) for name, value in said.items()})
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString()
    return data


class _Graph:
    """Nodes and constants as they come."""

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self._number = count()
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        name = name or f"{operator.lower()}_{next(self._number)}"
        self.nodes.append(self._onnx.helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def _constant(self, array: NDArray[Any]) -> str:
        name = f"constant_{next(self._number)}"
        self.constants.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def numbers(self, array: Any) -> str:
        return self._constant(np.asarray(array, dtype=np.float64))

    def integers(self, array: Any) -> str:
        return self._constant(np.asarray(array, dtype=np.int64))

    def sum(self, value: str, axis: int) -> str:
        return self.node("ReduceSum", value, self.integers([axis]), keepdims=0)


def _branch(graph: _Graph, flat: str, branch: Branch) -> str:
    """Nodes from the flat inputs (n, d) to what a branch adds, (n, q)."""
    geometry = branch.geometry
    index = geometry.index
    if (index < 0).any():  # a column of zeros, which the index -1 reads
        flat = graph.node("Pad", flat, graph.integers([0, 0, 0, 1]))
        index = np.where(index < 0, geometry.d, index)
    filters, window = branch.filters, geometry.window
    # no Transpose: some runtimes fuse it with a product that they have in single precision only
    if filters.ndim == 3:  # each patch (1, window) times its own filters
        windows = graph.node("Gather", flat, graph.integers(index[:, None]), axis=1)
        own = graph.numbers(filters[:, :, :window].transpose(1, 2, 0))
        sums = graph.node("Squeeze", graph.node("MatMul", windows, own), graph.integers([2]))
    else:
        windows = graph.node("Gather", flat, graph.integers(index), axis=1)
        sums = graph.node("MatMul", windows, graph.numbers(filters[:, :window].T))  # (n, K, m)
    if geometry.biased:
        sums = graph.node("Add", sums, graph.numbers(filters[..., -1].T if filters.ndim == 3 else filters[:, -1]))
    for further in branch.again:  # (n, K, h, m): what each position sees of the responses
        seen = graph.node("Gather", sums, graph.integers(geometry.index), axis=1)
        sums = graph.sum(graph.node("Mul", seen, graph.numbers(further.T)), 2)
    values = _activated(graph, sums, branch.activation)
    if branch.groups:
        longest = max(map(len, branch.groups))
        # a patch counts once among the largest, however often it is listed
        members = [np.resize(group, longest) for group in branch.groups]
        seen = graph.node("Gather", values, graph.integers(members), axis=1)
        values = graph.node("ReduceMax", seen, graph.integers([2]), keepdims=0)
    if branch.counts is not None:
        values = graph.node("Mul", values, graph.numbers(branch.counts.T))
    pooled = graph.sum(values, 1)
    if branch.scale != 1.0:
        pooled = graph.node("Mul", pooled, graph.numbers(branch.scale))
    if branch.rectified:
        pooled = graph.node("Relu", pooled)
    return graph.node("MatMul", pooled, graph.numbers(branch.weights))


def _activated(graph: _Graph, sums: str, activation: Activation | str) -> str:
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
