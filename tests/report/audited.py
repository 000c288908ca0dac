"""An audit made by hand: every kind of aspect, of a network that isn't asked; numbers as a judge would give them."""

import numpy as np

from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects import Background, Detail, Look, Region
from seethrough.findings.audit import Audit, Example
from seethrough.findings.facts import Facts
from seethrough.findings.judge import NOT_FOUND, PROVEN, SUSPECTED, Finding, Trials
from seethrough.findings.looks import LOOKS
from seethrough.findings.naming import Group, Part
from seethrough.findings.split import split
from seethrough.findings.statistics import Interval
from seethrough.jobs import Passed
from seethrough.results import Note

COUNT, SIDE, N = 80, 24, 20


class Other:
    """An aspect of a kind that no table of words knows."""

    kind, name = "weather", "<b>fog</b>"

    def to_dict(self):
        return {"kind": self.kind, "name": self.name}


ASPECTS = (Background(), Look("hue"), Region("top left", (0.0, 0.25, 0.0, 0.25)), Other(), Detail("fine detail"))
VERDICTS = (PROVEN, PROVEN, SUSPECTED, SUSPECTED, NOT_FOUND)


def trials():
    put_in = np.arange(N) % 2 == 0
    changed = np.where(put_in, 0.9, 0.1).astype(np.float32)
    flipped = np.arange(N) < 12
    rows = np.arange(N)
    return Trials(rows, rows, rows, put_in, 1 - changed, changed, 1 - changed, flipped, np.arange(N) == 0)


def finding(aspect, verdict, effect, answer=1, rivals=(0,)):
    interval = Interval(effect, effect - 4.2, effect + 4.2, N)
    candidate = Candidate(aspect, answer, rivals, ("places", "evidence"), 0.93, 1.0, {"places.share": 0.7})
    flips, control = (0.6, 0.05) if verdict == PROVEN else (0.1, 0.1)
    return Finding(candidate, trials(), interval, 0.0001, 0.0005, verdict, flips, control)


def facts(fore=True, classes=2):
    given = np.arange(COUNT) % classes
    answers = np.eye(classes, dtype=np.float32)[given]
    looks = {name: np.where(given == 1, 0.4, 0.2).astype(np.float32) for name in LOOKS}
    looks["blueness"] = -looks["blueness"]
    masks = np.zeros((COUNT, 8, 8), np.uint8)
    masks[:, 2:6, 2:6] = 255
    return Facts(
        classes=given, labels=tuple(f"class {k}" if k > 1 else ("<i>snow</i> leopard", "Arabian leopard")[k] for k in range(classes)),
        answers=answers, features=np.zeros((COUNT, 2), np.float32), head=None, heat=np.ones((COUNT, 4, 4), np.float32),
        looks=looks, small=np.zeros((COUNT, 8, 8, 3), np.uint8), fore=masks if fore else None,
        split=split(given, np.arange(COUNT)),
    )  # fmt: skip


def examples(verdict, count=9):
    if verdict == NOT_FOUND:
        return ()
    chance = np.random.default_rng(0)
    pixels = chance.integers(0, 255, (2 * count, SIDE, SIDE, 3), np.uint8)
    heat = np.stack([np.eye(4, dtype=np.float32), np.zeros((4, 4), np.float32)])
    return tuple(
        Example(
            f"pictures/{k}.png",
            "<i>snow</i> leopard",
            pixels[2 * k],
            pixels[2 * k + 1],
            0.97,
            0.12,
            False,
            None if k else heat,
        )
        for k in range(count)
    )


NOTES = (Note("few_judges", "warning", {"count": 19}),)


GROUPS = (Group(0, (Part(1, through=Interval(0.7, 0.6, 0.8, N)),)), Group(2), Group(3))
"""Of `ASPECTS`, where the colour is by what the background counts."""


def audited(verdicts=VERDICTS, fore=True, classes=2, notes=NOTES, groups=()):
    """The audit; ``verdicts`` of as many of the aspects."""
    known = facts(fore, classes)
    findings = tuple(
        finding(aspect, verdict, 54.0 / (k + 1) if verdict != NOT_FOUND else 0.3)
        for k, (aspect, verdict) in enumerate(zip(ASPECTS, verdicts))
    )
    return Audit(
        findings=findings, examples=tuple(examples(verdict) for verdict in verdicts), labels=known.labels,
        right={k: 0.95 - 0.001 * k for k in known.asked}, names=tuple(f"{k}.png" for k in range(COUNT)), facts=known,
        passed=(Passed(3, "broken.png", "It is cut off."),), notes=notes, groups=groups,
        provenance={"network": "some/net.keras", "fingerprint": "ab12", "finders": ["properties", "places"], "called": {"snow": known.labels[0]}},
    )  # fmt: skip
