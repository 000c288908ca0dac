"""The leopards mended: a network that names them by the ground is audited, repaired, and proved on leopards that nobody has seen.

It learned where the background gives the answer away 95 times in 100, and is audited and repaired with pictures of that kind: where
an animal stands isn't told to it. Only the proof is told, and beside it a network of the same build that learned on balanced
pictures from the beginning says what could be reached.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seethrough.datasets.leopards import BACKGROUNDS, SPECIES, Leopards, leopards
from seethrough.demo.leopards import NETWORKS
from seethrough.findings.audit import Audit, audit
from seethrough.network import Network
from seethrough.network import open as open_network
from seethrough.remedies.measure import AFTER, BEFORE, GROUP
from seethrough.remedies.proof import Proof
from seethrough.remedies.prove import prove
from seethrough.remedies.repair import repair
from seethrough.remedies.repaired import Repair

SEED, FRESH_SEED = 30_000, 31_000
"""Of the audited pictures and of those that prove; the networks were trained on other seeds."""

COUNT, FRESH = 1000, 320
"""How many of each."""

CORRELATION = 0.95
"""Of the audited pictures, as of those that the network learned on."""

FINDERS = ("places", "evidence")
"""Ways to find that are asked: those that take least."""

RUNGS = ("exchanged", "whole")
"""Ways to mend that are tried: with pictures on exchanged grounds, the last layer first and then all of so small a network."""

CHUNK = 20

ANSWERS = {"background": "background"}
"""What a person says: that the ground only happens to be there. Its colours and light are part of it."""

Progress = Callable[[str, int, int], None]

Place = tuple[int, str]
"""A species' number, and on what its animals stand."""


@dataclass(frozen=True, eq=False)
class Mended:
    """The whole story.

    Attributes
    ----------
    audit, repair
        Of the network that learned on correlated pictures.
    proof
        None where the repair gave no network.
    balanced
        From a species and what its animals stand on to the share that the balanced network names rightly.
    seconds
        That the whole took.
    """

    audit: Audit
    repair: Repair
    proof: Proof | None
    balanced: Mapping[Place, float]
    seconds: float
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def shares(self, network: str) -> dict[Place, float]:
        """The same of the network before or after, as the proof counted it."""
        rows = () if self.proof is None else self.proof.rows
        return {(row.part.answer, row.part.name): row.right[network] for row in rows if row.part.kind == GROUP}

    @property
    def worst(self) -> tuple[float, float, float]:
        """The lowest share of a species on a ground: before, repaired, and of the balanced network."""
        sides = (self.shares(BEFORE), self.shares(AFTER), self.balanced)
        before, after, balanced = (min(side.values(), default=float("nan")) for side in sides)
        return before, after, balanced


def leopards_mended(
    *,
    count: int = COUNT,
    fresh: int = FRESH,
    tell: Callable[[str], None] = lambda line: None,
    progress: Progress | None = None,
) -> Mended:
    """Audit, repair and prove.

    Parameters
    ----------
    count
        Pictures that are audited and learned from.
    fresh
        Pictures that prove, as many on each ground.
    tell
        Called with a line now and then.
    progress
        Told what is being done, how much of it, and of how much.
    """
    begun = time.monotonic()
    tell(f"Drawing {count} leopards, {CORRELATION:.0%} of them on their usual ground")
    known = leopards(count, correlation=CORRELATION, seed=SEED)
    net = open_network(NETWORKS[0])
    tell(f"Auditing {NETWORKS[0]}")
    data, drawn = list(known.pictures), {"truth": _species(known), "masks": list(known.masks)}
    found = audit(net, data, **drawn, finders=FINDERS, progress=progress)
    tell("Repairing it: the background only happens to be there")
    mended = repair(net, found, data, answers=ANSWERS, **drawn, rungs=RUNGS, progress=progress)
    tell(f"Proving it on {fresh} other leopards, half of them on unusual ground")
    others = leopards(fresh, correlation=0.5, seed=FRESH_SEED)
    proof = None
    if mended.network is not None:
        proof = prove(
            net, mended, list(others.pictures), findings=found, truth=_species(others), masks=list(others.masks),
            groups=[BACKGROUNDS[k] for k in others.backgrounds], progress=progress,
        )  # fmt: skip
    tell(f"Asking {NETWORKS[1]}, which learned on balanced pictures, for comparison")
    return Mended(
        audit=found,
        repair=mended,
        proof=proof,
        balanced=_right(open_network(NETWORKS[1]), others),
        seconds=time.monotonic() - begun,
        provenance={
            "audited": {"seed": SEED, "pictures": count, "correlation": CORRELATION},
            "proved": {"seed": FRESH_SEED, "pictures": fresh},
            "network": net.provenance,
        },
    )


def _species(animals: Leopards) -> list[str]:
    return [SPECIES[k] for k in animals.species]


def _right(net: Network, animals: Leopards) -> dict[Place, float]:
    """How often it is right, by species and ground."""
    said = np.concatenate(
        [net.predict(list(animals.pictures[k : k + CHUNK])).values.argmax(1) for k in range(0, len(animals), CHUNK)]
    )
    found = {}
    for species in range(len(SPECIES)):
        for k, ground in enumerate(BACKGROUNDS):
            rows = (animals.species == species) & (animals.backgrounds == k)
            if rows.any():
                found[species, ground] = float((said[rows] == species).mean())
    return found
