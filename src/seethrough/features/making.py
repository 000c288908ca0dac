"""Making: what all ways to make a picture share, from a network and a size to the finished result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seethrough.anatomy.layers import find_values
from seethrough.anatomy.running import told
from seethrough.errors import InputRefused, NetworkRefused, UsageError
from seethrough.features.ascent import Ascended, Ascent, Callback, reader
from seethrough.features.best_real import best_real
from seethrough.features.cut import LEAK, Cut
from seethrough.features.maximized import Maximized
from seethrough.features.objectives import OUTPUT, Channel, Each, Neuron, Objective, Read
from seethrough.features.parametrize import Parametrization
from seethrough.features.pixels import ASSUMED, Pixels, pixels_of
from seethrough.features.transforms import Transform
from seethrough.network import Network
from seethrough.results import INPUT, Note, Passes

TOGETHER = 8
"""Pictures that are made at once."""

SMALLEST = 4
"""Pixels a side, at least."""

SNAPSHOTS, WITH_SNAPSHOTS = 24, 16
"""Pictures of the way that are kept, and of how many pictures at most, where nobody says how many."""

NAMED_AT_MOST = 5

Progress = Callable[[int, int], object]
"""Told the steps done, and those in all."""


@dataclass(frozen=True, eq=False)
class Stage:
    """A network, and the pictures that will be shown to it.

    ``size`` is their (height, width), ``own`` that of the network, where it is known.
    """

    net: Network
    pixels: Pixels
    size: tuple[int, int]
    own: tuple[int, int] | None

    def cut(self, layers: Sequence[str], count: int) -> Cut:
        """The network up to some layers, for so many pictures.

        Raises
        ------
        InputRefused
            Where the network can't take pictures of this size; names one that it takes.
        """
        batch = self.pixels.to_network(torch.full((count, self.pixels.channels, *self.size), 0.5))
        try:
            with told(self.net.opened, self.net.source, batch):
                return Cut(self.net.source, [layer for layer in layers if layer != INPUT], batch)
        except InputRefused as error:
            if self.own in (None, self.size) or isinstance(error, NetworkRefused) or " It takes " in str(error):
                raise
            raise InputRefused(f"{error} It is made for {self.own[0]}×{self.own[1]} pixels.") from error


@dataclass(frozen=True, eq=False)
class How:
    """How pictures are sought: as for `seethrough.features.ascent.Ascent`."""

    parametrization: Parametrization
    transforms: Sequence[Transform]
    steps: int
    seed: int
    snapshots: int | None
    callback: Callback | None = None
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.steps, int) or self.steps < 1:
            raise UsageError(f"An ascent has at least one step, and steps is {self.steps!r}.")

    def described(self) -> dict[str, Any]:
        """Plain data that says how, for the result."""
        return {
            "parametrization": self.parametrization.name,
            "transforms": [repr(t) for t in self.transforms],
            "steps": self.steps,
            "rate": self.parametrization.rate,
            "seed": self.seed,
        }


def stage(net: Network, size: int | Sequence[int] | None) -> Stage:
    """A network with the size of the pictures to be made: those that it is for, where nothing is said.

    Raises
    ------
    InputRefused
        A network whose input is no picture.
    UsageError
        A size that isn't one; none, where nobody knows the network's own.
    """
    shape = net.input_size
    if shape is not None and len(shape) != 3:
        raise InputRefused(
            f"{net.opened.source} takes inputs of {' × '.join(map(str, shape))}, which are no pictures; only pictures can be made."
        )
    channels, own = 3 if net.opened.preprocessing is None else len(net.opened.preprocessing.channels), None
    if shape is not None:
        one, two, three = shape
        channels, own = (one, (two, three)) if net.opened.layout == "channels_first" else (three, (one, two))
    wanted = own if size is None else _sides(size)
    if wanted is None:
        raise UsageError(f"Nothing says how large {net.opened.source} wants its pictures; say size=128, for instance.")
    return Stage(net, pixels_of(net, channels), wanted, own)


def _sides(size: int | Sequence[int]) -> tuple[int, int]:
    sides = (size, size) if isinstance(size, int) else tuple(size)
    if len(sides) != 2 or not all(isinstance(n, int) and n >= SMALLEST for n in sides):
        raise UsageError(
            f"A size is a whole number of at least {SMALLEST} pixels, or (height, width); this is {size!r}."
        )
    return sides[0], sides[1]


def layer_named(net: Network, pattern: str) -> str:
    """The one layer of this path or pattern.

    Raises
    ------
    UsageError
        Where there is none, or more than one.
    """
    try:
        graph = net.graph()
    except (NetworkRefused, UsageError):
        return pattern  # held against the graph of the pictures themselves
    path, *others = find_values(graph, pattern)
    if others:
        raise UsageError(f"{pattern!r} fits {1 + len(others)} layers ({', '.join((path, *others[:3]))}, …); name one.")
    return path


def made(
    stage: Stage,
    objectives: Sequence[Objective],
    how: How,
    *,
    way: str = "maximize",
    start: Tensor | None = None,
    together: bool = False,
    real: Any = None,
    more: Mapping[str, Any] | None = None,
    notes: Sequence[Note] = (),
) -> Maximized:
    """Make a picture for each objective, and measure what came of it.

    Parameters
    ----------
    start
        (1, C, H, W), 0…1: what all begin with, instead of noise.
    together
        All objectives are one, of all pictures at once: each begins with its own noise, and all are made together.
    real
        As for `seethrough.features.best_real.best_real`.
    more
        Further settings for the result.
    """
    best = None if real is None else best_real(stage.net, objectives, real)
    groups = [objectives] if together else [objectives[k : k + TOGETHER] for k in range(0, len(objectives), TOGETHER)]
    parts = [_part(stage, group, how, k, len(groups), start=start, together=together) for k, group in enumerate(groups)]
    steps = sum(len(p.ascended.trajectory) * len(p.names) for p in parts)
    pictures = np.concatenate([p.pictures for p in parts])
    result = Maximized(
        way,
        tuple(name for p in parts for name in p.names),
        tuple(dict.fromkeys(layer for o in objectives for layer in o.layers if layer not in (OUTPUT, INPUT))),
        pictures,
        np.concatenate([p.inputs for p in parts]),
        np.concatenate([p.reached for p in parts]),
        np.concatenate([p.strongest for p in parts]),
        np.concatenate([p.rectified for p in parts]),
        _aligned([p.ascended.trajectory for p in parts]),
        np.concatenate([_relative(p.ascended.opacity) for p in parts]),
        _snapshots([p.ascended for p in parts]),
        parts[0].ascended.at,
        None if best is None else best.values,
        () if best is None else best.names,
        0 if best is None else best.count,
        None if start is None else stage.pixels.drawn(start)[0],
        Passes(steps + len(pictures), steps),
        {**how.described(), "size": list(stage.size), **(more or {})},
    )
    told = (*stage.net.opened.notes, *_assumptions(stage, parts[0].leaks), *notes, *_judged(result))
    return replace(result, notes=told, provenance={**stage.net.provenance, "seed": how.seed})


@dataclass(frozen=True, eq=False)
class _Part:
    """Pictures that were made together."""

    ascended: Ascended
    names: tuple[str, ...]
    pictures: np.ndarray
    inputs: np.ndarray
    reached: np.ndarray
    strongest: np.ndarray
    rectified: np.ndarray
    leaks: bool


def _part(
    stage: Stage,
    group: Sequence[Objective],
    how: How,
    number: int,
    groups: int,
    *,
    start: Tensor | None,
    together: bool,
) -> _Part:
    layers = tuple(dict.fromkeys(layer for o in group for layer in o.layers))
    objective = group[0] if together else Each(tuple(group))
    cut, pixels = stage.cut(layers, len(group)), stage.pixels
    kept = how.snapshots if how.snapshots is not None else SNAPSHOTS * (groups <= WITH_SNAPSHOTS // TOGETHER)
    ascent = Ascent(
        cut, pixels, stage.size, how.parametrization, how.transforms, how.steps, how.seed, kept, number * TOGETHER
    )
    progress = how.progress
    done = None if progress is None else lambda step, steps: progress(number * steps + step, groups * steps)
    canvas = ascent.canvas(len(group), start, alike=not together)
    ascended = ascent.climb(objective, canvas, callback=how.callback, progress=done)
    final = pixels.rounded(ascended.pictures)
    batch = pixels.to_network(final)
    read = reader(cut.values(batch), final)
    return _Part(
        ascended,
        tuple(o.name for o in group),
        pixels.drawn(final),
        stage.net.source.native(batch).detach().float().cpu().numpy(),
        objective(read).detach().float().cpu().numpy(),
        np.array([_strongest(o, read, k) for k, o in enumerate(group)], np.float32),
        np.array([all(layer in cut.places and cut.rectified(layer) for layer in o.layers) for o in group]),
        bool(cut.last_rectifiers),
    )


def _strongest(objective: Objective, read: Read, row: int) -> float:
    """The largest value of the channel that an objective asks for, at any place."""
    if not isinstance(objective, Channel | Neuron):
        return float("nan")
    return float(read(objective.layer)[row, objective.channel].max())


def _aligned(trajectories: Sequence[np.ndarray]) -> np.ndarray:
    """(steps, K) of groups, of which one may have been ended early: NaN from there on."""
    steps = max(map(len, trajectories))
    ends = [np.pad(t, ((0, steps - len(t)), (0, 0)), constant_values=np.nan) for t in trajectories]
    return np.concatenate(ends, axis=1)


def _snapshots(parts: Sequence[Ascended]) -> np.ndarray:
    count = min(len(p.snapshots) for p in parts)
    return np.concatenate([p.snapshots[:count] for p in parts], axis=1)


def _relative(opacity: Tensor) -> np.ndarray:
    """0…1 a picture: full from the 80th percentile on, smoothed as the eye would."""
    smooth = torch.nn.functional.avg_pool2d(opacity[:, None], 5, stride=1, padding=2, count_include_pad=False)[:, 0]
    most = torch.quantile(smooth.flatten(1), 0.8, dim=1).clamp(min=1e-20)
    return (smooth / most[:, None, None]).clamp(0, 1).float().cpu().numpy()


def _assumptions(stage: Stage, leaks: bool) -> list[Note]:
    notes = []
    if stage.pixels.assumed:
        notes.append(Note("maximized_range_assumed", "warning", {"low": ASSUMED[0], "high": ASSUMED[1]}))
    if stage.own is not None and stage.own != stage.size:
        numbers = {"size": " × ".join(map(str, stage.size)), "own": " × ".join(map(str, stage.own))}
        notes.append(Note("maximized_other_size", "info", numbers))
    if leaks:
        notes.append(Note("maximized_rectifier", "info", {"share": LEAK}))
    return notes


def _judged(result: Maximized) -> list[Note]:
    """What a person must know of what was reached."""
    notes = []
    silent = [n for n, fires in zip(result.names, result.fires) if not fires]
    if silent and result.way == "maximize":
        notes.append(Note("maximized_silent", "warning", {"count": len(silent), "names": _some(silent)}))
    if result.beats_real is not None:
        below = [n for n, beats in zip(result.names, result.beats_real) if not beats]
        if below:
            numbers = {"count": len(below), "total": len(result), "names": _some(below)}
            notes.append(Note("maximized_below_real", "warning", numbers))
    return notes


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED_AT_MOST]) + (", …" if len(names) > NAMED_AT_MOST else "")
