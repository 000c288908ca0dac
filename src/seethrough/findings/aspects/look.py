"""A look: light or colour, measured beside the things and brought to the donor's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seethrough.findings.aspects.background import beside
from seethrough.findings.canvas import Pictures
from seethrough.findings.looks import LOOKS, chroma, coloured, luma, ramps, weights

STRONGEST = 4.0
"""By so much contrast, saturation or light is raised at most."""

LIGHT: Mapping[str, str] = {
    "brightness": "multiplied",
    "hue": "by its root",
    "light from above": "multiplied",
    "light from the side": "multiplied",
    "vignette": "multiplied",
}
"""What is dark moves less. Such a look writes down how: trials that were kept before it was so aren't taken up again."""

DARK = 0.03
"""Light is taken to be so much at least, in shares of white."""


@dataclass(frozen=True)
class Look:
    """One property (`LOOKS_EXCHANGED`) at the donor's level; what else there is stays.

    Attributes
    ----------
    whole
        Whether the thing's own pixels follow, as under light of another colour they would (`seethrough.findings.finders.casts`
        says where); it is measured beside the things all the same.
    """

    name: str
    kind: str = "look"
    whole: bool = False

    def exchange(self, pictures: Pictures, donors: Pictures) -> Tensor:
        own, other = weights(pictures.x, pictures.fore), weights(donors.x, donors.fore)
        changed = LOOKS_EXCHANGED[self.name](pictures.x, own, donors.x, other)
        return changed.clamp(0, 1) if self.whole else beside(pictures, changed)

    def amount(self, pictures: Pictures) -> NDArray[np.float32] | None:
        if self.name not in LOOKS:
            return None
        return LOOKS[self.name](pictures.x, weights(pictures.x, pictures.fore)).numpy()

    def to_dict(self) -> dict[str, Any]:
        light = {"light": LIGHT[self.name]} if self.name in LIGHT else {}
        return {"kind": self.kind, "name": self.name, **light, **({"whole": True} if self.whole else {})}


Exchange = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""From a picture, its weights, the donor and its weights to the picture with the donor's look."""


def _level(name: str, x: Tensor, w: Tensor) -> Tensor:
    return LOOKS[name](x, w)[:, None, None, None]


def _brightness(x: Tensor, w: Tensor, donor: Tensor, v: Tensor) -> Tensor:
    """The mean brightness. Less light, dusk or a shorter exposure is less of everything, so that it flattens and black stays black: added
    to, the dark became grey and the light burnt, which a network that goes by exposure doesn't take for another one.
    """
    gain = _level("brightness", donor, v) / _level("brightness", x, w).clamp(min=DARK)
    return x * gain.clamp(1 / STRONGEST, STRONGEST)


def _contrast(x: Tensor, w: Tensor, donor: Tensor, v: Tensor) -> Tensor:
    y, mean = luma(x), _level("brightness", x, w)
    gain = _level("contrast", donor, v) / _level("contrast", x, w).clamp(min=1e-3)
    return x + (gain.clamp(max=STRONGEST) - 1) * (y - mean)


def _hue(x: Tensor, w: Tensor, donor: Tensor, v: Tensor) -> Tensor:
    """The mean colour, at the picture's own brightness; what is dark moves less, by the square root of what is there. That lies between
    other light, which multiplies, and a scanner's curve, which reaches further into the dark; but black stays black: added to, it
    got a colour, by which an exchanged picture could be told.
    """
    return _moved(x, w, donor, v, 0.5)


def _moved(x: Tensor, w: Tensor, donor: Tensor, v: Tensor, power: float) -> Tensor:
    own, other = ((each * share).sum((2, 3), keepdim=True) for each, share in ((x, w), (donor, v)))
    moved = x.clamp(min=0) ** power
    by = (coloured(luma(own), chroma(other)) - own) / (moved * w).sum((2, 3), keepdim=True).clamp(min=DARK)
    return x + by * moved


def hued(pictures: Pictures, donors: Pictures, power: float) -> Tensor:
    """The donors' hue on whole pictures, (n, 3, H, W), what is there moved by a power of itself: 0 moves everything alike, 1 multiplies
    as other light would; `Look` lies between.
    """
    own, other = weights(pictures.x, pictures.fore), weights(donors.x, donors.fore)
    return _moved(pictures.x, own, donors.x, other, power).clamp(0, 1)


def _saturation(x: Tensor, w: Tensor, donor: Tensor, v: Tensor) -> Tensor:
    gain = _level("saturation", donor, v) / _level("saturation", x, w).clamp(min=1e-3)
    return coloured(luma(x), chroma(x) * gain.clamp(max=STRONGEST))


def _along(name: str, ramp: str) -> Exchange:
    """Light that falls off is less of everything: dark places lose little of it."""

    def exchange(x: Tensor, w: Tensor, donor: Tensor, v: Tensor) -> Tensor:
        gain = _falls(name, ramp, donor, v) / _falls(name, ramp, x, w)
        return x * gain.clamp(1 / STRONGEST, STRONGEST)

    return exchange


def _falls(name: str, ramp: str, x: Tensor, w: Tensor) -> Tensor:
    """How bright it is along a ramp, by least squares, as a part of how bright it is in the middle; (n, 1, H, W)."""
    along = ramps(x)[ramp].to(x)
    level, slope = _level("brightness", x, w), _level(name, x, w)
    rows, columns = along.shape[2:]
    middle = (along[..., rows // 2, columns // 2] + along[..., (rows - 1) // 2, (columns - 1) // 2]) / 2
    usual = (along * w).sum((2, 3), keepdim=True)
    here, there = (level + slope * (at - usual) for at in (along, middle))
    return here.clamp(min=DARK) / there.clamp(min=DARK)


LOOKS_EXCHANGED: Mapping[str, Exchange] = {
    "brightness": _brightness,
    "contrast": _contrast,
    "hue": _hue,
    "saturation": _saturation,
    "light from above": _along("light from above", "down"),
    "light from the side": _along("light from the side", "across"),
    "vignette": _along("vignette", "outwards"),
}
"""By name; redness and blueness are one look, the hue."""
