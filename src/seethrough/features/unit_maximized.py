"""A maximized picture beside each unit, made some at a time and kept as they are made, so that a long work goes on where
it stopped.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from seethrough.features.maximize import maximize
from seethrough.features.unit_tally import LayerUnits
from seethrough.network import Network
from seethrough.writing import write_whole

TOGETHER = 8
"""Units made at once."""

STEPS = 128
"""Of the ascent: enough to see what a unit looks for; `maximize` by itself takes more."""

SUBFOLDER = "maximized"


STRONGEST = "strongest"
"""Under this name a kept picture says what it reached."""


@dataclass(frozen=True, eq=False, slots=True)
class MaximizedUnits:
    """What excites the units of a layer most, in the order of the units.

    ``pictures`` is uint8 (C, h, w, 3); ``strongest`` float32 (C,), what the unit gives for its own at the place where it gives
    most, to be held against the best of real pictures.
    """

    pictures: NDArray[np.uint8]
    strongest: NDArray[np.float32]


Made = tuple[NDArray[np.uint8], float]
"""A picture and what it reached."""


def maximized(
    net: Network, layers: Sequence[LayerUnits], folder: Path | None, seed: int
) -> Mapping[str, MaximizedUnits]:
    """A picture of each unit, by its layer's path.

    Parameters
    ----------
    folder
        Where pictures are kept and taken up again, each as a PNG that is named after what it depends on.
    """
    home = None if folder is None else folder / SUBFOLDER
    if home is not None:
        home.mkdir(parents=True, exist_ok=True)
    return {layer.path: _of_layer(net, layer, home, seed) for layer in layers}


def _of_layer(net: Network, layer: LayerUnits, home: Path | None, seed: int) -> MaximizedUnits:
    channels = [int(channel) for channel in layer.channels]
    mark = _mark(net, layer.path, seed)
    found = {c: kept for c in channels if (kept := _kept(home, mark, c)) is not None}
    missing = [c for c in channels if c not in found]
    for first in range(0, len(missing), TOGETHER):
        group = missing[first : first + TOGETHER]
        made = maximize(net, layer.path, channel=group, steps=STEPS, seed=seed)
        for channel, picture, strongest in zip(group, made.pictures, made.strongest, strict=True):
            found[channel] = picture, float(strongest)
            _keep(home, mark, channel, found[channel])
    pictures, strongest = zip(*(found[channel] for channel in channels))
    return MaximizedUnits(np.stack(pictures), np.array(strongest, np.float32))


def _mark(net: Network, path: str, seed: int) -> str:
    """Twelve digits of what a picture depends on but its channel."""
    depends: Any = [net.fingerprint, path, seed, STEPS]
    return hashlib.sha256(json.dumps(depends).encode()).hexdigest()[:12]


def _file(home: Path, mark: str, channel: int) -> Path:
    return home / f"{mark}-{channel:04d}.png"


def _kept(home: Path | None, mark: str, channel: int) -> Made | None:
    if home is None or not _file(home, mark, channel).is_file():
        return None
    with Image.open(_file(home, mark, channel)) as image:
        picture = np.asarray(image.convert("RGB"))
        return picture, float(image.info[STRONGEST])


def _keep(home: Path | None, mark: str, channel: int, made: Made) -> None:
    if home is not None:
        out, said = io.BytesIO(), PngInfo()
        said.add_text(STRONGEST, repr(made[1]))
        Image.fromarray(made[0]).save(out, "PNG", pnginfo=said)
        write_whole(_file(home, mark, channel), out.getvalue())
