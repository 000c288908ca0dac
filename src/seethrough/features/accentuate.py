"""Accentuate, invert, caricature, dream: what a network makes of a picture that is given, by the same ascent that makes
pictures from noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seethrough.errors import InputRefused, NetworkRefused, UsageError
from seethrough.features.ascent import Callback, reader
from seethrough.features.making import SMALLEST, How, Progress, Stage, layer_named, made, stage
from seethrough.features.maximize import asked_for, started
from seethrough.features.maximized import Maximized
from seethrough.features.objectives import INPUT, OUTPUT, Along, Channel, Layer, Near, Objective
from seethrough.features.parametrize import Parametrization, Pixel, parametrization_said
from seethrough.features.transforms import Transform, transforms_said
from seethrough.network import Network, as_network
from seethrough.results import Note

STEPS = 128
OCTAVES = 3
EARLY = 0.3
"""How far on the way to what is asked for the layer lies at which an accentuated picture stays near to its beginning."""

Transforms = str | Sequence[Transform] | None


def accentuate(
    net: Network | Any,
    image: Any,
    layer: str | None = None,
    *,
    channel: int | Sequence[int] | None = None,
    neuron: Any = None,
    direction: Any = None,
    target: Any = None,
    objective: Objective | Sequence[Objective] | None = None,
    near: float = 2.0,
    near_layer: str | None = None,
    size: int | Sequence[int] | None = None,
    steps: int = STEPS,
    parametrization: str | Parametrization = "fourier",
    transforms: Transforms = "slight",
    seed: int = 0,
    callback: Callback | None = None,
    progress: Progress | None = None,
    snapshots: int | None = None,
    real: Any = None,
) -> Maximized:
    """Bring out of a picture what excites a unit or speaks for a class, while it stays near to what it was.

    Parameters
    ----------
    image
        One picture: path, image, uint8 array (H, W, 3); or a ready tensor of one.
    near
        How much it counts to stay near, against what is asked for at the beginning.
    near_layer
        The layer in which nearness is measured, ``""`` for the pixels; by default an early one.

    Other parameters, what is returned and raised are those of `seethrough.maximize`.

    Notes
    -----
    After Hamblin, Fel, Saha, Konkle and Alvarez (Feature accentuation, 2024); the choice of the early layer is ours.
    """
    place = stage(as_network(net), size)
    asked = {"channel": channel, "neuron": neuron, "direction": direction, "target": target, "objective": objective}
    wanted, notes = asked_for(place, layer, asked)
    begin = started(place, image)
    path = _early(place, wanted) if near_layer is None else near_layer and layer_named(place.net, near_layer)
    kept = Near(path, _values(place, path, begin))
    both = tuple(o / _scale(place, o, begin) + near * kept for o in wanted)
    how = _how(place, parametrization, transforms, steps, seed, snapshots, callback, progress)
    result = made(place, both, how, way="accentuate", start=begin, notes=notes, more={"near": near, "near_layer": path})
    return _told_of(place, result, wanted, real)


def invert(
    net: Network | Any,
    image: Any,
    layer: str,
    *,
    size: int | Sequence[int] | None = None,
    steps: int = 2 * STEPS,
    parametrization: str | Parametrization = "fourier",
    transforms: Transforms = "none",
    seed: int = 0,
    callback: Callback | None = None,
    progress: Progress | None = None,
    snapshots: int | None = None,
) -> Maximized:
    """A picture, found from noise, for which a layer gives what it gives for a picture: what is lost was not kept there.

    ``reached`` is minus the squared distance as a share of the layer's squared values: 0 would be the same.

    Notes
    -----
    After Mahendran and Vedaldi (Understanding deep image representations by inverting them, 2015), with the Fourier
    parametrization in place of their priors. Other parameters are those of `seethrough.maximize`.
    """
    place = stage(as_network(net), size)
    path, picture = layer_named(place.net, layer), started(place, image)
    objective = Near(path, _values(place, path, picture))
    how = _how(place, parametrization, transforms, steps, seed, snapshots, callback, progress)
    return replace(made(place, [objective], how, way="invert"), started=place.pixels.drawn(picture)[0])


def caricature(
    net: Network | Any,
    image: Any,
    layer: str,
    *,
    power: float = 1.0,
    size: int | Sequence[int] | None = None,
    steps: int = STEPS,
    parametrization: str | Parametrization = "fourier",
    transforms: Transforms = "gentle",
    seed: int = 0,
    callback: Callback | None = None,
    progress: Progress | None = None,
    snapshots: int | None = None,
) -> Maximized:
    """What a layer sees in a picture, exaggerated: from noise, as much as can be of what it gives for the picture.

    ``power`` of the cosine keeps out anything else. ``reached`` is 1 for the picture itself.

    Notes
    -----
    After the caricatures of Lucid (2018). Other parameters are those of `seethrough.maximize`.
    """
    place = stage(as_network(net), size)
    path, picture = layer_named(place.net, layer), started(place, image)
    objective = Along(path, _values(place, path, picture), power)
    how = _how(place, parametrization, transforms, steps, seed, snapshots, callback, progress)
    result = made(place, [objective], how, way="caricature", more={"power": power})
    return replace(result, started=place.pixels.drawn(picture)[0])


def deepdream(
    net: Network | Any,
    image: Any,
    layer: str,
    *,
    channel: int | None = None,
    octaves: int | None = None,
    ratio: float = 1.4,
    size: int | Sequence[int] | None = None,
    steps: int = 32,
    parametrization: str | Parametrization | None = None,
    transforms: Transforms = "gentle",
    seed: int = 0,
    callback: Callback | None = None,
    progress: Progress | None = None,
    snapshots: int | None = None,
) -> Maximized:
    """More of whatever a layer sees in a picture, at several sizes of it, from small to large.

    Parameters
    ----------
    channel
        One of its channels alone.
    octaves, ratio
        How many sizes, and by how much each is larger than the one before; the network must take them all. By default
        3, or 1, which is said, for a network that takes its own size alone.
    steps
        At each size.

    Notes
    -----
    After Mordvintsev, Olah and Tyka (Inceptionism, 2015). Other parameters are those of `seethrough.maximize`.
    """
    if (octaves is not None and octaves < 1) or ratio <= 1:
        raise UsageError(f"A dream has at least one octave, and a ratio above 1; not {octaves} and {ratio}.")
    net = as_network(net)
    full = stage(net, size)
    path = layer_named(net, layer)
    objective = Layer(path) if channel is None else Channel(path, channel)
    way = Pixel(rate=0.06) if parametrization is None else parametrization
    notes: list[Note] = []
    if octaves is None:
        octaves = OCTAVES if _takes(_smaller(full, ratio, OCTAVES - 1), objective) else 1
        if octaves == 1:
            notes.append(Note("maximized_one_octave", "info", {"size": " × ".join(map(str, full.size))}))
    before: Tensor | None = None
    dream: Tensor | None = None
    result: Maximized | None = None
    for k in reversed(range(octaves)):
        place = _smaller(full, ratio, k)
        picture = started(place, image)
        begin = picture if dream is None or before is None else _detailed(dream, picture, before)
        how = _how(place, way, transforms, steps, seed, snapshots, callback, progress)
        more = {"octaves": octaves, "ratio": ratio}
        result = made(place, [objective], how, way="deepdream", start=begin, more=more, notes=notes)
        before, dream = picture, torch.from_numpy(result.pictures).permute(0, 3, 1, 2).float() / 255
        dream = dream if place.pixels.channels == 3 else dream[:, : place.pixels.channels]
    assert result is not None and before is not None
    return replace(result, started=full.pixels.drawn(before)[0])


def _smaller(full: Stage, ratio: float, times: int) -> Stage:
    """The same network with pictures so many times smaller by a ratio."""
    if not times:
        return full
    return stage(full.net, [max(SMALLEST, round(n / ratio**times)) for n in full.size])


def _takes(place: Stage, objective: Objective) -> bool:
    """Whether the network takes pictures of this size."""
    try:
        place.cut(objective.layers, 1)
    except NetworkRefused:
        raise
    except InputRefused:
        return False
    return True


def _detailed(dream: Tensor, picture: Tensor, before: Tensor) -> Tensor:
    """A dream made larger, with the picture's own detail that the smaller size had no room for."""
    size = tuple(picture.shape[2:])
    dream, before = (torch.nn.functional.interpolate(x, size, mode="bilinear") for x in (dream, before))
    return (dream + picture - before).clamp(0, 1)


def _how(
    place: Stage,
    parametrization: str | Parametrization,
    transforms: Transforms,
    steps: int,
    seed: int,
    snapshots: int | None,
    callback: Callback | None,
    progress: Progress | None,
) -> How:
    moves = transforms_said(transforms, *place.size)
    return How(parametrization_said(parametrization), moves, steps, seed, snapshots, callback, progress)


def _values(place: Stage, layer: str, picture: Tensor) -> Tensor:
    """What a layer gives for a picture, (1, C, H, W)."""
    return picture if layer == INPUT else place.cut((layer,), 1).values(place.pixels.to_network(picture))[layer]


def _scale(place: Stage, objective: Objective, picture: Tensor) -> float:
    """A size of the objective's unit at a picture: its value, or the mean |value| of what it reads, whichever is larger."""
    found = place.cut(objective.layers, 1).values(place.pixels.to_network(picture))
    read = reader(found, picture)
    sizes = [float(read(layer).abs().mean()) for layer in objective.layers]
    return max(abs(float(objective(read))), *sizes, 1e-6)


def _early(place: Stage, wanted: Sequence[Objective]) -> str:
    """The layer with places that lies nearest to `EARLY` on the way to what is asked for; the pixels where there is none."""
    cut = place.cut(tuple(dict.fromkeys(layer for o in wanted for layer in o.layers)), 1)
    graph = cut.graph
    on_way = {v: k for k, step in enumerate(cut.steps) for v in step.outputs if v is not None}
    found = [
        (abs(on_way[at.value] - EARLY * len(cut.steps)), path)
        for path in graph.layers
        if (at := graph.place(path)) is not None
        and at.value in on_way
        and len(at.shape(graph.values[at.value].shape)) == 4
    ]
    return min(found, default=(0, INPUT))[1]


def _told_of(place: Stage, result: Maximized, wanted: Sequence[Objective], real: Any) -> Maximized:
    """The result with what was asked for alone, without the part that keeps it near, as what was reached."""
    from seethrough.features.best_real import best_real

    cut = place.cut(tuple(dict.fromkeys(layer for o in wanted for layer in o.layers)), len(wanted))
    batch = place.net.source.internal(torch.from_numpy(result.inputs)).to(place.pixels.like)
    read = reader(cut.values(batch), place.pixels.from_network(batch))
    reached = [float(o(lambda layer, k=k: read(layer)[k : k + 1])) for k, o in enumerate(wanted)]
    best = None if real is None else best_real(place.net, wanted, real)
    more = {} if best is None else {"best_real": best.values, "best_names": best.names, "real_count": best.count}
    return replace(
        result,
        names=tuple(o.name for o in wanted),
        layers=tuple(dict.fromkeys(layer for o in wanted for layer in o.layers if layer not in (OUTPUT, INPUT))),
        reached=np.array(reached, np.float32),
        **more,
    )
