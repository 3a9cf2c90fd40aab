"""What networks can become: files and modules of other programs. Those programs are loaded when they are asked for."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pathlib import Path

    from ..export.onnx import OnnxCheck
    from ..networks.network import Network

__all__ = ["NetworkExports"]


class NetworkExports:
    """What a :class:`~convex_core.Network`, and one with a pooling grid over listed filters, can do."""

    __slots__ = ()

    def to_onnx(self, target: str | Path | IO[bytes], *, seed: int = 0) -> OnnxCheck:
        """Write the network as an ONNX file in double precision, after comparing it with :meth:`predict`.

        The input ``X`` is (n, *input shape), channels last, the output ``f`` (n,) or (n, q); opset 18. Needs the extra
        ``export``: ``pip install 'convex-core[export]'``.

        Parameters
        ----------
        target : str, Path or binary file
            Where it goes; nothing is written if the comparison fails.
        seed : int
            Of the random inputs of the comparison.

        Returns
        -------
        OnnxCheck
            How many inputs were compared, and the largest difference.

        Raises
        ------
        BackendError
            If ``onnx`` or ``onnxruntime`` is missing, or its outputs differ by more than rounding.
        InputError
            If the architecture does not say its layers, or the file cannot be written.
        """
        from ..export.onnx import write_onnx

        return write_onnx(target, cast("Network", self), seed=seed)

    def to_torch(self) -> Any:
        """The network as a ``torch.nn.Module`` in double precision, to be used or trained further.

        Inputs are (n, C, L) or (n, C, H, W) as PyTorch has them, with C = 1 where there are no channels, outputs as of
        :meth:`predict`. The layers are ``conv`` (Conv1d or Conv2d), the activation, the pooling and ``head`` (Linear),
        by these names in ``state_dict()``; :func:`~convex_core.from_torch` is the way back. Of a network over a list
        the whitening is in ``conv``, gates are the convolution ``gate``, and there is no way back.

        Raises
        ------
        BackendError
            If PyTorch is missing.
        InputError
            If filters differ from patch to patch, which is no convolution.
        """
        from ..export.torch_module import torch_module

        return torch_module(cast("Network", self))
