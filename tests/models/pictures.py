"""Pictures on which our preparation is compared with that of other libraries: odd sizes, and photographs where there
are any.
"""

import os
from pathlib import Path

import numpy as np
from PIL import Image

DATA = Path(os.environ.get("SEETHROUGH_DATA", Path(__file__).parents[2] / "../shared/data"))
SIZES = ((300, 451), (500, 375), (96, 97), (333, 332), (640, 427), (231, 777))


def pictures() -> list[Image.Image]:
    """Drawn ones with fine and coarse structure, then up to six photographs."""
    photos = sorted((DATA / "photos").glob("*.JPEG"))[::40][:6]
    return [*(_drawn(*size) for size in SIZES), *(Image.open(photo).convert("RGB") for photo in photos)]


def _drawn(height: int, width: int) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 3 + y / 17), np.sin(x * y / 900), np.sign(np.sin(x / 11) * np.sin(y / 13))]
    grain = np.random.default_rng(height).normal(0, 0.1, (height, width, 3))
    return Image.fromarray((np.clip(np.stack(waves, -1) / 2.2 + 0.5 + grain, 0, 1) * 255).astype(np.uint8))
