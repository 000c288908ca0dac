"""The background: everything that the thing isn't."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import max_pool2d

from seethrough.attribution.inpaint import inpainted
from seethrough.errors import UsageError
from seethrough.findings.canvas import Pictures

MARGIN = 1 / 32
"""Of the side: so far around the donor's thing is taken for it too, so that no edge of it stays."""

ENOUGH = 1e-2
"""How far what is behind a thing is solved: what is off then is far less than the guess itself may be, and it takes a
twentieth of the time.
"""

BESIDE = 4
"""Pixels around what is taken out from which it is continued; the next ones alone count, and these on a coarser grid too."""

ON = 0.1
"""From this part on a pixel of the donor belongs to its thing."""


@dataclass(frozen=True)
class Background:
    """The thing stays, to the pixel, and stands where the donor's stood; the donor's own is taken out and what was behind it
    continued from around it.
    """

    kind: str = "background"
    name: str = ""

    def exchange(self, pictures: Pictures, donors: Pictures) -> Tensor:
        fore = _known(pictures)
        return fore * pictures.x + (1 - fore) * emptied(donors)

    def amount(self, pictures: Pictures) -> NDArray[np.float32] | None:
        return None

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name}


def emptied(pictures: Pictures) -> Tensor:
    """Pictures without their things, and without all else that is taken of them, (n, 3, H, W): what is behind continued from around
    it.
    """
    if pictures.made is not None:
        return pictures.made.of("emptied", pictures, _emptied)
    return _emptied(pictures)


def _emptied(pictures: Pictures) -> Tensor:
    fore = _known(pictures) if pictures.taken is None else pictures.taken
    reach = max(1, round(MARGIN * min(pictures.x.shape[2:])))
    on = max_pool2d((fore > ON).float(), 2 * reach + 1, 1, reach) > 0
    return continued(pictures.x, on)


def continued(pictures: Tensor, on: Tensor) -> Tensor:
    """Pictures (n, 3, H, W) with what is on, bool (n, 1, H, W), continued from around it."""
    found = pictures.clone()
    for x, hidden in zip(found, on):
        if hidden.any() and not hidden.all():  # all that counts for what is behind a thing lies next to it
            rows, columns = (_around(hidden[0].any(axis)) for axis in (1, 0))
            x[:, rows, columns] = inpainted(x[None, :, rows, columns], ~hidden[None, :, rows, columns], close=ENOUGH)[0]
    return found


def _around(there: Tensor) -> slice:
    """From before the first to behind the last."""
    at = there.nonzero()[:, 0]
    return slice(max(0, int(at[0]) - BESIDE), int(at[-1]) + 1 + BESIDE)


def _known(pictures: Pictures) -> Tensor:
    if pictures.fore is None:
        raise UsageError("Where the thing is must be known for its background to be exchanged; give masks or boxes.")
    return pictures.fore


def beside(pictures: Pictures, changed: Tensor) -> Tensor:
    """What was changed, beside the thing alone: that stays to the pixel where it is known where it is."""
    changed = changed.clamp(0, 1)
    return changed if pictures.fore is None else pictures.fore * pictures.x + (1 - pictures.fore) * changed


def free(pictures: Pictures, donors: Pictures) -> Tensor:
    """1 where the picture doesn't have its thing and nothing is taken of the donor, (n, 1, H, W): what may be taken over."""
    nothing = torch.ones_like(pictures.x[:, :1])
    own = nothing if pictures.fore is None else 1 - pictures.fore
    return own if donors.hidden is None else own * (donors.hidden <= ON)
