"""Batches for ONNX networks that were written for one batch size.

An exporter that was given one image writes its batch size, 1, into the shapes of reshapes and expansions and into the
constants that are joined to the images. Where it stands is found by running two batches apart and together: where a
node gives together something else than the two results side by side, the shape that it was told is tried with each of
its axes made longer, until it does. What comes of it is believed once the outputs agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from seethrough.models.onnx_module import OnnxNetwork, Step

TELLING = ("Reshape", "Expand", "Concat")
"""Operators in whose settings or constants a batch size is written down."""

TOLERANCE = 1e-4
"""Largest difference, relative to the largest number."""


class _NotFreed(Exception):
    """A node that can't be brought to take another batch size."""


def free_batch(network: OnnxNetwork, one: Tensor, other: Tensor) -> bool:
    """Make a network that was written for a batch size take any, as far as that can be done.

    Parameters
    ----------
    one, other
        Two different batches of that size.

    Returns
    -------
    bool
        Whether both together now give what each gives alone. If not, the network sends other batch sizes through in
        parts (`OnnxNetwork.alone`).
    """
    alone = [_watched(network, batch) for batch in (one, other)]
    expected = iter(zip(*(seen for _, seen in alone)))

    def settle(step: Step, given: tuple[Any, ...]) -> Any:
        return _settled(step, given, next(expected)) if step.node.operator in TELLING else step(*given)

    try:
        together = network.run(torch.cat([one, other]), settle)
        freed = all(_agrees(*outputs) for outputs in zip(_each(together), *(_each(out) for out, _ in alone)))
    except Exception:  # whatever torch says of shapes that don't fit
        freed = False
    if not freed:
        network.alone = True
        for step in network.steps.values():
            step.batch_axis = None
    return freed


def _watched(network: OnnxNetwork, batch: Tensor) -> tuple[Any, list[Any]]:
    """The output, and what each node of `TELLING` gave."""
    seen: list[Any] = []

    def watch(step: Step, given: tuple[Any, ...]) -> Any:
        found = step(*given)
        if step.node.operator in TELLING:
            seen.append(found)
        return found

    return network.run(batch, watch), seen


def _settled(step: Step, given: tuple[Any, ...], expected: tuple[Tensor, Tensor]) -> Tensor:
    """What a node gives for both batches together; settles along which axis its batch lies."""
    step.declared = tuple(expected[0].shape)
    for axis in (None, *range(expected[0].dim())):
        step.batch_axis = axis
        try:
            step.short = _short(step, given)
            found = step(*given, batch=(2, 1))
        except (RuntimeError, IndexError, StopIteration):  # a shape that doesn't fit
            continue
        if _agrees(found, *expected) or _same(found, *expected):
            return found
    raise _NotFreed


def _short(step: Step, given: tuple[Any, ...]) -> frozenset[int]:
    """Of what is joined, the positions of what has half the batch: constants that were written for it."""
    if step.node.operator != "Concat" or step.batch_axis is None:
        return frozenset()
    sizes = [value.shape[step.batch_axis] for value in step.inputs(given)]
    return frozenset(i for i, size in enumerate(sizes) if 2 * size == max(sizes))


def _same(found: Tensor, one: Tensor, other: Tensor) -> bool:
    """Whether the batch makes no difference here, as for a table of positions."""
    return found.shape == one.shape == other.shape and torch.equal(one, other) and torch.equal(found, one)


def _agrees(found: Tensor, one: Tensor, other: Tensor) -> bool:
    """Whether a result is two others side by side, along any axis."""
    return any(_close(found, side) for side in _side_by_side(found, one, other))


def _side_by_side(found: Tensor, one: Tensor, other: Tensor) -> Iterator[Tensor]:
    for axis in range(one.dim()):
        doubled = (2 * n if i == axis else n for i, n in enumerate(one.shape))
        if found.dim() == one.dim() and tuple(found.shape) == tuple(doubled):
            # Where the batch isn't outermost, its images alternate: each axis before it goes through both.
            yield torch.cat([one, other], axis)


def _close(found: Tensor, expected: Tensor) -> bool:
    if not found.is_floating_point():
        return torch.equal(found, expected)
    scale = expected.abs().max().clamp(min=1e-30)
    return bool((found - expected).abs().max() <= TOLERANCE * scale)


def _each(output: Any) -> list[Tensor]:
    return list(output.values()) if isinstance(output, dict) else [output]
