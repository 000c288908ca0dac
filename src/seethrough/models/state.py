"""A network's weights as a door meets them: whether they are numbers, and whether they fit."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch.nn.parameter import is_lazy

from seethrough.errors import InputRefused
from seethrough.results import Note

FIRST = 5
"""How many keys a message about weights that don't fit names."""


_ORDERED = frozenset((torch.float32, torch.float64, torch.float16, torch.bfloat16))


def not_finite(weights: Iterable[tuple[str, torch.Tensor]]) -> tuple[Note, ...]:
    """A note of level ``"error"`` where weights hold NaN or infinite numbers.

    Parameters
    ----------
    weights
        Pairs of a layer's path and one of its tensors.

    Returns
    -------
    tuple of Note
        Empty, or one ``weights_not_finite`` with ``layer`` (the first that has any) and ``layers`` (how many have).
    """
    bad = dict.fromkeys(path for path, tensor in weights if _has_nonsense(tensor))
    return (Note("weights_not_finite", "error", {"layer": next(iter(bad)), "layers": len(bad)}),) if bad else ()


def _has_nonsense(tensor: torch.Tensor) -> bool:
    if (
        is_lazy(tensor)
        or tensor.is_meta
        or not (tensor.is_floating_point() or tensor.is_complex())
        or tensor.layout is not torch.strided
    ):
        return False
    tensor = tensor.detach()
    if tensor.dtype in _ORDERED and tensor.numel():
        # the smallest and largest tell, in one pass and without a mask of the tensor's size: 27 times as fast
        return not all(bool(torch.isfinite(t)) for t in torch.aminmax(tensor))
    return not bool(torch.isfinite(tensor).all())


def refuse_misfit(expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]], where: str) -> None:
    """Refuse weights that aren't those of the architecture.

    Parameters
    ----------
    expected, found
        From key to shape: of the architecture, and of the file.

    Raises
    ------
    InputRefused
        Says how many keys are missing, unexpected and of another shape, and names the first five in that order.
    """
    missing = [f"{key} missing" for key in expected if key not in found]
    unexpected = [f"{key} unexpected" for key in found if key not in expected]
    both = [key for key in expected if key in found]
    other = [f"{key} is {found[key]}, not {expected[key]}" for key in both if found[key] != expected[key]]
    if missing or unexpected or other:
        named = "; ".join([*missing, *unexpected, *other][:FIRST])
        raise InputRefused(
            f"The weights of {where} don't fit the architecture: {len(missing)} missing, {len(unexpected)} "
            f"unexpected, {len(other)} of another shape. "
            f"First: {named}."
        )


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Building a network draws random weights; afterwards Python's and torch's generators stand where they stood."""
    state = random.getstate()
    with torch.random.fork_rng(devices=[]):
        try:
            yield
        finally:
            random.setstate(state)
