"""Draw the pictures that the documents show, into docs/images/: leopards of our own, explained by our own network."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import seethrough as st
from seethrough.datasets.leopards import exchanged, leopards

IMAGES = Path(__file__).parents[1] / "docs" / "images"
ANIMAL = 20_000
"""Seed of the demo's own pictures."""

WIDTH, COLOURS = 1200, 256
"""Pixels across, and a palette: enough for a document, at a quarter of the bytes."""


def main() -> int:
    """One animal on both backgrounds, and what the network that learned the shortcut goes by."""
    usual = leopards(1, correlation=1.0, seed=ANIMAL)
    pictures = np.concatenate([usual.pictures, exchanged(usual).pictures])
    net = st.open("demo:leopards")
    why = st.explain(net, list(pictures), methods=["gradcam", "occlusion"])
    IMAGES.mkdir(parents=True, exist_ok=True)
    for language, name in (("en", "leopards.png"), ("zh", "leopards.zh.png")):
        path = why.save(IMAGES / name, language=language)
        drawn = Image.open(path).convert("RGB")
        drawn = drawn.resize((WIDTH, round(WIDTH * drawn.height / drawn.width)), Image.Resampling.LANCZOS)
        drawn.quantize(COLOURS).save(path, optimize=True)
        print(path.relative_to(IMAGES.parents[1]), f"{path.stat().st_size:,} bytes, {drawn.width} × {drawn.height}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
