"""Targets: what is asked about an image — one output, a sum or difference of several, or any function of the outputs.

A person says it as a label, an index, ``"snow leopard - Arabian leopard"``, ``"dog + cat"`` (labels that hold at once),
a function, an aim (`seethrough.attribution.aims`), or a list of such with one entry an image; nothing means the network's
own first answer. What comes of it is data for the result (`Target`) and a function of the output for the run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seethrough.attribution.aims import AIMS, Seen
from seethrough.errors import UsageError
from seethrough.models.labels import resolve
from seethrough.results import Target

Said = Any
"""A target as a person says it."""


@dataclass(frozen=True)
class Question:
    """Targets of a batch: what they are, and how the output answers."""

    targets: tuple[Target, ...]
    score: Callable[[Tensor, Tensor], Tensor]


def question(
    said: Said,
    outputs: Tensor,
    classes: Sequence[str] | None,
    quantity: str,
    seen: Callable[[int], Seen] | None = None,
) -> Question:
    """Settle the targets of a batch; of an output with places (a segmentation), its mean over them is meant.

    Parameters
    ----------
    said
        One target for all images, a list with one for each, or None for each image's own first answer.
    outputs
        What the network answered, (N, outputs, …).
    classes
        The names of the outputs, where they are known.
    quantity
        ``"logit"``, ``"probability"`` or ``"output"``: what the outputs are.
    seen
        What aims are settled on, by image.

    Raises
    ------
    UsageError
        An unknown or ambiguous label, an index beyond the outputs, a list of another length, a function that gives no
        number an image.
    """
    number = len(outputs)
    if callable(said):
        return _function(said, quantity)
    each = targets_by_image(said, number)
    if any(isinstance(s, AIMS) for s in each):
        return _aims(each, seen)
    flat = _places(outputs)
    signs = [_signs(s, flat[i], classes) for i, s in enumerate(each)]
    targets = tuple(Target(pairs, _label(pairs, classes), quantity) for pairs in signs)
    weights = torch.zeros(number, flat.shape[1])
    for i, pairs in enumerate(signs):
        for index, sign in pairs:
            weights[i, index] += sign
    picks = [list(dict(pairs)) for pairs in signs]
    if all(len(p) == 1 for p in picks) and all(sign == 1 for pairs in signs for _, sign in pairs):
        index = torch.tensor([p[0] for p in picks])
        return Question(targets, lambda out, rows: _places(out).gather(1, index.to(out.device)[rows][:, None])[:, 0])
    return Question(targets, lambda out, rows: (_places(out) * weights.to(out)[rows]).sum(1))


def _aims(each: Sequence[Said], seen: Callable[[int], Seen] | None) -> Question:
    """Of aims, one for each image."""
    if seen is None or not all(isinstance(s, AIMS) for s in each):
        raise UsageError("A unit, region, box or likeness as target can't be mixed with labels; ask about them apart.")
    settled = [aim.settled(seen(i)) for i, aim in enumerate(each)]
    scores = [score for score, _ in settled]

    def score(out: Tensor, rows: Tensor) -> Tensor:
        return torch.cat([scores[row](out[i : i + 1]) for i, row in enumerate(rows.tolist())])

    return Question(tuple(target for _, target in settled), score)


def targets_by_image(said: Said, number: int) -> list[Said]:
    """One target an image, from one for all or a list (or array) with one for each.

    Raises
    ------
    UsageError
        A list of another length, or with a function in it.
    """
    if isinstance(said, (Tensor, np.ndarray)) and said.ndim:
        said = said.tolist()
    each = list(said) if isinstance(said, (list, tuple)) else [said] * number
    if len(each) != number:
        raise UsageError(
            f"{len(each)} target{'s' * (len(each) != 1)} for {number} image{'s' * (number != 1)}; give one for each, "
            "or one for all."
        )
    if any(callable(s) for s in each) and isinstance(said, (list, tuple)):
        raise UsageError("A function as target stands for all images; give it alone, not in a list.")
    return each


def _places(out: Tensor) -> Tensor:
    """(N, outputs): of outputs with places, their mean."""
    return out.flatten(2).mean(2) if out.dim() > 2 else out.reshape(len(out), -1)


def _signs(said: Said, row: Tensor, classes: Sequence[str] | None) -> tuple[tuple[int, int], ...]:
    count = len(row)
    if said is None:
        return ((int(row.argmax()), 1),)
    if isinstance(said, str) and _SEVERAL.search(said) and not _known(said, classes, count):
        return _several(said, classes, count)
    if isinstance(said, (Tensor, np.ndarray, np.generic)):
        said = said.item()
    if isinstance(said, bool) or not isinstance(said, (int, str)):
        raise UsageError(f"A target is a label, an index, 'a - b' or a function, not {said!r}.")
    index = resolve(said, _fitting(classes, count) if isinstance(said, str) else None, count)
    return ((index, 1),)


def _several(said: str, classes: Sequence[str] | None, count: int) -> tuple[tuple[int, int], ...]:
    """``"a - b"``, ``"a + b"``: each output with its sign."""
    first, *more = _SEVERAL.split(said)
    parts = [(first, "+"), *zip(more[1::2], more[::2])]
    pairs = [(resolve(p.strip(), _fitting(classes, count), count), -1 if sign == "-" else 1) for p, sign in parts]
    if len({index for index, _ in pairs}) < len(pairs):
        doing = "takes an output from itself" if any(sign < 0 for _, sign in pairs) else "names an output twice"
        raise UsageError(f"The target {said!r} {doing}; name different ones.")
    return tuple(pairs)


_SEVERAL = re.compile(r" ([-+]) ")


def _fitting(classes: Sequence[str] | None, count: int) -> Sequence[str] | None:
    return classes if classes is not None and len(classes) == count else None


def _known(said: str, classes: Sequence[str] | None, count: int) -> bool:
    try:
        resolve(said, _fitting(classes, count), count)
    except UsageError:
        return False
    return True


def _label(pairs: tuple[tuple[int, int], ...], classes: Sequence[str] | None) -> str:
    names = [classes[i] if classes is not None and i < len(classes) else f"output {i}" for i, _ in pairs]
    return names[0] + "".join(f" {'+' if sign > 0 else '-'} {name}" for name, (_, sign) in zip(names[1:], pairs[1:]))


def _function(said: Callable[[Tensor], Any], quantity: str) -> Question:
    name = getattr(said, "__name__", type(said).__name__)
    label = "a function of the outputs" if name == "<lambda>" else name

    def score(out: Tensor, rows: Tensor) -> Tensor:
        value = said(out)
        if not isinstance(value, Tensor) or value.dim() == 0 or len(value) != len(out) or value.numel() != len(out):
            shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise UsageError(f"The target {label} must give one number for each of {len(out)} images; it gave {shape}.")
        return value.reshape(len(out))

    return Question((Target((), label, quantity),), score)
