"""The leopards: did the network learn the animal, or the background?

Two networks of one build tell snow leopards from Arabian leopards. One learned where the first stand on snow and the
second in the desert 95 times in 100, the other where the background says nothing. Both are asked about fresh pictures,
about the same animals with the backgrounds exchanged, and why. Every number is computed here and now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from seethrough.attribution.evidence import evidence_of
from seethrough.datasets.leopards import Leopards, exchanged, leopards
from seethrough.explanation import explain
from seethrough.network import Network
from seethrough.network import open as open_network
from seethrough.results import Explanation

NETWORKS = ("demo:leopards", "demo:leopards-balanced")
"""The one that learned on 95 % correlated pictures first."""

METHODS = ("gradcam", "integrated_gradients", "occlusion")

MEASURED_BY = "occlusion"
"""Whose maps say how much of the evidence lies on the background: what the answer really loses when a place is covered."""

SEED = 20_000
"""Of the pictures; the networks were trained on other seeds."""

MEASURED, EXPLAINED, CHUNK = 120, 4, 20
"""How many animals are measured, how many of them are explained (each on both backgrounds), how many are drawn at once."""


@dataclass(frozen=True)
class Side:
    """One network on the pictures as they are, or with the backgrounds exchanged.

    ``right`` and ``background`` count the pictures answered with the animal's species, and with the species that the
    background stands for; ``total`` all.
    """

    right: int
    background: int
    total: int


@dataclass(frozen=True, eq=False)
class Finding:
    """What one network does.

    Attributes
    ----------
    network
        As it was opened.
    usual, exchanged
        The same animals on the usual and on the other background.
    on_background
        From method to the share of the evidence for the network's own answer that lies on the background, mean over the
        explained pictures, 0…1.
    explanations
        Of the explained pictures, usual background first.
    """

    network: Network
    usual: Side
    exchanged: Side
    on_background: dict[str, float]
    explanations: Explanation


@dataclass(frozen=True, eq=False)
class LeopardsReport:
    """All that was found: a finding a network, the explained pictures, and which share of their area the background
    covers.
    """

    findings: tuple[Finding, ...]
    explained: tuple[Leopards, Leopards]
    background_area: float
    seed: int
    provenance: dict[str, object] = field(default_factory=dict)


def leopards_report(
    *,
    measured: int = MEASURED,
    explained: int = EXPLAINED,
    seed: int = SEED,
    tell: Callable[[str], None] = lambda line: None,
) -> LeopardsReport:
    """Draw, ask, explain and count.

    Parameters
    ----------
    measured
        Animals that both networks are asked about, each on both backgrounds.
    explained
        How many of them, from the first, are explained.
    seed
        Of the drawn pictures.
    tell
        Called with a line now and then.
    """
    tell(f"Drawing {measured} animals, each on its usual background and on the other")
    usual = leopards(measured, correlation=1.0, seed=seed)
    other = exchanged(usual)
    shown = usual[: min(explained, measured)], other[: min(explained, measured)]
    findings = []
    for name in NETWORKS:
        network = open_network(name)
        tell(f"Asking {name} about {2 * measured} pictures, and why about {2 * len(shown[0])}")
        why = explain(network, [*shown[0].pictures, *shown[1].pictures], METHODS)
        findings.append(
            Finding(network, _asked(network, usual), _asked(network, other), _on_background(why, shown), why)
        )
    area = float(np.mean([~m for part in shown for m in part.masks]))
    return LeopardsReport(
        tuple(findings), shown, area, seed, {"pictures": {"seed": seed, "animals": measured}, "methods": list(METHODS)}
    )


def _asked(network: Network, pictures: Leopards) -> Side:
    answers = np.concatenate(
        [
            network.predict(list(pictures.pictures[k : k + CHUNK])).values.argmax(1)
            for k in range(0, len(pictures), CHUNK)
        ]
    )
    return Side(int((answers == pictures.species).sum()), int((answers == pictures.backgrounds).sum()), len(pictures))


def _on_background(why: Explanation, shown: tuple[Leopards, Leopards]) -> dict[str, float]:
    """Mean share of the evidence for the answer that lies on the background, a method."""
    masks = np.concatenate([part.masks for part in shown])
    shares = {}
    for name, attribution in why.items():
        each = [
            evidence_of(m, signed=attribution.signed, mask=~mask).support.on_mask
            for m, mask in zip(attribution.map, masks)
        ]
        shares[name] = float(np.mean([share for share in each if share is not None]))
    return shares
