"""Draw the pictures that the documents show, into docs/images/: leopards of our own, explained by our own network."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import seethrough as st
from seethrough.datasets.leopards import exchanged, leopards
from seethrough.show.tiles import sheet

IMAGES = Path(__file__).parents[1] / "docs" / "images"
ANIMAL = 20_000
"""Seed of the demo's own pictures."""

MANY = 300
"""Of the wall: half on their own background, half on the other's."""

WIDTH, COLOURS = 1200, 256
"""Pixels across, and a palette: enough for a document, at a quarter of the bytes."""


UNITS = (8, 20, 32, 39, 56)
"""Of stage2: some that look for a coat, and one for what lies around it."""

LANGUAGES = {"en": ".png", "zh": ".zh.png"}


def main() -> int:
    """One animal on both backgrounds and what the network that learned the shortcut goes by; what its classes want to see,
    what some units look for, and many animals as it sees them.
    """
    IMAGES.mkdir(parents=True, exist_ok=True)
    shortcut, balanced = st.open("demo:leopards"), st.open("demo:leopards-balanced")
    usual = leopards(1, correlation=1.0, seed=ANIMAL)
    pictures = np.concatenate([usual.pictures, exchanged(usual).pictures])
    _both(st.explain(shortcut, list(pictures), methods=["gradcam", "occlusion"]), "leopards")
    _dreams(shortcut, balanced)

    usual = leopards(MANY // 2, correlation=1.0, seed=ANIMAL)
    pictures = np.concatenate([usual.pictures, exchanged(usual).pictures])
    truth = [shortcut.classes[species] for species in (*usual.species, *usual.species)]
    _both(st.units(shortcut, pictures, "stage2", truth=truth, channels=UNITS, relevance=False), "units")
    _both(st.wall(shortcut, pictures, truth=truth), "wall")
    return 0


def _both(result: object, name: str) -> None:
    """The figure of a result, in both languages."""
    for language, suffix in LANGUAGES.items():
        path = result.save(IMAGES / f"{name}{suffix}", language=language)
        drawn = Image.open(path).convert("RGB")
        _write(drawn.resize((WIDTH, round(WIDTH * drawn.height / drawn.width)), Image.Resampling.LANCZOS), path)


def _dreams(*networks: st.Network) -> None:
    """What excites each class of each network most, side by side."""
    found = [st.maximize(net, target=list(net.classes or ()), steps=256, seed=0).pictures for net in networks]
    drawn = Image.fromarray(sheet(np.concatenate(found), columns=4, gap=4, enlarge=2))
    _write(drawn, IMAGES / "dreams.png")


def _write(drawn: Image.Image, path: Path) -> None:
    drawn.quantize(COLOURS).save(path, optimize=True)
    print(path.relative_to(IMAGES.parents[1]), f"{path.stat().st_size:,} bytes, {drawn.width} × {drawn.height}")


if __name__ == "__main__":
    sys.exit(main())
