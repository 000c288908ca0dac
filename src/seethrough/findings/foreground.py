"""Foreground: where the thing that a picture is about is, as a person drew it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from seethrough.evaluation.objects import Objects
from seethrough.network import Prepared


@dataclass(frozen=True, eq=False)
class Drawn:
    """Masks or boxes that somebody drew.

    Attributes
    ----------
    objects
        `seethrough.evaluation.objects.objects`.
    """

    objects: Objects

    def on(self, number: int, prepared: Prepared, x: Tensor) -> Tensor | None:
        mask = self.objects(number, prepared.pictures[0])
        if mask is None:
            return None
        height, width = x.shape[1:]
        return torch.from_numpy(prepared.geometries[0].on_grid(mask, (height, width))).float()[None]
