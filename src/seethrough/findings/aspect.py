"""Aspect: something of a picture, beside the thing that it is about, that can be exchanged for another picture's.

The one idea of this room. An aspect is *found* where it tells classes apart, *judged* by taking it from a picture of another
class (beside the control: from another picture of the same class), *repaired* by training on pictures whose aspects are
exchanged at random, and *proved* gone by being exchanged once more. No aspect touches the thing itself where it is known
where that is: what answers then change by isn't the class. Light and focus that lie over everything are one exception
(`seethrough.findings.finders.casts`): they are measured beside the things, and things follow; the other is what lies over a donor's thing,
which lies over the picture's then (`seethrough.findings.aspects.touching`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seethrough.findings.canvas import Pictures


class Aspect(Protocol):
    """Something that can be exchanged.

    Attributes
    ----------
    kind
        ``"background"``, ``"region"``, ``"look"``, ``"spectrum"``, ``"thing"``, ``"component"``.
    name
        Within its kind: ``"hue"``, ``"top left"``; empty where there is one.
    """

    @property
    def kind(self) -> str: ...

    @property
    def name(self) -> str: ...

    def exchange(self, pictures: Pictures, donors: Pictures) -> Tensor:
        """The pictures, each with this aspect of its donor, (n, 3, H, W) from 0 to 1; everything else as it was.

        Parameters
        ----------
        donors
            As many as pictures, each beside its own.
        """
        ...

    def amount(self, pictures: Pictures) -> NDArray[np.float32] | None:
        """How much there is of it on each picture, (n,), in units of its own; None where it has no amount (a background
        has none).
        """
        ...

    def to_dict(self) -> dict[str, Any]:
        """Plain data from which `seethrough.findings.aspects.aspect_of` makes it again."""
        ...


def control_of(aspect: Aspect, pictures: Pictures, donors: Pictures, others: Pictures) -> Tensor:
    """What an exchange is held against, (n, 3, H, W): the same with others of the pictures' own classes as donors, but for an aspect
    that says itself what it is to be held against.
    """
    own = getattr(aspect, "control", None)
    return aspect.exchange(pictures, others) if own is None else own(pictures, donors, others)


@dataclass(frozen=True, eq=False)
class Candidate:
    """An aspect that may speak for an answer.

    Attributes
    ----------
    aspect
        What.
    answer
        For which output.
    rivals
        Against which outputs: those that it is confused with, or all others where there are few.
    ways
        Finders that saw it.
    strength
        How well it tells this answer from its rivals in the pictures that find, 0.5 (not at all) to 1: the area under
        the ROC curve, however the finder scores it.
    reappeared
        Share of the finder's seeds in which it was there again, 0…1.
    numbers
        What was measured, for words: ``{"answer": 0.71, "rivals": 0.22, "unit": "share"}``.
    """

    aspect: Aspect
    answer: int
    rivals: tuple[int, ...]
    ways: tuple[str, ...]
    strength: float
    reappeared: float
    numbers: dict[str, Any]

    @property
    def key(self) -> tuple[str, str, int]:
        """By which candidates of several finders are the same."""
        return self.aspect.kind, self.aspect.name, self.answer
