"""Rungs: ways to mend a network, from the least that is changed to the most; a file a way."""

from __future__ import annotations

from seethrough.remedies.rung import Rung
from seethrough.remedies.rungs.block import Block
from seethrough.remedies.rungs.exchanged import Exchanged
from seethrough.remedies.rungs.grouped import Grouped
from seethrough.remedies.rungs.guided import Guided
from seethrough.remedies.rungs.prototypes import Prototypes
from seethrough.remedies.rungs.reweighted import Reweighted
from seethrough.remedies.rungs.subtraction import Subtraction
from seethrough.remedies.rungs.whole import Whole

__all__ = ["RUNGS"]

RUNGS: dict[str, Rung] = {
    rung.name: rung
    for rung in (
        Subtraction(),
        Reweighted(),
        Grouped(),
        Prototypes(),
        Exchanged(),
        Block(),
        Guided(),
        Whole(),
    )
}
"""By name, in the order of the ladder."""
