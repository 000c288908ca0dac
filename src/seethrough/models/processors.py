"""From a Hugging Face image processor to our preprocessing: measured on pictures made for it, and not believed.

There are some eighty classes of processors, each with switches of its own: a second division, channels turned round, a
ratio of the crop that changes with the size. What matters is what they do. Their arithmetic is read off plain pictures,
whose pixels stay what they are however they are resized; how they fit a picture is what our own preparation must do
alike, to the grey level, on a picture full of edges.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from seethrough.errors import SeethroughError
from seethrough.images import Preprocessing, load_pictures, prepare
from seethrough.models.preprocessing import called

RESAMPLES = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
"""By PIL's numbers, which the settings of processors hold."""

ALIKE = {"pil": 0.5, "torchvision": 3.0}
"""Grey levels of 255 by which two preparations may differ at any pixel and be the same: what rounding makes, and for
processors that resize with torchvision instead of PIL, the other order of its sums.
"""

PROBE = (301, 452)
"""Height and width of the picture full of edges: oblong, and odd, so that no convention of rounding is like another."""


def preprocessing_of(processor: Any) -> tuple[Preprocessing, tuple[int, int, int]] | None:
    """What a processor does to a picture, and the shape (C, H, W) that it makes of one.

    Parameters
    ----------
    processor
        An image processor of transformers.

    Returns
    -------
    preprocessing
        ``assumed`` where no way of fitting that we have does quite the same.
    size
        Of one input; of a processor that cuts nothing off, the shorter side twice.
    None
        Where it makes no pictures of pictures (patches, words, several sizes at once), or isn't able to run.
    """

    def process(image: Image.Image) -> np.ndarray:
        return np.asarray(processor(images=image, return_tensors="np")["pixel_values"], np.float64)[0]

    try:
        black, white, red = (process(_plain(colour)) for colour in ("black", "white", "red"))
        probe = _probe()
        theirs = process(probe)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, ImportError, OSError):
        return None
    if theirs.ndim != 3 or len(theirs) != 3 or not np.isfinite(theirs).all():
        return None
    arithmetic = _arithmetic(black, white, red)
    if arithmetic is None:
        return None
    side = min(theirs.shape[1:])
    fixed = black.shape == theirs.shape
    size = (3, theirs.shape[1], theirs.shape[2]) if fixed else (3, side, side)
    ways = _ways(_settings(processor), size) if fixed else _ways_of_whole(_settings(processor))
    alike = ALIKE.get(getattr(processor, "backend", "pil"), 0.5)
    return called(_fitted(arithmetic, ways, theirs, probe, size, alike)), size


def _arithmetic(black: np.ndarray, white: np.ndarray, red: np.ndarray) -> Preprocessing | None:
    """From what became of plain pictures: scale, mean and deviation of each channel, and their order."""
    centre = tuple(side // 2 for side in black.shape[1:])
    low, high, middle = (image[:, centre[0], centre[1]] for image in (black, white, red))
    if (high <= low).any():
        return None
    channels = "RGB" if middle[0] > low[0] else "BGR"
    std = 1 / (high - low)
    return Preprocessing(scale=1 / 255, mean=_numbers(-low * std), std=_numbers(std), channels=channels)


def _numbers(array: np.ndarray) -> tuple[float, ...]:
    """As a person would have written them, to seven digits."""
    return tuple(float(f"{number:.7g}") + 0.0 for number in array)  # −0 is 0


def _fitted(
    arithmetic: Preprocessing,
    ways: Iterable[dict[str, Any]],
    theirs: np.ndarray,
    probe: Image.Image,
    size: tuple[int, int, int],
    alike: float,
) -> Preprocessing:
    """The way of fitting that does the same as the processor; as assumed the nearest one, where none does."""
    pictures, deviation = load_pictures(probe), np.asarray(arithmetic.std).reshape(3, 1, 1) * 255
    nearest, least = replace(arithmetic, fit="stretch"), math.inf
    for fit in ways:
        tried = replace(arithmetic, **fit)
        try:
            ours = prepare(pictures, tried, size, "channels_first")[0][0].numpy()
        except SeethroughError:  # no crop of this size from that length
            continue
        if ours.shape != theirs.shape:
            continue
        apart = np.abs(ours - theirs) * deviation
        if apart.max() <= alike:
            return tried
        if apart.mean() < least:
            nearest, least = tried, float(apart.mean())
    return replace(nearest, assumed=True)


def _ways(settings: dict[str, Any], size: tuple[int, int, int]) -> Iterator[dict[str, Any]]:
    """Ways to fit a picture into a size, those that the settings speak of first."""
    for resized in _resizings(settings):
        for goal in _goals(settings, size):
            yield {"fit": "crop", "resize_to": goal, **resized}
            yield {"fit": "stretch", "resize_to": goal, **resized}
        yield {"fit": "stretch", **resized}
        yield {"fit": "pad", **resized}


def _ways_of_whole(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Ways to resize a picture that keeps its proportions."""
    for resized in _resizings(settings):
        yield {"fit": "whole", **resized}


def _resizings(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    said = RESAMPLES.get(settings.get("resample", 2), "bilinear")
    for interpolation in dict.fromkeys((said, "bilinear", "bicubic")):
        yield {"interpolation": interpolation, "rounding": "huggingface"}


def _goals(settings: dict[str, Any], size: tuple[int, int, int]) -> list[int]:
    """Lengths before the crop that the settings may mean; families differ in what they derive from the same number."""
    named = settings.get("size") or {}
    numbers = [named.get(key) for key in ("shortest_edge", "height", "width")]
    goals: list[int] = []
    for number in dict.fromkeys(n for n in numbers if isinstance(n, int)):
        ratio = settings.get("crop_pct")
        goals += [number, *([int(number / ratio)] if ratio else []), int(number * 256 / 224)]
    return [goal for goal in dict.fromkeys(goals) if goal >= max(size[1:])]


def _settings(processor: Any) -> dict[str, Any]:
    found = processor.to_dict()
    size = found.get("size")
    found["size"] = {key: value for key, value in dict(size).items() if value} if size else {}
    return found


def _plain(colour: str) -> Image.Image:
    return Image.new("RGB", (PROBE[0], PROBE[0]), colour)


def _probe() -> Image.Image:
    """Edges in every direction and of every width, each channel otherwise."""
    y, x = np.mgrid[: PROBE[0], : PROBE[1]].astype(np.float64)
    waves = [np.sin(x * x / 900 + y / 7), np.sin(x * y / 1500), np.sign(np.sin(x / 13) * np.sin(y / 9))]
    return Image.fromarray(((np.stack(waves, -1) * 0.45 + 0.5) * 255).astype(np.uint8))
