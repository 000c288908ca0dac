"""Properties: light, colour and detail beside the thing, and its place and size, against the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seethrough.findings.aspect import Aspect, Candidate
from seethrough.findings.aspects.detail import Detail
from seethrough.findings.aspects.layout import Layout
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

LAYOUTS: Mapping[str, Aspect] = {name: Layout(name) for name in ("position", "size")}
"""What is seen by where the thing is (`layouts`), and exchanged."""


@dataclass(frozen=True)
class Properties:
    """A property is a candidate where it tells the pictures answered so from those answered otherwise."""

    name: str = "properties"

    def find(
        self, facts: Facts, canvas: Canvas, numbers: NDArray[np.int64], chance: np.random.Generator
    ) -> list[Candidate]:
        found = []
        tables = {
            name: (aspect, np.stack([facts.looks[n] for n in looks], 1)) for name, (aspect, looks) in MEASURES.items()
        }
        tables |= {name: (LAYOUTS[name], table) for name, table in layouts(facts).items()}
        for answer, rivals, own, rival in questions(facts, numbers):
            for name, (aspect, table) in tables.items():
                line = direction(table[own], table[rival])
                auc = told_apart(table[own] @ line, table[rival] @ line)
                if auc >= WEAK:
                    means = {"own": float((table[own] @ line).mean()), "rivals": float((table[rival] @ line).mean())}
                    found.append(Candidate(aspect, answer, rivals, (self.name,), auc, 1.0, {f"property.{name}": means}))
        return found


def layouts(facts: Facts) -> dict[str, NDArray[np.float64]]:
    """Of each picture the middle of its thing, down and across in parts of the side (N, 2), and the logarithm of the share that it
    covers (N, 1); nothing where nobody knows where things are.
    """
    if facts.fore is None:
        return {}
    side = facts.fore.shape[1]
    at, on = (np.arange(side) + 0.5) / side, facts.fore.astype(np.float64) / 255
    area = on.sum((1, 2))
    sums = np.stack([on.sum(2) @ at, on.sum(1) @ at], 1)
    middle = np.where(area[:, None] > 0, sums / np.maximum(area, 1e-9)[:, None], 0.5)
    return {"position": middle, "size": np.log(np.maximum(area, 1) / side**2)[:, None]}


def direction(own: NDArray, rival: NDArray) -> NDArray:
    """The line in which the two differ most for their spread: Fisher's discriminant, on the diagonal; +1 or −1 for one number."""
    spread = np.sqrt((own.var(0) + rival.var(0)) / 2) + 1e-9
    line = (own.mean(0) - rival.mean(0)) / spread**2
    return line / (np.abs(line).sum() + 1e-12) if len(line) > 1 else np.sign(line) + (line == 0)
