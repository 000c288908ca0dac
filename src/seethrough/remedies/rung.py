"""Rung: one way to mend a network, and what all ways are given, and give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seethrough.findings.aspect import Candidate
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import Facts

HEAD, BLOCK, WRAPPED = "last layer", "last block", "wrapper"
"""What of the network a rung changes: its last linear layer, that and the block before it, or, outside of it, how its answer
is computed.
"""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Ward:
    """A network that is to be mended, and all that a rung may use. No picture of the proof part is in it.

    Attributes
    ----------
    canvas
        The network and the collection.
    facts
        What is known of each picture.
    faults
        What its answers go by and shouldn't: the findings that a person called background.
    learn, choose
        int64: pictures to learn from (those that found and judged), and those by which a repair is chosen and passes.
    seed
        Of all draws.
    deadline
        `time.monotonic()` at which no other training is begun; None without a budget.
    folder
        Where what was asked of exchanged pictures is kept, so that a repair that was broken off goes on; None for nowhere.
    grounds
        Which faults, from 0, the audit named parts of the background: they lie beside things, whose own looks stay.
    """

    canvas: Canvas
    facts: Facts
    faults: tuple[Candidate, ...]
    learn: NDArray[np.int64]
    choose: NDArray[np.int64]
    seed: int = 0
    deadline: float | None = None
    folder: Path | None = None
    grounds: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class Edit:
    """What is to be changed of a network.

    Attributes
    ----------
    weights
        From the path of a parameter of the network (`seethrough.remedies.weights.parameters`) to its new value, in its own
        shape; all others stay as they are, to the bit.
    wrapper
        From features (n, D), before the last layer, and logits (n, K) to the logits that count; None for none.
    """

    weights: Mapping[str, Tensor] = field(default_factory=dict)
    wrapper: Callable[[Tensor, Tensor], Tensor] | None = None


@dataclass(frozen=True, eq=False)
class Attempt:
    """What a rung made of a network.

    Attributes
    ----------
    edit
        The change.
    settings
        What was chosen, as plain data, so that it can be made again.
    controls
        The same budget spent for nothing: ``"shuffled"`` (whatever tells pictures apart in this rung dealt out anew) and
        ``"plain"`` (the same training on the pictures as they are), each as the change that it makes.
    """

    edit: Edit
    settings: Mapping[str, Any] = field(default_factory=dict)
    controls: Mapping[str, Edit] = field(default_factory=dict)


class Rung(Protocol):
    """One way to mend a network."""

    @property
    def name(self) -> str: ...

    @property
    def changes(self) -> str:
        """`HEAD`, `BLOCK` or `WRAPPED`."""
        ...

    def unfit(self, ward: Ward) -> str | None:
        """Why it can't be tried, as a code that `show/` has words for: ``"no_head"``, ``"few_counter_examples"``,
        ``"no_gradient"``, ``"no_block"``, ``"too_long"``; None where it can.
        """
        ...

    def attempt(self, ward: Ward, progress: Progress | None = None) -> Attempt:
        """Learn from ``ward.learn``, choose settings by ``ward.choose``."""
        ...
