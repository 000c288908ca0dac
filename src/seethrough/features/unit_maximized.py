"""A maximized picture beside each unit, made some at a time and kept as they are made, so that a long work goes on where
it stopped.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seethrough.features.maximize import maximize
from seethrough.features.unit_tally import LayerUnits
from seethrough.network import Network
from seethrough.writing import write_whole

TOGETHER = 8
"""Units made at once."""

STEPS = 128
"""Of the ascent: enough to see what a unit looks for; `maximize` by itself takes more."""

SUBFOLDER = "maximized"


def maximized(
    net: Network, layers: Sequence[LayerUnits], folder: Path | None, seed: int
) -> Mapping[str, NDArray[np.uint8]]:
    """A picture of each unit, by its layer's path: uint8 (C, h, w, 3), in the order of the units.

    Parameters
    ----------
    folder
        Where pictures are kept and taken up again, each as a PNG that is named after what it depends on.
    """
    home = None if folder is None else folder / SUBFOLDER
    if home is not None:
        home.mkdir(parents=True, exist_ok=True)
    return {layer.path: _of_layer(net, layer, home, seed) for layer in layers}


def _of_layer(net: Network, layer: LayerUnits, home: Path | None, seed: int) -> NDArray[np.uint8]:
    channels = [int(channel) for channel in layer.channels]
    mark = _mark(net, layer.path, seed)
    found = {c: picture for c in channels if (picture := _kept(home, mark, c)) is not None}
    missing = [c for c in channels if c not in found]
    for first in range(0, len(missing), TOGETHER):
        group = missing[first : first + TOGETHER]
        made = maximize(net, layer.path, channel=group, steps=STEPS, seed=seed)
        for channel, picture in zip(group, made.pictures, strict=True):
            found[channel] = picture
            _keep(home, mark, channel, picture)
    return np.stack([found[channel] for channel in channels])


def _mark(net: Network, path: str, seed: int) -> str:
    """Twelve digits of what a picture depends on but its channel."""
    depends: Any = [net.fingerprint, path, seed, STEPS]
    return hashlib.sha256(json.dumps(depends).encode()).hexdigest()[:12]


def _file(home: Path, mark: str, channel: int) -> Path:
    return home / f"{mark}-{channel:04d}.png"


def _kept(home: Path | None, mark: str, channel: int) -> NDArray[np.uint8] | None:
    if home is None or not _file(home, mark, channel).is_file():
        return None
    with Image.open(_file(home, mark, channel)) as image:
        return np.asarray(image.convert("RGB"))


def _keep(home: Path | None, mark: str, channel: int, picture: NDArray[np.uint8]) -> None:
    if home is not None:
        out = io.BytesIO()
        Image.fromarray(picture).save(out, "PNG")
        write_whole(_file(home, mark, channel), out.getvalue())
