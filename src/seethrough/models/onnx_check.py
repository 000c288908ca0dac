"""What is made of an ONNX file, held against the file: sizes before anything is computed, numbers against onnxruntime."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from seethrough.errors import InputRefused, UsageError
from seethrough.graph.fakes import unlogged
from seethrough.models.onnx_module import OnnxNetwork, Step
from seethrough.models.onnx_operators import spread

LARGEST_VALUE = 2 * 2**30
"""Bytes of one value between two nodes, for a batch of two images."""

TOLERANCE, HALF_TOLERANCE = 1e-4, 2e-2
"""How far the outputs may be from onnxruntime's, relative to the largest; of networks in half precision, which it
computes in half precision and we don't.
"""


def refuse_what_can_not_run(network: OnnxNetwork, shape: tuple[int, ...], where: str) -> None:
    """Run a network on tensors without data, so that what can't be is found before anything is allocated.

    Parameters
    ----------
    shape
        Of a batch, in the layout of the file.

    Raises
    ------
    InputRefused
        Names the node that can't be run or asks for more than `LARGEST_VALUE`.
    """
    with unlogged(), FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        run_or_refuse(network, torch.empty(shape), where)


def run_or_refuse(network: OnnxNetwork, images: Tensor, where: str) -> Any:
    """What a network gives for a batch.

    Raises
    ------
    InputRefused
        As for `refuse_what_can_not_run`; also for what only shows on real numbers, such as their types.
    """
    at: list[Step] = []

    def watch(step: Step, given: tuple[Any, ...]) -> Any:
        at.append(step)
        found = step(*given)
        for value in spread(found):
            if isinstance(value, Tensor) and prod(value.shape) * value.element_size() > LARGEST_VALUE:
                raise ValueError(f"a value of shape {tuple(value.shape)} is asked for, of more than 2 GB")
        return found

    try:
        return network.run(images, watch)
    except Exception as error:  # whatever torch or NumPy says of what doesn't fit
        last = f"node {at[-1].node.name!r} ({at[-1].node.operator})" if at else "its first nodes"
        said = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        size = " × ".join(str(n) for n in images.shape[1:])
        raise InputRefused(f"{where} can't be run on inputs of {size}: {last}: {said}.") from error


def onnxruntime_outputs(model: Any, name: str, images: np.ndarray, where: str) -> list[np.ndarray] | None:
    """What onnxruntime computes; None where it isn't installed, or the network is too large to be handed over.

    Raises
    ------
    InputRefused
        onnxruntime can't run it.
    """
    try:
        import onnxruntime
    except ImportError:
        return None
    if model.ByteSize() > 2**31 - 2**20:
        return None
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return [np.asarray(output) for output in session.run(None, {name: images})]
    except Exception as error:  # a class of its own for each kind of failure
        said = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise InputRefused(f"onnxruntime can't run {where}: {said}") from error


def largest_difference(found: Any, expected: list[np.ndarray]) -> float:
    """Largest difference from the expected outputs, relative to the largest number of each.

    Raises
    ------
    ValueError
        Other shapes, or numbers where there are none.
    """
    ours = list(found.values()) if isinstance(found, dict) else [found]
    worst = 0.0
    for output, wanted in zip(ours, expected, strict=True):
        got, want = output.detach().double().cpu().numpy(), np.asarray(wanted, np.float64)
        if got.shape != want.shape or not np.array_equal(np.isfinite(got), np.isfinite(want)):
            raise ValueError(f"its output has shape {got.shape}, onnxruntime's {want.shape}, or other places of NaN")
        finite = np.isfinite(want)
        if finite.any():
            scale = max(float(np.abs(want[finite]).max()), 1e-30)
            worst = max(worst, float(np.abs(got - want)[finite].max()) / scale)
    return worst


def refuse_difference(difference: float, half: bool, where: str) -> None:
    """Refuse a network that doesn't give what onnxruntime gives.

    Raises
    ------
    UsageError
        The difference is beyond rounding.
    """
    allowed = HALF_TOLERANCE if half else TOLERANCE
    if difference > allowed:
        raise UsageError(
            f"{where}: what Seethrough computes differs from onnxruntime by {difference:.1e} of the largest output, more "
            f"than the {allowed:.0e} of rounding; export it again from the original with another opset, or open that."
        )
