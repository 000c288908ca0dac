"""The beds: who draws, and which networks learn of it. What else depends on a bed is in files of its own, so that another bed,
or a change of one, leaves the rows of the others what they were (`runs.bed_state`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import nn

from insight_bed import (
    fifth,
    first,
    fourth,
    nets_fifth,
    nets_first,
    nets_fourth,
    nets_second,
    nets_third,
    second,
    third,
)

Box = tuple[float, float, float, float]
"""Top, bottom, left and right, in parts of the side."""

Places = Box | tuple[Box, ...] | None


class Generator(Protocol):
    """A module that draws."""

    @property
    def SIDE(self) -> int: ...
    @property
    def KINDS(self) -> tuple[str, ...]: ...
    @property
    def THINGS(self) -> tuple[str, ...]: ...

    def draw(
        self, kind: str, labels: NDArray[np.int64], cues: NDArray[np.int64], *, seed: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Pictures (n, SIDE, SIDE, 3) of these things with these cues, and masks of the things; the same seed draws the same
        but for labels and cues.
        """
        ...

    def place(self, kind: str, seed: int) -> Places:
        """Where the cue lies, if always at the same place or at one of several."""
        ...


GENERATORS: Mapping[str, Generator] = {
    "first": first,
    "second": second,
    "third": third,
    "fourth": fourth,
    "fifth": fifth,
}

SEEN: Mapping[str, tuple[str, ...]] = {
    "first": (),
    "second": second.SEEN,
    "third": third.SEEN,
    "fourth": fourth.SEEN,
    "fifth": fifth.SEEN,
}
"""Kinds of shortcut that a bed before has too, in other looks."""

ARCHITECTURES: Mapping[str, Mapping[str, Callable[[int], nn.Module]]] = {
    "first": nets_first.ARCHITECTURES,
    "second": nets_second.ARCHITECTURES,
    "third": nets_third.ARCHITECTURES,
    "fourth": nets_fourth.ARCHITECTURES,
    "fifth": nets_fifth.ARCHITECTURES,
}
"""By generator and name, from the number of classes."""

FILES: Mapping[str, tuple[str, ...]] = {
    "first": ("first", "nets_first"),
    "second": ("second", "nets_second"),
    "third": ("third", "third_laid", "nets_third"),
    "fourth": ("fourth", "fourth_room", "fourth_laid", "nets_fourth"),
    "fifth": ("fifth", "fifth_scene", "fifth_laid", "nets_fifth", "fourth_room"),
}
"""What a bed's pictures and networks come of: files of its own, and those of one before from which it has the arithmetic of drawing."""
