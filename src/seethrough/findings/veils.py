"""Veils: haze, glare and faded print weaken what is coarse as much as what is fine; a lens out of focus doesn't.

A network may read fine detail alone. Then exchanging detail does all, in hazy pictures too, where only little detail is left because
little of anything is; what a person sees there is the contrast.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seethrough.findings.canvas import Pictures
from seethrough.findings.looks import measured

SIZES = ("fine detail", "medium detail", "coarse detail")

ALIKE = 0.6
"""The least of the differences is so large a part of the largest."""

LEAST = 0.03
"""Decimal logarithm: smaller differences aren't told from none."""


def of_all_sizes(own: Pictures, rival: Pictures) -> bool:
    """Whether the one's pictures have less, or more, than the other's of each size alike, and of contrast as a whole; beside things,
    where it is known where these are.
    """
    apart = (_strengths(own) - _strengths(rival)).tolist()
    sizes = sorted(map(abs, apart))
    return min(apart) * max(apart) > 0 and sizes[0] >= max(LEAST, ALIKE * sizes[-1])


def _strengths(pictures: Pictures) -> Tensor:
    """Of contrast and of each size of detail the mean decimal logarithm, (4,)."""
    found = measured(pictures.x, pictures.fore)
    contrast = torch.log10(found["contrast"].clamp(min=1e-3))
    return torch.stack([contrast.mean(), *(found[size].mean() for size in SIZES)])
