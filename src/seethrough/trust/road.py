"""ROAD: what is left of the answer when pixels are removed and filled in from those around them.

A covered place still tells by its form that something was there. Here each removed pixel is the weighted mean of its
neighbours, removed ones among them, so that their values solve a linear system, and a little noise hides how smooth that
is (Rong, Leemann, Borisov, Kasneci & Kasneci, ICML 2022, section 4). The most important pixels go first, or the least
important ones; the further the answers lie apart, the better. Blurring a map raises this for nothing, so that the same is
had for blurred noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from seethrough.graph.run import Run
from seethrough.trust.covered import Told
from seethrough.trust.imputation import imputed
from seethrough.trust.maps import Case
from seethrough.trust.nulls import blurred_map

SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Of the pixels that are removed."""

NOISE = 0.01
"""Standard deviation of the noise, as a part of each picture's range."""


def road(run: Run, cases: Sequence[Case], *, seed: int = 0, progress: Told = None) -> list[list[dict[str, float]]]:
    """The figures of each case and image.

    Returns
    -------
    ``road.gap``: by how much the answer is higher with the least important pixels removed than with the most important
    ones, mean over `SHARES`, as a part of the whole reach of the answers an image came by, −1…1; ``road.blurred``: the
    same for blurred noise. Costs 2 · `len(SHARES)` forwards a map, blurred noise among them.
    """
    x = run.images
    height, width = x.shape[2:]
    null = blurred_map(height, width, seed).expand(len(x), height, width)
    maps = torch.stack([*(case.on_grid((height, width)) for case in cases), null]).nan_to_num().flatten(2).numpy()
    place = np.argsort(np.argsort(-maps, axis=-1, kind="stable"), axis=-1).reshape(len(maps), len(x), height, width)
    pixels = height * width
    noise = (NOISE * (x.amax((1, 2, 3)) - x.amin((1, 2, 3)))).tolist()
    gone = [place < round(share * pixels) for share in SHARES]
    gone += [place >= pixels - round(share * pixels) for share in SHARES]
    removed = np.stack(gone, 1).reshape(-1, len(x), height, width)
    scores = np.zeros(removed.shape[:2])

    def some(numbers: range) -> None:
        pictures = [
            imputed(x[i], torch.from_numpy(mask), noise[i], seed) for k in numbers for i, mask in enumerate(removed[k])
        ]
        scores[numbers.start : numbers.stop] = run.score(torch.stack(pictures)).double().cpu().reshape(-1, len(x))

    run.in_groups(len(removed), some, progress)
    first, last = scores.reshape(len(maps), 2, len(SHARES), len(x)).transpose(1, 0, 2, 3)
    ends = np.concatenate([scores, run.scores.double().cpu().numpy()[None]])
    reach = np.maximum(ends.max(0) - ends.min(0), 1e-300)
    gap = (last - first).mean(1) / reach
    return [
        [{"road.gap": float(gap[c, i]), "road.blurred": float(gap[-1, i])} for i in range(len(x))]
        for c in range(len(cases))
    ]
