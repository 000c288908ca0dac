"""A spectrum: some frequencies of the picture — stripes, a grid, blocks, a woven texture — that are laid over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seethrough.findings.aspects.background import beside
from seethrough.findings.aspects.without import around, painted_over
from seethrough.findings.canvas import Pictures
from seethrough.findings.looks import FLOOR, luma

Disc = tuple[float, float, float]
"""Cycles a pixel downwards and across, and around them: the other half of the plane is the same, mirrored."""

ROUNDS = 4
"""How often what is behind the thing is guessed again from the pattern around it (Papoulis, 1975; Gerchberg, 1974)."""


@dataclass(frozen=True)
class Spectrum:
    """The donor's waves of some frequencies in place of the picture's own, beside its thing; behind the donor's they are taken
    to go on as around it.

    Attributes
    ----------
    discs
        Which frequencies.
    """

    discs: tuple[Disc, ...]
    name: str = ""
    kind: str = "spectrum"

    def exchange(self, pictures: Pictures, donors: Pictures) -> Tensor:
        return beside(pictures, pictures.x + self.waves(donors) - self.waves(pictures))

    def amount(self, pictures: Pictures) -> NDArray[np.float32] | None:
        """The decimal logarithm of the root mean square of the waves in brightness, beside the thing."""
        off = around(pictures)
        power = (luma(self.waves(pictures)) ** 2 * off).sum((1, 2, 3)) / off.sum((1, 2, 3)).clamp(min=1)
        return torch.log10(power.sqrt() + FLOOR).numpy()

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "discs": [list(disc) for disc in self.discs]}

    def waves(self, pictures: Pictures) -> Tensor:
        """What of the pictures has these frequencies, (n, 3, H, W)."""
        size = pictures.x.shape[2:]
        kept = self.inside(size)
        x, off = painted_over(pictures), around(pictures)
        found = _of(x, kept)
        if pictures.fore is None:
            return found
        for _ in range(ROUNDS):
            found = _of(x + (1 - off) * found, kept)
        return found

    def inside(self, size: Any) -> Tensor:
        """1 for the frequencies that are meant, (H, W // 2 + 1) as `torch.fft.rfft2` has them."""
        down, across = torch.fft.fftfreq(size[0])[:, None], torch.fft.rfftfreq(size[1])[None]
        kept = torch.zeros(size[0], size[1] // 2 + 1)
        for y, x, reach in self.discs:
            for sign in (1, -1):
                apart = torch.hypot(_around(down - sign * y), _around(across - sign * x))
                kept[apart <= reach] = 1
        kept[0, 0] = 0  # the mean is no wave
        return kept


def _of(x: Tensor, kept: Tensor) -> Tensor:
    return torch.fft.irfft2(torch.fft.rfft2(x) * kept, s=x.shape[2:])


def _around(frequency: Tensor) -> Tensor:
    """The difference of two frequencies, which are the same a whole cycle apart."""
    return frequency - frequency.round()
