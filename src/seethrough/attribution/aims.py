"""Aims: what may be asked beside an output or the difference of two — a unit inside the network, a region of a
segmentation, a box of a detection, likeness to something.

Each is a small record a person makes and gives as target; with what the network answered (`Seen`) it becomes a function
of the output and a `Target` that says what was asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seethrough.errors import UsageError
from seethrough.models.labels import resolve
from seethrough.results import Target

Score = Callable[[Tensor], Tensor]
"""From what is asked of some versions of one image, (M, …), to the target's value of each, (M,)."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What the network answered to one image, for an aim to be settled on.

    Attributes
    ----------
    output
        (1, outputs, …), or the value of the layer that is asked.
    classes, quantity
        The outputs' names, where known; what they are (``"logit"``…).
    other
        Another output of the network by its name, (1, …), in the network's own layout.
    on_grid
        A mask on the picture's pixels as a mask on a grid (h, w) that covers the network's input.
    on_input
        A box ``(x0, y0, x1, y1)`` on the picture's pixels as fractions of the network's input.
    embedding
        What the network answers to another picture, (1, outputs, …).
    size
        (height, width) of the network's input.
    """

    output: Tensor
    classes: Sequence[str] | None
    quantity: str
    other: Callable[[str], Tensor]
    on_grid: Callable[[np.ndarray, tuple[int, int]], np.ndarray]
    on_input: Callable[[Sequence[float]], tuple[float, float, float, float]]
    embedding: Callable[[Any], Tensor]
    size: tuple[int, int]

    def index(self, said: int | str, offset: int = 0) -> int:
        """Which output a label or index means; the first ``offset`` outputs are no classes."""
        count = self.output.shape[1] - offset
        known = self.classes if self.classes is not None and len(self.classes) == count else None
        return offset + resolve(said, known if isinstance(said, str) else None, count)

    def name(self, index: int, offset: int = 0) -> str:
        """What a person calls an output."""
        k = index - offset
        return self.classes[k] if self.classes is not None and k < len(self.classes) else f"output {k}"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit inside the network: one channel of a layer, at one place or as the mean over its places. Every method that
    explains an output explains it too (the *neuron* forms of the methods).

    ``layer`` is a path, ``channel`` a number from 0, ``at`` a place (row, column) on the layer's grid. In words:
    ``"layer4[12]"``, ``"layer4[12]@3,5"``.
    """

    layer: str
    channel: int
    at: tuple[int, int] | None = None

    @classmethod
    def said(cls, text: str, layers: Iterable[str]) -> Unit | None:
        """The unit that a text names, if it names one of these layers."""
        found = re.fullmatch(r"(.+)\[(\d+)\](?:@(\d+),(\d+))?", text.strip())
        if found is None or found[1] not in layers:
            return None
        return cls(found[1], int(found[2]), None if found[3] is None else (int(found[3]), int(found[4])))

    def settled(self, seen: Seen) -> tuple[Score, Target]:
        """See `Seen`.

        Raises
        ------
        UsageError
            The layer has no such channel or place.
        """
        _, channels, *places = seen.output.shape
        if not 0 <= self.channel < channels:
            raise UsageError(f"Layer {self.layer!r} has the channels 0 to {channels - 1}, none is {self.channel}.")
        if self.at is not None and (len(places) != 2 or any(not 0 <= k < n for k, n in zip(self.at, places))):
            has = f"{places[0]} × {places[1]} places" if len(places) == 2 else "no places (height and width)"
            raise UsageError(f"Layer {self.layer!r} has {has}, none is {self.at}.")
        where = "" if self.at is None else f"@{self.at[0]},{self.at[1]}"

        def score(value: Tensor) -> Tensor:
            channel = value[:, self.channel]
            return channel[:, *self.at] if self.at is not None else channel.flatten(1).mean(1)

        return score, Target((), f"{self.layer}[{self.channel}]{where}", "activation")


@dataclass(frozen=True, eq=False)
class Region:
    """A class in a region of a segmentation: the mean of its scores over the places of a mask.

    ``target`` is a label or an index; ``mask`` a bool array on the picture's pixels or on the output's own grid, None
    for the places where the network gives this class before all others.
    """

    target: int | str
    mask: np.ndarray | None = None

    def settled(self, seen: Seen) -> tuple[Score, Target]:
        """See `Seen`.

        Raises
        ------
        UsageError
            The outputs have no places; a mask of another size, or an empty one; the class is nowhere the first.
        """
        if seen.output.dim() != 4:
            raise UsageError(
                f"A region needs outputs with height and width; these have the shape {tuple(seen.output.shape)}. Ask "
                "about the label alone."
            )
        index = seen.index(self.target)
        if self.mask is None:
            inside = (seen.output[0].argmax(0) == index).cpu().numpy()
            empty = f"The network gives {seen.name(index)!r} nowhere in this picture before all others; give a mask."
        else:
            inside = _on_grid(np.asarray(self.mask), seen)
            empty = "The mask of the region holds no place of the network's output; give another one."
        if not inside.any():
            raise UsageError(empty)
        mask = torch.from_numpy(inside)

        def score(out: Tensor) -> Tensor:
            return out[:, index][:, mask.to(out.device)].mean(1)

        return score, Target(((index, 1),), f"{seen.name(index)} in a region", seen.quantity)


def _on_grid(mask: np.ndarray, seen: Seen) -> np.ndarray:
    if mask.ndim != 2:
        raise UsageError(f"A region's mask has two axes (height, width), not the shape {mask.shape}.")
    grid = (int(seen.output.shape[2]), int(seen.output.shape[3]))
    return mask.astype(bool) if mask.shape == grid else seen.on_grid(mask.astype(bool), grid)


@dataclass(frozen=True, eq=False)
class Box:
    """A class in a box of a detection: its score at that proposal (query, anchor) whose own box overlaps most.

    ``box`` is ``(x0, y0, x1, y1)`` on the picture's pixels; ``target`` a label or an index. ``boxes`` names the output
    that holds the proposals' boxes, (N, proposals, 4); None where they are the first four outputs of each proposal, with
    the classes from ``first`` on (4 for YOLOv8, 5 behind an objectness). ``form`` says whether boxes are
    ``"cxcywh"`` or ``"xyxy"``; numbers up to 1.5 are fractions of the network's input, others its pixels. Networks whose
    raw outputs are tensors.
    """

    box: tuple[float, float, float, float]
    target: int | str
    boxes: str | None = None
    first: int = 4
    form: str = "cxcywh"

    def settled(self, seen: Seen) -> tuple[Score, Target]:
        """See `Seen`.

        Raises
        ------
        UsageError
            The outputs have no proposals, or no proposal touches the box.
        """
        if self.form not in ("cxcywh", "xyxy"):
            raise UsageError(f"Boxes come as 'cxcywh' or 'xyxy', not {self.form!r}.")
        if seen.output.dim() < 3:
            raise UsageError(
                f"A box needs outputs with several proposals, (N, outputs, proposals); these have the shape "
                f"{tuple(seen.output.shape)}."
            )
        out = seen.output.flatten(2)
        offset = self.first if self.boxes is None else 0
        proposals = out[0, :4].T if self.boxes is None else seen.other(self.boxes).reshape(-1, 4)
        if len(proposals) != out.shape[2]:
            raise UsageError(
                f"The output {self.boxes!r} holds {len(proposals)} boxes for {out.shape[2]} proposals; name another."
            )
        index = seen.index(self.target, offset)
        overlap = _overlap(self._corners(proposals.detach().double().cpu(), seen), seen.on_input(self.box))
        best = int(overlap.argmax())
        if not overlap[best] > 0:
            raise UsageError(f"No proposal of the network touches the box {tuple(self.box)} of this picture.")

        def score(found: Tensor) -> Tensor:
            return found.flatten(2)[:, index, best]

        return score, Target(((index, 1),), f"{seen.name(index, offset)} in a box", seen.quantity)

    def _corners(self, boxes: Tensor, seen: Seen) -> Tensor:
        """(proposals, 4) corners as fractions of the network's input."""
        if boxes.abs().max() > 1.5:
            height, width = seen.size
            boxes = boxes / torch.tensor([width, height, width, height], dtype=boxes.dtype)
        if self.form == "xyxy":
            return boxes
        centre, half = boxes[:, :2], boxes[:, 2:] / 2
        return torch.cat([centre - half, centre + half], 1)


def _overlap(boxes: Tensor, box: Sequence[float]) -> Tensor:
    """Intersection over union of each box (corners) with one, (proposals,)."""
    wanted = torch.tensor(box, dtype=boxes.dtype)
    low, high = torch.maximum(boxes[:, :2], wanted[:2]), torch.minimum(boxes[:, 2:], wanted[2:])
    both = (high - low).clamp(min=0).prod(1)
    areas = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1) + (wanted[2:] - wanted[:2]).clamp(min=0).prod()
    return both / (areas - both).clamp(min=1e-12)


@dataclass(frozen=True, eq=False)
class Similarity:
    """Likeness to something: the cosine between the network's output (an embedding) and a reference.

    ``reference`` is a vector of as many numbers as the network has outputs, or a picture as `explain` takes one.
    """

    reference: Any

    def settled(self, seen: Seen) -> tuple[Score, Target]:
        """See `Seen`.

        Raises
        ------
        UsageError
            A vector of another length.
        """
        given = self.reference
        vector = isinstance(given, (Tensor, np.ndarray, list, tuple)) and np.ndim(given) == 1
        wanted = torch.as_tensor(np.asarray(given)) if vector else _vectors(seen.embedding(given))[0]
        if len(wanted) != seen.output.shape[1]:
            raise UsageError(
                f"The reference has {len(wanted)} numbers, and the network gives {seen.output.shape[1]}; give a vector of "
                "that length, or a picture."
            )

        def score(out: Tensor) -> Tensor:
            return torch.cosine_similarity(_vectors(out), wanted.to(out)[None], dim=1)

        return score, Target((), "likeness to the reference", "similarity")


def _vectors(out: Tensor) -> Tensor:
    """(M, outputs): of outputs with places, their mean."""
    return out.flatten(2).mean(2) if out.dim() > 2 else out


Aim = Unit | Region | Box | Similarity
AIMS = (Unit, Region, Box, Similarity)
