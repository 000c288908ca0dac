"""ONNX files with other weights: the person's file as it is, but for the tensors that a network has changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seethrough.errors import InputRefused
from seethrough.models.onnx_file import onnx_library, read_onnx
from seethrough.models.onnx_module import OnnxNetwork
from seethrough.models.onnx_program import array_of


def with_weights(path: Path, network: OnnxNetwork) -> bytes:
    """A file of the same network with the weights of ``network``, a changed one of those that it was opened as.

    Raises
    ------
    InputRefused
        A weight that the file doesn't hold as such, but that was made of others when it was opened.
    """
    onnx = onnx_library()
    model = read_onnx(path)
    tensors = dict(_tensors(model))
    for name, value in _weights(network).items():
        if name not in tensors:
            raise InputRefused(
                f"The weights {name!r} aren't in {str(path)!r} itself but made of others there, so they can't be changed; open "
                "the network that it was exported from."
            )
        tensor = tensors[name]
        if not np.array_equal(array_of(tensor), value):
            kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
            tensor.CopyFrom(onnx.numpy_helper.from_array(value.astype(kind), tensor.name))
    return model.SerializeToString()


def _tensors(model: Any) -> Iterator[tuple[str, Any]]:
    """What the file keeps, by the name of the value that it is: beside its nodes, or in one that gives nothing else."""
    for node in model.graph.node:
        for attribute in node.attribute if node.op_type == "Constant" else ():
            if attribute.name == "value":
                yield node.output[0], attribute.t
    yield from ((tensor.name, tensor) for tensor in model.graph.initializer)


def _weights(network: OnnxNetwork) -> dict[str, np.ndarray]:
    """By the name that the file has for them."""
    found = {}
    for step in network.steps.values():
        for position, attribute in step.named.items():
            value = getattr(step, attribute)
            if isinstance(value, torch.nn.Parameter):
                found[step.node.inputs[position]] = value.detach().cpu().numpy()
    return found


__all__ = ["with_weights"]
