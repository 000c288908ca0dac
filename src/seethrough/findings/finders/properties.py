"""Properties: light, colour and detail beside the thing, against the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seethrough.findings.aspect import Aspect, Candidate
from seethrough.findings.aspects.detail import Detail
from seethrough.findings.aspects.look import Look
from seethrough.findings.canvas import Canvas
from seethrough.findings.facts import Facts
from seethrough.findings.finders.finder import questions, told_apart

WEAK = 0.62
"""What tells answers apart no better isn't handed on."""

MEASURES: Mapping[str, tuple[Aspect, tuple[str, ...]]] = {
    **{
        name: (Look(name), (name,))
        for name in ("brightness", "contrast", "saturation", "light from above", "light from the side", "vignette")
    },
    "hue": (Look("hue"), ("redness", "blueness")),
    **{name: (Detail(name), (name,)) for name in ("fine detail", "medium detail", "coarse detail")},
    "sharpness": (Detail("sharpness"), ("fine detail", "medium detail", "coarse detail")),
}
"""What is exchanged, and by which properties it is seen."""


@dataclass(frozen=True)
class Properties:
    """A property is a candidate where it tells the pictures answered so from those answered otherwise."""

    name: str = "properties"

    def find(
        self, facts: Facts, canvas: Canvas, numbers: NDArray[np.int64], chance: np.random.Generator
    ) -> list[Candidate]:
        found = []
        for answer, rivals, own, rival in questions(facts, numbers):
            for name, (aspect, looks) in MEASURES.items():
                table = np.stack([facts.looks[look] for look in looks], 1)
                line = _direction(table[own], table[rival])
                auc = told_apart(table[own] @ line, table[rival] @ line)
                if auc >= WEAK:
                    means = {"own": float((table[own] @ line).mean()), "rivals": float((table[rival] @ line).mean())}
                    found.append(Candidate(aspect, answer, rivals, (self.name,), auc, 1.0, {f"property.{name}": means}))
        return found


def _direction(own: NDArray, rival: NDArray) -> NDArray:
    """In which the two differ most for their spread: Fisher's discriminant, on the diagonal; +1 or −1 for one number."""
    spread = np.sqrt((own.var(0) + rival.var(0)) / 2) + 1e-9
    line = (own.mean(0) - rival.mean(0)) / spread**2
    return line / (np.abs(line).sum() + 1e-12) if len(line) > 1 else np.sign(line) + (line == 0)
