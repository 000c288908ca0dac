"""Detail: what of a picture is as fine as a level says — grain, texture, sharpness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seethrough.findings.aspects.background import free
from seethrough.findings.canvas import Pictures
from seethrough.findings.looks import FLOOR, LOOKS, band, luma, weights

LEVELS: Mapping[str, tuple[int, ...]] = {
    "fine detail": (0,),
    "medium detail": (1,),
    "coarse detail": (2,),
    "sharpness": (0, 1, 2),
}
"""By name, the levels of `seethrough.findings.looks.band`, one behind the other."""

STRONGEST = 4.0
"""By so much a level is raised at most; noise is raised with it."""

SHOWN = 0.05
"""So much of a donor, at least, is taken to be beside its thing."""


@dataclass(frozen=True)
class Detail:
    """The donor's own detail in place of the picture's, where neither has its thing: a blurred donor blurs, one with a
    texture lays it on.

    Attributes
    ----------
    whole
        Whether the thing follows: where either has its thing, the picture's own detail is made as strong, at each level, as
        the donor's is beside the things for the picture's. Such is the focus of a picture.
    """

    name: str
    kind: str = "detail"
    whole: bool = False

    def exchange(self, pictures: Pictures, donors: Pictures) -> Tensor:
        levels = LEVELS[self.name]
        other, own = (band(x, levels[0], levels[-1]) for x in (donors.x, pictures.x))
        may, changed = free(pictures, donors), pictures.x + other - own
        rest = self.as_strong(pictures, donors) if self.whole else pictures.x
        return (may * changed + (1 - may) * rest).clamp(0, 1)

    def amount(self, pictures: Pictures) -> NDArray[np.float32] | None:
        look = self.name if self.name in LOOKS else "medium detail"
        return LOOKS[look](pictures.x, weights(pictures.x, pictures.fore)).numpy()

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, **({"whole": True} if self.whole else {})}

    def as_strong(self, pictures: Pictures, donors: Pictures) -> Tensor:
        """The pictures, with so much of each level as the donors have."""
        changed = pictures.x
        for level in LEVELS[self.name]:
            gain = (strength(donors, level) / strength(pictures, level)).clamp(max=STRONGEST)
            changed = changed + (gain - 1) * band(pictures.x, level)
        return changed


@dataclass(frozen=True)
class Unordered:
    """A detail as random phases leave it: as much of each frequency as the donor has, and nothing of what it draws (Galerne, Gousseau
    & Morel, 2011, "Random phase textures"). Focus and grain are that and no more; the pattern of a scene isn't.
    """

    detail: Detail
    kind: str = "unordered"

    @property
    def name(self) -> str:
        return self.detail.name

    def exchange(self, pictures: Pictures, donors: Pictures) -> Tensor:
        levels = LEVELS[self.detail.name]
        other, own = (band(x, levels[0], levels[-1]) for x in (donors.x, pictures.x))
        off = torch.ones_like(other[:, :1]) if donors.hidden is None else 1 - donors.hidden
        # the donor's thing leaves a hole, for which what is around it makes up
        shown = off.mean((1, 2, 3), keepdim=True).clamp(min=SHOWN).sqrt()
        unordered = torch.stack([mixed(one, int(number)) for one, number in zip(other * off, pictures.numbers)]) / shown
        may = free(pictures, donors)
        rest = self.detail.as_strong(pictures, donors) if self.detail.whole else pictures.x
        return (may * (pictures.x + unordered - own) + (1 - may) * rest).clamp(0, 1)

    def amount(self, pictures: Pictures) -> NDArray[np.float32] | None:
        return self.detail.amount(pictures)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "detail": self.detail.to_dict()}


def mixed(x: Tensor, seed: int) -> Tensor:
    """A picture (3, H, W) with other phases, the same for its three colours."""
    noise = torch.randn(x.shape[1:], generator=torch.Generator().manual_seed(seed))
    waves = torch.fft.rfft2(noise)
    return torch.fft.irfft2(torch.fft.rfft2(x) * waves / waves.abs().clamp(min=1e-9), s=x.shape[1:])


def strength(pictures: Pictures, level: int) -> Tensor:
    """Root mean square of a level beside the thing, (n, 1, 1, 1)."""
    w = weights(pictures.x, pictures.fore)
    return (band(luma(pictures.x), level) ** 2 * w).sum((1, 2, 3), keepdim=True).sqrt() + FLOOR
