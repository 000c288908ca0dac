"""A picture to work on, and what a folder holds."""

from pathlib import Path

import numpy as np
from PIL import Image


def picture(height=40, width=50, mode="RGB", seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def contents(folder: Path):
    """Every file with the time when it was last written."""
    return {p.relative_to(folder): p.stat().st_mtime_ns for p in folder.rglob("*") if "__pycache__" not in p.parts}
