"""What the engine asks of an operation: how it moves boxes, and what it gives for a window.

Everything is along one axis at a time (0: down, 1: across), in whole numbers; places are those of a plane (H, W) of values
(N, C, H, W).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from seethrough.graph.graph import Graph
from seethrough.graph.operations import Operation

Interval = tuple[Tensor, Tensor]
"""First and last changed place, both within, (K,) each, int64."""


class Rule(Protocol):
    """One operation, as boxes travel through it.

    Attributes
    ----------
    sources
        Numbers of the values (N, C, H, W) that it reads and that may be changed, one of them more than once where it is
        read in two ways; constants are its own business.
    fill
        What stands beyond the edges of what it reads: 0 for a convolution, −∞ for max pooling.
    pointwise
        Each place is made of the same place of each source alone, so that boxes that coincide need no window.
    macs
        Multiplications for each place of the output, all channels together; 0 for what counts none
        (`seethrough.graph.cost`).
    """

    @property
    def sources(self) -> tuple[int, ...]: ...

    @property
    def fill(self) -> float: ...

    @property
    def pointwise(self) -> bool: ...

    @property
    def macs(self) -> int: ...

    def changed(self, axis: int, intervals: Sequence[Interval], length: int) -> Interval:
        """The true interval of output places that depend on changed places of the sources: one interval for each source
        (an unchanged source's is empty: first > last); ``length`` is how many places the output has. Within 0 …
        length − 1; empty (first > last) where nothing is reached.
        """
        ...

    def reads(self, axis: int, places: Tensor, source: int) -> Tensor:
        """The places of one source (its position in ``sources``) that output places (B, n), consecutive in each row, are
        made of, (B, m), as `apply` wants its window cut: in any order, some more than once; those beyond the edges are
        filled with ``fill``. A source with one place along an axis, for all, is read once: m is 1.
        """
        ...

    def apply(self, windows: Sequence[Tensor], down: Tensor, across: Tensor) -> Tensor:
        """The output at places down (B, n_h) × across (B, n_w), (B, C', n_h, n_w), from one window for each source,
        (B, C, m_h, m_w) channels-last in memory, cut as `reads` says. May not write into a window, but may give back one.
        """
        ...


RuleOf = Callable[[Graph, Operation], "Rule | None"]
"""The rule of an operation of a (fused) graph; None where it mixes the whole plane, or nobody knows: from there on the plane
is computed in full.
"""


class Head(Protocol):
    """Operations that make of a changed plane something without places, had from the clean run's by difference.

    Attributes
    ----------
    source, output
        Numbers of the value (N, C, H, W) that is read and of the value that is given.
    steps
        The operations it stands for; what they give in between is read by nobody else.
    macs
        Multiplications for each changed place of the source, all channels together: as many as are needed.
    """

    @property
    def source(self) -> int: ...

    @property
    def output(self) -> int: ...

    @property
    def steps(self) -> tuple[Operation, ...]: ...

    @property
    def macs(self) -> int: ...

    def work(self, height: int, width: int) -> int:
        """The multiplications that are run for a position whose box has this size."""
        ...

    def clean(self, plane: Tensor) -> Any:
        """What it needs of the clean run, from the source's clean plane (1, C, H, W); once for each picture."""
        ...

    def take(self, clean: Any, box: Tensor, top: Tensor, left: Tensor) -> tuple[Tensor, ...]:
        """What it keeps of a batch's boxes (B, C, h, w) at (B,), (B,), as little as it can; a plane in full comes as a box
        at 0, 0. What it keeps is counted by its bytes.
        """
        ...

    def give(self, clean: Any, taken: Sequence[tuple[Tensor, ...]]) -> Tensor:
        """The output for all batches that were taken, in their order."""
        ...


HeadOf = Callable[[Graph, Operation], "Head | None"]
"""The head that begins with an operation; None where none does."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Channels and places of a value (N, C, H, W)."""

    channels: int
    height: int
    width: int
