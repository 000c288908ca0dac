"""A case of the bed: which shortcut, how strong, in which network; and its pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from insight_bed.beds import GENERATORS, Generator

TRAIN, AUDIT, TEST = 0, 1, 2
"""Rows of pictures that share none: to train on, to be audited, and to score by."""

TRAINED, AUDITED, TESTED = 1280, 640, 256
"""Pictures of each."""


@dataclass(frozen=True)
class Case:
    """A network of the bed, and how it is looked at.

    Attributes
    ----------
    bed
        ``"first"``, ``"second"`` or ``"third"``: who draws.
    kind
        Of shortcut.
    correlation
        In so many of a hundred pictures the cue is that of the class; 0: it is any class's, a clean twin.
    architecture, classes, seed
        Of the network; the seed is also its pictures'.
    masked
        Whether the audit is told where the things are.
    """

    bed: str
    kind: str
    correlation: int
    architecture: str
    classes: int = 2
    seed: int = 0
    masked: bool = True

    @property
    def network(self) -> str:
        """The name of what is trained."""
        return f"{self.bed}-{self.kind}-{self.correlation}-{self.architecture}-{self.classes}-{self.seed}"

    @property
    def key(self) -> str:
        """The case's name."""
        return self.network if self.masked else f"{self.network}-bare"

    @property
    def generator(self) -> Generator:
        """Who draws."""
        return GENERATORS[self.bed]


@dataclass(frozen=True, eq=False)
class Sheet:
    """Some pictures of a case.

    Attributes
    ----------
    pictures
        uint8 (n, SIDE, SIDE, 3).
    masks
        bool (n, SIDE, SIDE): the thing.
    labels
        int64 (n,): what the thing is.
    cues
        int64 (n,): of which class the shortcut is. Nobody but the scorer and the oracle looks at it.
    """

    pictures: NDArray[np.uint8] = field(repr=False)
    masks: NDArray[np.bool_] = field(repr=False)
    labels: NDArray[np.int64]
    cues: NDArray[np.int64]


def sheet(
    case: Case,
    row: int,
    count: int,
    *,
    correlation: int | None = None,
    cues: Callable[[NDArray[np.int64]], NDArray[np.int64]] | None = None,
) -> Sheet:
    """Pictures of a case, as many of each class.

    Parameters
    ----------
    row
        `TRAIN`, `AUDIT` or `TEST`.
    correlation
        Another than the case's.
    cues
        From labels to the cues, where they aren't to be drawn.
    """
    seed = 1000 * (1 + case.seed) + row
    chance = np.random.default_rng([seed, case.classes])
    labels = np.arange(count) % case.classes
    share = case.correlation if correlation is None else correlation
    drawn = dealt(labels, case.classes, share, chance) if cues is None else cues(labels)
    pictures, masks = case.generator.draw(case.kind, labels, drawn, seed=seed)
    return Sheet(pictures, masks, labels, drawn)


def dealt(labels: NDArray[np.int64], classes: int, correlation: int, chance: np.random.Generator) -> NDArray[np.int64]:
    """The cue of each picture: its own class's in so many of a hundred, else one of the others'; any class's at 0."""
    cues = np.empty_like(labels)
    for label in range(classes):
        mine = chance.permutation(np.flatnonzero(labels == label))
        others = [k for k in range(classes) if k != label]
        broken = round(len(mine) * (1 - correlation / 100)) if correlation else round(len(mine) * (1 - 1 / classes))
        cues[mine] = label
        cues[mine[:broken]] = [others[k % len(others)] for k in range(broken)]
    return cues
