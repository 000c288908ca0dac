"""Detail: what of a picture is as fine as a level says — grain, texture, sharpness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seethrough.findings.aspects.background import free
from seethrough.findings.canvas import Pictures
from seethrough.findings.looks import LOOKS, band, weights

LEVELS: Mapping[str, tuple[int, ...]] = {
    "fine detail": (0,),
    "medium detail": (1,),
    "coarse detail": (2,),
    "sharpness": (0, 1, 2),
}
"""By name, the levels of `seethrough.findings.looks.band`, one behind the other."""


@dataclass(frozen=True)
class Detail:
    """The donor's own detail in place of the picture's, where neither has its thing: a blurred donor blurs, one with a
    texture lays it on.
    """

    name: str
    kind: str = "detail"

    def exchange(self, pictures: Pictures, donors: Pictures) -> Tensor:
        levels = LEVELS[self.name]
        other, own = (band(x, levels[0], levels[-1]) for x in (donors.x, pictures.x))
        return (pictures.x + free(pictures, donors) * (other - own)).clamp(0, 1)

    def amount(self, pictures: Pictures) -> NDArray[np.float32] | None:
        look = self.name if self.name in LOOKS else "medium detail"
        return LOOKS[look](pictures.x, weights(pictures.x, pictures.fore)).numpy()

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name}
