"""A region: a fixed place of the picture, such as a corner with a mark in it, a border, or all four corners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seethrough.findings.aspects.background import free
from seethrough.findings.canvas import Pictures

Box = tuple[float, float, float, float]
"""Top, bottom, left and right, in parts of the picture's height and width; top > bottom for all that lies outside of
(bottom, top, right, left): a border, or bars above and below where left is 1 and right 0.
"""


@dataclass(frozen=True)
class Region:
    """The donor's pixels inside a box, where neither picture has its thing.

    Attributes
    ----------
    also
        Further boxes that belong to it, as to the corners.
    """

    name: str
    box: Box
    also: tuple[Box, ...] = ()
    kind: str = "region"

    def exchange(self, pictures: Pictures, donors: Pictures) -> Tensor:
        where = self.inside(pictures.x) * free(pictures, donors)
        return where * donors.x + (1 - where) * pictures.x

    def inside(self, x: Tensor) -> Tensor:
        """1 in the region, (1, 1, H, W)."""
        if self.also:
            return torch.stack([Region("", box).inside(x) for box in (self.box, *self.also)]).amax(0)
        top, bottom, left, right = self.box
        if top > bottom:
            return 1 - Region("", (bottom, top, right, left)).inside(x)
        h, w = x.shape[2:]
        where = torch.zeros(1, 1, h, w, dtype=x.dtype)
        where[
            :,
            :,
            round(top * h) : max(round(bottom * h), round(top * h) + 1),
            round(left * w) : max(round(right * w), round(left * w) + 1),
        ] = 1
        return where

    def amount(self, pictures: Pictures) -> NDArray[np.float32] | None:
        return None

    def to_dict(self) -> dict[str, Any]:
        also = {"also": [list(box) for box in self.also]} if self.also else {}
        return {"kind": self.kind, "name": self.name, "box": list(self.box), **also}
