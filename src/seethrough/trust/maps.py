"""The maps that are judged: one method's answer about the images of a run, brought to where maps can be compared.

Two grids. The *network's input grid* has a place for each pixel that the network sees. *Cells* cut it into at most
`CELLS` × `CELLS` rectangles; what is covered is covered by cells, and maps are compared by their mean in each, since a
grainy map and a coarse one agree in nothing finer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor
from torch.nn.functional import interpolate

from seethrough.attribution import Facts, Method
from seethrough.graph.run import Run

CELLS = 14
"""Cells along each side, or as many as there are pixels."""

COSTLY = 100
"""A method that takes more passes than this is asked again as seldom as possible."""

CONSTANT = 1e-6
"""A map whose values differ by no more than this part of the largest |value| is constant: what is left is rounding."""


@dataclass(frozen=True, eq=False)
class Case:
    """One method's answer about the images of a run.

    Attributes
    ----------
    method
        Whose it is.
    layer
        The layer that it was taken from; None for the input.
    settings
        What the method was called with; its defaults hold for what isn't said.
    values
        What it gave: (N, C, H, W), (N, H, W) or whatever its input looks like.
    checks
        What it reported beside (`Outcome.checks`), by name: ``completeness``, ``conservation``.
    again
        Whether the method may be asked again, of other weights and other pictures; False for a map that somebody made
        elsewhere.
    """

    method: Method
    layer: str | None
    settings: Mapping[str, Any]
    values: Tensor
    checks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    again: bool = True

    @property
    def used(self) -> dict[str, Any]:
        """All its settings, as given or by default."""
        return {k: v for k, v in {**self.method.defaults, **self.settings}.items() if k != "progress"}

    def ask(self, run: Run, settings: Mapping[str, Any]) -> Tensor:
        """The same method's answer to another run."""
        result = self.method.function(run, *([] if self.layer is None else [self.layer]), **settings)
        return result if isinstance(result, Tensor) else result.values

    def cheap(self, run: Run) -> Tensor:
        """Its own answer with the dial at its cheapest, to be compared with other answers had so; asked once a run."""
        settings, used = self.dialled(run), self.used
        pairs = [(settings[k], used.get(k)) for k in settings]
        if all(a is b or (isinstance(a, (int, float, str)) and a == b) for a, b in pairs):
            return self.values
        return run.once(("trust: cheap", id(self)), lambda: self.ask(run, settings))

    def costly(self, run: Run) -> bool:
        """Whether asking again costs more than `COSTLY` passes a picture, even at the cheapest."""
        height, width = (1, 1, *run.images.shape[2:])[-2:]
        facts = Facts(height, width)
        if self.method.takes_layer and isinstance(self.layer, str):
            channels, *grid = (*run.value(self.layer).shape[1:], 1, 1)[:3]
            facts = Facts(height, width, channels, (grid[0], grid[1]))
        passes = self.method.passes(self.dialled(run), facts)
        return passes.forward + passes.backward > COSTLY

    @property
    def unsigned(self) -> bool:
        """Whether the sign of its numbers means nothing: slopes, whose size is how much the answer moves."""
        return self.method.measures == "slope" and not self.method.signed

    def on_grid(self, size: tuple[int, ...], values: Tensor | None = None) -> Tensor:
        """One number a place of the network's input, float64 on the processor, (N, H, W), whatever grid the method's own
        map has (bilinear).

        Parameters
        ----------
        size
            Of the input: (H, W); (L,) for one that has no height.
        values
            Another answer of the same method; None for this one's.
        """
        one = self.method.reduced(self.values if values is None else values).detach().double().cpu()
        one = one.abs() if self.unsigned else one
        height, width = (1, *(size or one.shape[-1:]))[-2:]
        if one.shape[-2:] != (height, width):
            one = interpolate(one[:, None], (height, width), mode="bilinear", align_corners=False)[:, 0]
        return one

    def dialled(self, run: Run) -> dict[str, Any]:
        """Its settings with the dial at its cheapest, where that is cheaper than what was asked. An occlusion that was told
        nothing of its windows, and has no dial, moves them side by side: a quarter as many.
        """
        dial, settings = self.method.dial, self.used
        if self.method.name == "occlusion" and settings.get("window") is None and settings.get("stride") is None:
            return {**settings, "stride": max(1, min(run.images.shape[2:]) // 7)}
        if dial is None or dial.setting not in settings:
            return settings
        asked, cheapest = settings[dial.setting], dial.values[0]
        if isinstance(asked, (int, float)) and isinstance(cheapest, (int, float)) and asked <= cheapest:
            return settings
        return {**settings, dial.setting: cheapest}


@dataclass(frozen=True, eq=False)
class Grid:
    """The cells of an input.

    Attributes
    ----------
    rows, columns
        How many of each.
    cell
        int64 (H, W): the number of each pixel's cell, in reading order.
    """

    rows: int
    columns: int
    cell: Tensor

    @classmethod
    def of(cls, height: int, width: int) -> Grid:
        rows, columns = min(CELLS, height), min(CELLS, width)
        y, x = torch.arange(height) * rows // height, torch.arange(width) * columns // width
        return cls(rows, columns, y[:, None] * columns + x[None, :])

    @property
    def number(self) -> int:
        return self.rows * self.columns

    def means(self, maps: Tensor) -> np.ndarray:
        """(…, H, W) as the mean in each cell, float64 (…, cells)."""
        flat = maps.double().cpu().flatten(-2)
        index = self.cell.flatten()
        sums = torch.zeros(*flat.shape[:-1], self.number, dtype=torch.float64).index_add_(-1, index, flat)
        return (sums / index.bincount(minlength=self.number)).numpy()

    def pixels(self, cells: Tensor) -> Tensor:
        """(…, cells) as (…, H, W)."""
        return cells[..., self.cell]


def is_flat(m: np.ndarray) -> bool:
    """Whether a map is constant but for rounding."""
    largest = float(np.abs(m).max(initial=0))
    return not largest or float(m.max() - m.min()) <= CONSTANT * largest


def ranks(m: np.ndarray) -> np.ndarray:
    """Ranks along the last axis, ties sharing theirs, with mean 0 and length 1; 0 where all values tie."""
    r = rankdata(m, axis=-1)
    r = r - r.mean(-1, keepdims=True)
    length = np.sqrt((r**2).sum(-1, keepdims=True))
    return np.divide(r, length, out=np.zeros_like(r), where=length > 0)


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation of two maps of one form; 0 where one of them is constant, or not finite."""
    if not (np.isfinite(a).all() and np.isfinite(b).all()) or is_flat(a) or is_flat(b):
        return 0.0
    return float((ranks(a.ravel()) * ranks(b.ravel())).sum())
