"""Layout: where in the picture the thing stands, and how large it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from seethrough.errors import UsageError
from seethrough.findings.aspects.background import emptied
from seethrough.findings.canvas import Pictures

LARGEST = 2.5
"""A thing is enlarged and made smaller by so much at most: more shows how a picture was made."""


Before = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Layout:
    """The thing as it is, on its own ground, at the donor's place (``"position"``) or as large as the donor's (``"size"``); what
    was behind it is continued from around it. It never leaves the picture further than it did.
    """

    name: str
    kind: str = "layout"

    def exchange(self, pictures: Pictures, donors: Pictures) -> Tensor:
        thing, fore, _ = self.moved(pictures, donors)
        return (fore * thing + (1 - fore) * emptied(pictures)).clamp(0, 1)

    def moved(
        self, pictures: Pictures, donors: Pictures, before: Before | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The things where the donors' are, (n, 3, H, W), how much of each pixel is theirs, (n, 1, H, W), and how much larger they
        became, (n,).

        Parameters
        ----------
        before
            What is done with pictures and things before they are moved, from these and how much larger they become.
        """
        if pictures.fore is None or donors.fore is None:
            raise UsageError("Where the thing is must be known for it to be moved; give masks or boxes.")
        own = spans(pictures.fore)
        scale, to = MOVES[self.name](own, spans(donors.fore), pictures.x.shape[2:])
        grid = _grid(pictures.x.shape, own.mean(2), to, scale)
        x, fore = (pictures.x, pictures.fore) if before is None else before(pictures.x, pictures.fore, scale)
        return (
            grid_sample(x, grid, "bilinear", "border", False),
            grid_sample(fore, grid, "bilinear", "zeros", False),
            scale,
        )

    def amount(self, pictures: Pictures) -> NDArray[np.float32] | None:
        if self.name != "size" or pictures.fore is None:
            return None
        return pictures.fore.mean((1, 2, 3)).numpy()

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name}


def spans(fore: Tensor) -> Tensor:
    """Where things begin and end, in pixels, (n, 2, 2): rows and columns, first and behind the last; the whole picture where there
    is none.
    """
    found = []
    for axis in (3, 2):
        there = fore.amax((1, axis)) > 0.5
        size = there.shape[1]
        there = there | ~there.any(1, keepdim=True)
        first = there.float().argmax(1)
        found.append(torch.stack([first, size - there.flip(1).float().argmax(1)], 1))
    return torch.stack(found, 1).float()


def _to_place(own: Tensor, other: Tensor, size: torch.Size) -> tuple[Tensor, Tensor]:
    """Moved by whole pixels to where the donor's middle is."""
    shift = (other.mean(2) - own.mean(2)).round()
    return torch.ones(len(own)), _kept_in(own + shift[:, :, None], size).mean(2)


def _to_size(own: Tensor, other: Tensor, size: torch.Size) -> tuple[Tensor, Tensor]:
    """As large as the donor's, by the root of what its sides span; around its own middle, as far as it stays in."""
    sides, others = own[:, :, 1] - own[:, :, 0], other[:, :, 1] - other[:, :, 0]
    room = (torch.tensor([float(n) for n in size]) / sides).amin(1)
    scale = (others.prod(1) / sides.prod(1)).sqrt().clamp(1 / LARGEST, LARGEST)
    scale = torch.minimum(scale, room)
    middle = own.mean(2, keepdim=True)
    return scale, _kept_in(middle + (own - middle) * scale[:, None, None], size).mean(2)


def _kept_in(span: Tensor, size: torch.Size) -> Tensor:
    """The nearest place in the picture of what spans so much."""
    ends = torch.tensor([float(n) for n in size])
    back = (-span[:, :, 0]).clamp(min=0) - (span[:, :, 1] - ends).clamp(min=0)
    return span + back[:, :, None]


MOVES: Mapping[str, Callable[[Tensor, Tensor, torch.Size], tuple[Tensor, Tensor]]] = {
    "position": _to_place,
    "size": _to_size,
}
"""By name: from spans of the picture's and the donor's thing, (n, 2, 2), and the picture's size to how much larger the thing becomes,
(n,), and where its middle comes to lie, in pixels (n, 2).
"""


def _grid(shape: torch.Size, middle: Tensor, to: Tensor, scale: Tensor) -> Tensor:
    """For `grid_sample`: where each pixel comes from."""
    ends = torch.tensor([float(n) for n in shape[2:]])
    here, there = 2 * middle / ends - 1, 2 * to / ends - 1
    offset = (here - there / scale[:, None]).flip(1)  # across, down
    turn = torch.eye(2)[None] / scale[:, None, None]
    return affine_grid(torch.cat([turn, offset[:, :, None]], 2), [len(middle), 1, *shape[2:]], False)
