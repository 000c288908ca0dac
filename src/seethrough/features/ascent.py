"""The ascent: step by step towards pictures that an objective likes better.

Three things that don't know of each other meet here, and nowhere else: what is wanted (`objectives`), what is moved (`parametrize`),
how it is jittered (`transforms`). The rest is Adam (Kingma and Ba, 2015).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seethrough.errors import InputRefused
from seethrough.features.cut import Cut
from seethrough.features.objectives import INPUT, Each, Objective, Read
from seethrough.features.parametrize import Canvas, Parametrization
from seethrough.features.pixels import Pixels
from seethrough.features.transforms import Transform, margin, middle, moved

WAKING = 16
"""Steps in which closed rectifiers let through a part of the gradient, wherever they are."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where an ascent stands, for a callback.

    ``step`` counts from 1; ``values`` is the objective of each picture as it was just seen, moved, float32 (K,);
    ``pictures`` gives the pictures now, uint8 (K, H, W, 3). Of many pictures so many are made at once; ``first`` is the number
    of the first of these.
    """

    first: int
    step: int
    values: np.ndarray
    pictures: Callable[[], np.ndarray]


Callback = Callable[[Moment], object]
"""Told of every step; ends the ascent where it returns False."""


@dataclass(frozen=True, eq=False)
class Ascended:
    """What an ascent came to.

    ``pictures`` is (K, C, H, W), 0…1; ``opacity`` (K, H, W), where the objective kept asking for a change, as its accumulated
    |gradient|, unscaled; ``trajectory`` (steps, K), the objective as it was seen; ``snapshots`` uint8 (S, K, H, W, 3) after
    the steps ``at``.
    """

    pictures: Tensor
    opacity: Tensor
    trajectory: np.ndarray
    snapshots: np.ndarray
    at: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Ascent:
    """How pictures are sought.

    Attributes
    ----------
    size
        (height, width) of what the network sees and of the pictures.
    snapshots
        How many pictures of the way are kept, the first step and the last among them.
    first
        The number of the first of these pictures among all that are made.
    """

    cut: Cut
    pixels: Pixels
    size: tuple[int, int]
    parametrization: Parametrization
    transforms: Sequence[Transform]
    steps: int
    seed: int = 0
    snapshots: int = 0
    first: int = 0

    def canvas(self, count: int, start: Tensor | None = None, *, alike: bool = True) -> Canvas:
        """Pictures to begin with: the same noise for all, or for each its own where they aren't ``alike``."""
        chance = torch.Generator().manual_seed(self.seed)
        high, wide = (n + 2 * margin(self.transforms) for n in self.size)
        channels = self.pixels.channels
        if start is not None:
            edge = margin(self.transforms)
            start = _mirrored(start.expand(count, -1, -1, -1), edge)
            return self.parametrization.canvas((count, channels, high, wide), chance, start)
        if not alike:
            return self.parametrization.canvas((count, channels, high, wide), chance)
        canvas = self.parametrization.canvas((1, channels, high, wide), chance)
        return _repeated(canvas, self.parametrization, (count, channels, high, wide), self.seed)

    def climb(
        self,
        objective: Objective | Each,
        canvas: Canvas,
        *,
        callback: Callback | None = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> Ascended:
        """Move the canvas so that the objective of each picture grows."""
        chance = torch.Generator().manual_seed(self.seed + 1)
        adam = torch.optim.Adam(canvas.parameters, lr=self.parametrization.rate)
        keep = _evenly(self.steps, self.snapshots)
        opacity, trajectory, kept = None, [], []
        for step in range(1, self.steps + 1):
            values, gradients, seen = self._step(objective, canvas, chance, waking=step <= WAKING)
            opacity = seen if opacity is None else opacity + seen
            for parameter, gradient in zip(canvas.parameters, gradients):
                parameter.grad = -gradient
            adam.step()
            trajectory.append(values.detach().float().cpu().numpy())
            _refuse_no_number(trajectory[-1], step)
            if step in keep:
                kept.append(self._drawn(canvas))
            if progress is not None:
                progress(step, self.steps)
            if (
                callback is not None
                and callback(Moment(self.first, step, trajectory[-1], lambda: self._drawn(canvas))) is False
            ):
                break
        with torch.no_grad():
            pictures = middle(canvas.picture(), self.size).contiguous()
        none = np.zeros((0, len(pictures), *self.size, 3), np.uint8)
        at = tuple(k for k in keep if k <= len(trajectory))
        assert opacity is not None
        return Ascended(pictures, opacity, np.stack(trajectory), np.stack(kept) if kept else none, at)

    def _step(
        self, objective: Objective | Each, canvas: Canvas, chance: torch.Generator, *, waking: bool
    ) -> tuple[Tensor, tuple[Tensor, ...], Tensor]:
        """The objective of each picture as it is moved now, the gradient of their sum, and |gradient| of the pixels kept."""
        with torch.enable_grad():
            picture = canvas.picture()
            shown = moved(picture, self.transforms, self.size, chance)
            found = self.cut.differentiable(self.pixels.to_network(shown), waking=waking)
            values = objective(reader(found, shown))
            (slope,) = torch.autograd.grad(values.sum(), picture, retain_graph=True)
            gradients = torch.autograd.grad(picture, canvas.parameters, slope)
        return values, gradients, middle(slope, self.size).abs().sum(1)

    def measured(self, objective: Objective | Each, pictures: Tensor) -> Tensor:
        """The objective of each picture, (K,), as the network sees it unmoved."""
        return objective(reader(self.cut.values(self.pixels.to_network(pictures)), pictures))

    def _drawn(self, canvas: Canvas) -> np.ndarray:
        with torch.no_grad():
            return self.pixels.drawn(middle(canvas.picture(), self.size))


def reader(found: dict[str, Tensor], pictures: Tensor) -> Read:
    """What an objective reads: layers' values, and the pictures themselves."""
    return lambda layer: pictures if layer == INPUT else found[layer]


def _repeated(canvas: Canvas, parametrization: Parametrization, shape: tuple[int, ...], seed: int) -> Canvas:
    """A canvas of many pictures that begin as the one of another does."""
    many = parametrization.canvas(shape, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for ours, theirs in zip(many.parameters, canvas.parameters):
            ours.copy_(theirs.expand_as(ours))
    return many


def _mirrored(pictures: Tensor, edge: int) -> Tensor:
    """Larger by an edge on each side, which mirrors the picture; repeats its rim where it is smaller than the edge."""
    if not edge:
        return pictures
    mode = "reflect" if edge < min(pictures.shape[2:]) else "replicate"
    return torch.nn.functional.pad(pictures, (edge,) * 4, mode=mode)


def _evenly(steps: int, count: int) -> tuple[int, ...]:
    """So many steps of 1…steps, denser where the picture changes most, which is early."""
    if not count:
        return ()
    at = np.linspace(0, 1, count) ** 1.5 * (steps - 1) + 1
    return tuple(dict.fromkeys(round(k) for k in at))


def _refuse_no_number(values: np.ndarray, step: int) -> None:
    if not np.isfinite(values).all():
        raise InputRefused(
            f"The network gave values that are no numbers at step {step}, so nothing can be climbed; look at its weights "
            "(seethrough check)."
        )
