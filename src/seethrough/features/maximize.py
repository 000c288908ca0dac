"""Maximize: a picture that excites a unit, a direction, a layer or a class most, found by climbing from noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seethrough.errors import UsageError
from seethrough.features.ascent import Callback
from seethrough.features.making import How, Progress, Stage, layer_named, made, stage
from seethrough.features.maximized import Maximized
from seethrough.features.objectives import OUTPUT, Channel, Direction, Logit, Neuron, Objective
from seethrough.features.parametrize import Parametrization, parametrization_said
from seethrough.features.transforms import Transform, transforms_said
from seethrough.models.labels import resolve
from seethrough.network import Network, as_network
from seethrough.results import Note

STEPS = 256
SHEET = 16
"""Channels that are asked for where only a layer is named."""


def maximize(
    net: Network | Any,
    layer: str | None = None,
    *,
    channel: int | Sequence[int] | None = None,
    neuron: Sequence[int] | Sequence[Sequence[int]] | None = None,
    direction: Any = None,
    target: str | int | Sequence[str | int] | None = None,
    objective: Objective | Sequence[Objective] | None = None,
    count: int = 1,
    size: int | Sequence[int] | None = None,
    steps: int = STEPS,
    parametrization: str | Parametrization = "fourier",
    transforms: str | Sequence[Transform] | None = "standard",
    start: Any = None,
    seed: int = 0,
    callback: Callback | None = None,
    progress: Progress | None = None,
    snapshots: int | None = None,
    real: Any = None,
) -> Maximized:
    """Make a picture for each unit, direction or class that is asked for.

    Parameters
    ----------
    layer
        Path of the layer, or a pattern that fits one.
    channel
        One or several of its channels, each by its mean over all places; where nothing else is asked, the first 16.
    neuron
        One place of a channel: (channel, row, column), or (channel,) for the middle; or a list of such.
    direction
        A direction of the layer's channels, (C,), or several, (K, C).
    target
        One or several outputs by label or index, or ``"a - b"``; before a final softmax.
    objective
        Anything of `seethrough.features.objectives`, added and scaled; or a list, a picture each.
    count
        With one ``objective``: so many pictures of it, each from noise of its own, made together, so that `Diversity` can hold
        them apart.
    size
        Of the picture in pixels, or (height, width); by default the network's own.
    steps
        Of the ascent.
    parametrization
        ``"fourier"``, ``"pixel"``, ``"maco"``, or an object of `seethrough.features.parametrize`.
    transforms
        ``"standard"``, ``"gentle"``, ``"none"``, or a list of `seethrough.features.transforms`.
    start
        A picture to begin with instead of noise (path, image, uint8 array). To stay near to one, see `accentuate`.
    seed
        Of the noise and the moves. The same seed gives the same picture, whichever others are asked for beside it, up to
        rounding.
    callback, progress
        Told of every step; a callback that returns False ends the ascent.
    snapshots
        How many pictures of the way are kept (for a GIF); by default 24 where there are at most 16 pictures.
    real
        Real pictures (folder, list, uint8 array) whose best stands beside what was reached; or numbers measured before.

    Returns
    -------
    Maximized
        ``.pictures``, and what they reach at the network.

    Raises
    ------
    UsageError
        An unknown layer, channel or class; nothing asked, or two things at once.
    InputRefused
        A size that the network doesn't take, a network that doesn't take pictures.

    Notes
    -----
    After Erhan, Bengio, Courville and Vincent (Visualizing higher-layer features of a deep network, 2009) and Olah, Mordvintsev and
    Schubert (Feature visualization, 2017). Ours: the graph is cut at the layer; what real pictures reach stands beside it.
    """
    net = as_network(net)
    place = stage(net, size)
    asked = {"channel": channel, "neuron": neuron, "direction": direction, "target": target, "objective": objective}
    objectives, notes = asked_for(place, layer, asked)
    together = objective is not None and isinstance(objective, Objective) and count > 1
    if count != 1 and not together:
        raise UsageError(f"count={count} asks for several pictures of one objective; give one as objective=.")
    how = How(
        parametrization_said(parametrization),
        transforms_said(transforms, *place.size),
        steps,
        seed,
        snapshots,
        callback,
        progress,
    )
    begin = None if start is None else started(place, start)
    return made(
        place, objectives * count, how, start=begin, together=together, real=real, notes=notes, more={"count": count}
    )


def started(place: Stage, image: Any):
    """A picture to begin with, (1, C, H, W), 0…1, fitted to a stage as the network fits pictures.

    Raises
    ------
    UsageError
        For several pictures.
    """
    import torch

    from seethrough.images import is_ready

    if is_ready(image):
        prepared = place.net.prepare(image)
        pictures = place.pixels.from_network(prepared.batch)
    else:
        pictures = _fitted(place, image)
    if len(pictures) != 1:
        raise UsageError(f"One picture is begun with, and {len(pictures)} were given.")
    if tuple(pictures.shape[2:]) != place.size:
        pictures = torch.nn.functional.interpolate(pictures, place.size, mode="bilinear", antialias=True)
    return pictures


def _fitted(place: Stage, image: Any):
    """Pictures cut to the stage's form and resized to its size, (N, C, H, W), 0…1."""
    import torch

    from seethrough.features.pixels import GREY
    from seethrough.images import load_pictures

    fitted = []
    for picture in load_pictures(image):
        pixels = torch.from_numpy(picture.pixels.copy()).permute(2, 0, 1)[None].float() / 255
        (high, wide), (height, width) = pixels.shape[2:], place.size
        scale = max(height / high, width / wide)
        resized = max(height, round(high * scale)), max(width, round(wide * scale))
        pixels = torch.nn.functional.interpolate(pixels, resized, mode="bilinear", antialias=True)
        top, left = (resized[0] - height) // 2, (resized[1] - width) // 2
        pixels = pixels[:, :, top : top + height, left : left + width].clamp(0, 1)
        if place.pixels.channels != 3:
            grey = (pixels * torch.tensor(GREY)[None, :, None, None]).sum(1, keepdim=True)
            pixels = grey.expand(-1, place.pixels.channels, -1, -1)
        fitted.append(pixels)
    return torch.cat(fitted)


def asked_for(place: Stage, layer: str | None, asked: dict[str, Any]) -> tuple[tuple[Objective, ...], tuple[Note, ...]]:
    """What is to be excited, from what was said."""
    said = [name for name, value in asked.items() if value is not None]
    if len(said) > 1:
        raise UsageError(
            f"A picture is made for one thing; {' and '.join(said)} are two. Give objectives that add instead."
        )
    if asked["objective"] is not None:
        return _given(asked["objective"], layer), ()
    if asked["target"] is not None:
        if layer is not None:
            raise UsageError("A class is an output, of no layer; leave the layer out, or the class.")
        return outputs(place, asked["target"]), ()
    if layer is None:
        raise UsageError(
            "Say what is to be excited: a layer with channel=, neuron= or direction=, or a class with target=."
        )
    path = layer_named(place.net, layer)
    if asked["neuron"] is not None:
        return tuple(_neuron(path, n) for n in _listed(asked["neuron"])), ()
    if asked["direction"] is not None:
        return tuple(Direction(path, row) for row in _directions(asked["direction"])), ()
    channels = _channels(place, path)
    if asked["channel"] is None:
        shown = min(SHEET, channels)
        notes = (
            (Note("maximized_first_channels", "info", {"shown": shown, "total": channels}),) if shown < channels else ()
        )
        return tuple(Channel(path, c) for c in range(shown)), notes
    wanted = [asked["channel"]] if isinstance(asked["channel"], int | np.integer) else list(asked["channel"])
    wrong = next((c for c in wanted if not 0 <= c < channels), None)
    if wrong is not None or not wanted:
        what = "none was named" if wrong is None else f"{wrong} is none of them"
        raise UsageError(f"Layer {path!r} has {channels} channels, 0 to {channels - 1}; {what}.")
    return tuple(Channel(path, int(c)) for c in wanted), ()


def outputs(place: Stage, said: Any) -> tuple[Objective, ...]:
    """Classes by label, index, or as ``"a - b"``."""
    graph = place.cut((OUTPUT,), 1).graph
    number = int(graph.logits.shape(graph.values[graph.logits.value].at(1))[1])
    classes = place.net.classes
    names = classes if classes is not None and len(classes) == number else None
    return tuple(_output(each, names, number) for each in (said if isinstance(said, list | tuple) else [said]))


def _output(said: str | int, names: Sequence[str] | None, number: int) -> Objective:
    if isinstance(said, str) and " - " in said and (names is None or said not in names):
        left, right = (_output(part.strip(), names, number) for part in said.split(" - ", 1))
        return left - right
    index = resolve(said, names, number)
    return Logit(index, "" if names is None else names[index])


def _channels(place: Stage, path: str) -> int:
    cut = place.cut((path,), 1)
    at = cut.places[path]
    return int(at.shape(cut.graph.values[at.value].at(1))[1])


def _given(objective: Any, layer: str | None) -> tuple[Objective, ...]:
    if layer is not None:
        raise UsageError("An objective says itself which layers it reads; leave the layer out.")
    several = (objective,) if isinstance(objective, Objective) else tuple(objective)
    if not several or not all(isinstance(o, Objective) for o in several):
        raise UsageError("An objective is one of seethrough.features.objectives, or a list of such.")
    return several


def _listed(neuron: Any) -> list[Sequence[int]]:
    return list(neuron) if neuron and isinstance(neuron[0], Sequence) else [neuron]


def _neuron(path: str, said: Sequence[int]) -> Neuron:
    if len(said) == 1:
        return Neuron(path, int(said[0]))
    if len(said) != 3:
        raise UsageError(f"A neuron is (channel, row, column), or (channel,) for the middle; this is {tuple(said)!r}.")
    return Neuron(path, int(said[0]), (int(said[1]), int(said[2])))


def _directions(said: Any) -> np.ndarray:
    rows = np.atleast_2d(np.asarray(said, np.float32))
    if rows.ndim != 2 or not np.isfinite(rows).all() or not rows.any(1).all():
        raise UsageError("A direction is a row of finite numbers, one a channel, not all 0; or several rows (K, C).")
    return rows
