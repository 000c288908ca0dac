"""Measure: what several networks answer to the very same pictures, as they are and with an aspect exchanged; and how sure one
can be that one of them is better.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seethrough.findings.aspect import Candidate
from seethrough.findings.canvas import Canvas
from seethrough.findings.judge import WAY, Plan, versions_of
from seethrough.findings.statistics import Interval, mcnemar, proportion
from seethrough.remedies.pool import keep

BEFORE, AFTER = "before", "after"
"""The network as it was, and the one that was made of it."""

RIGHT, WORST_CLASS, WORST_SLICE, WORST_GROUP = "right", "worst class", "worst slice", "worst group"
"""What is compared: all pictures, the class, slice or group with the fewest right answers."""

ALL, CLASS, GROUP, SLICE, SIDE = "all", "class", "group", "slice", "side"
"""Kinds of `Part`: pictures as they are, whole, by class and by a person's groups; pictures with an aspect exchanged, by whose it
is; pictures as they are, by whose aspect theirs is like.
"""

OWN, OTHER = "own", "other"
"""Whose aspect a picture of a slice has: that of another picture of its class, or of one of another class."""

ENOUGH, ENOUGH_OF_A_GROUP = 10, 5
"""A part with fewer independent pictures isn't asked whether it is the worst: the worst of many small ones is bad by chance. Of
groups that a person named, which are few and meant, fewer are enough.
"""

DRAWS = 2000

AT_ONCE = 64
"""Pictures that are read at once."""

Step = Callable[[int], None]
"""Told how many pictures more are done."""


@dataclass(frozen=True, eq=False)
class Panel:
    """Networks that are shown the same pictures.

    Attributes
    ----------
    canvases
        By name. The first reads the pictures and exchanges aspects, so that what all see is one and the same.
    """

    canvases: Mapping[str, Canvas]

    @property
    def first(self) -> Canvas:
        """Who reads."""
        return next(iter(self.canvases.values()))

    @property
    def asked(self) -> int:
        """Pictures that went through all networks together."""
        return sum(canvas.asked for canvas in self.canvases.values())

    def ask(self, x: Tensor, of: Sequence[str] | None = None) -> dict[str, NDArray[np.float32]]:
        """Probabilities (n, K) of each network, or of some."""
        return {name: canvas.ask(x) for name, canvas in self.canvases.items() if of is None or name in of}

    def answers(self, numbers: NDArray[np.int64], step: Step | None = None) -> dict[str, NDArray[np.float32]]:
        """What each network answers to pictures as they are: (N, K) by name, of the whole collection; 0 where not asked."""
        found: dict[str, NDArray[np.float32]] = {}
        for at in range(0, len(numbers), AT_ONCE):
            rows = numbers[at : at + AT_ONCE]
            for name, chances in self.ask(self.first.load(rows).x).items():
                whole = (len(self.first.collection), chances.shape[1])
                found.setdefault(name, np.zeros(whole, np.float32))[rows] = chances
            if step:
                step(len(rows))
        return found

    def exchanged(
        self,
        candidate: Candidate,
        plan: Plan,
        answers: Mapping[str, NDArray[np.float32]],
        *,
        of: Sequence[str] | None = None,
        step: Step | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """What each network answers to the pictures of a plan: (n, 3, K) by name, as they are, with the aspect exchanged, and
        the control.

        Parameters
        ----------
        answers
            To the pictures as they are, of all networks that are asked (`answers`).
        of
            The networks that are asked; by default all.
        """
        parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in self.canvases if of is None or name in of}
        for own, changed, control in versions_of(self.first, candidate, plan):
            one, other = self.ask(changed, of), self.ask(control, of)
            for name, each in parts.items():
                each.append(np.stack([one[name], other[name]], 1))
            if step:
                step(len(own))
        found = {}
        for name, each in parts.items():
            own = answers[name][plan.numbers][:, None]
            found[name] = np.concatenate([own, np.concatenate(each)], 1) if each else np.repeat(own, 3, 1)
        return found


def recalled(
    folder: Path, said: Any, plan: Plan, panel: Panel, make: Callable[[], dict[str, NDArray[np.float32]]]
) -> dict[str, NDArray[np.float32]]:
    """What was answered to a plan's pictures, as it is kept in a folder, or made and kept: a proof that was broken off goes on.

    Parameters
    ----------
    said
        What the answers depend on beside pictures and plan: the aspect, the masks, the networks' fingerprints.
    """
    plain = json.dumps([said, WAY, panel.first.collection.fingerprint], sort_keys=True, default=str)
    digest = hashlib.sha256(plain.encode())
    for each in fields(Plan):
        digest.update(np.ascontiguousarray(getattr(plan, each.name)).tobytes())
    path = folder / f"{digest.hexdigest()[:24]}.npz"
    try:
        with np.load(path, allow_pickle=False) as held:
            return {name: held[name] for name in held.files}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):  # not there, or not whole
        found = make()
        keep(path, **found)
        return found


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the answers.

    Attributes
    ----------
    kind
        `ALL`, `CLASS`, `GROUP`, `SLICE` or `SIDE`.
    answer
        The class that its pictures belong to; −1 for all, −2 for several small classes together.
    name
        Of a group, as the person calls it; of a slice or side `OWN` or `OTHER`.
    finding
        Of a slice or side, which of the findings that are followed it is about, from 0; −1 for none.
    """

    kind: str
    answer: int = -1
    name: str = ""
    finding: int = -1


@dataclass(frozen=True, eq=False)
class Sheet:
    """Answers that are right or wrong, a row each.

    Attributes
    ----------
    parts
        What they fall into.
    part
        int64 (m,): of each row.
    cluster
        int64 (m,): near-duplicates, and the same picture twice, have the same number.
    right
        bool (m,), by network.
    """

    parts: tuple[Part, ...]
    part: NDArray[np.int64]
    cluster: NDArray[np.int64]
    right: Mapping[str, NDArray[np.bool_]]

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Independent pictures of each part."""
        return np.array([len(np.unique(self.cluster[self.part == k])) for k in range(len(self.parts))], np.int64)

    def share(self, network: str) -> NDArray[np.float64]:
        """Of right answers in each part; NaN in an empty one."""
        right = self.right[network]
        return np.array(
            [right[self.part == k].mean() if (self.part == k).any() else np.nan for k in range(len(self.parts))]
        )

    def __add__(self, other: Sheet) -> Sheet:
        return Sheet(
            (*self.parts, *other.parts),
            np.concatenate([self.part, other.part + len(self.parts)]),
            np.concatenate([self.cluster, other.cluster]),
            {name: np.concatenate([right, other.right[name]]) for name, right in self.right.items()},
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A part of a sheet in numbers: how many independent pictures, and which share of them each network answers rightly."""

    part: Part
    n: int
    right: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        part = self.part
        return {
            "kind": part.kind, "answer": part.answer, "name": part.name, "finding": part.finding, "n": self.n,
            "right": dict(self.right),
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Versus:
    """A share of right answers before and after: of all, or in the part with the fewest.

    Attributes
    ----------
    name
        `RIGHT`, `WORST_CLASS`, `WORST_SLICE` or `WORST_GROUP`.
    before, after, change
        Shares 0…1 with 95 % intervals over pictures drawn anew, the same ones for both networks; in every draw the worst part
        is sought again.
    chance
        Of so uneven a change between right and wrong, were both networks alike (McNemar, two-sided): of all pictures that are
        compared, or of those in the parts that are worst before or after.
    gained, lost
        How many of these became right and wrong.
    worst_before, worst_after
        The parts.
    controls
        The share of each control.
    beyond
        After less each control.
    """

    name: str
    before: Interval
    after: Interval
    change: Interval
    chance: float
    gained: int
    lost: int
    worst_before: Part
    worst_after: Part
    controls: Mapping[str, Interval] = field(default_factory=dict)
    beyond: Mapping[str, Interval] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "name": self.name,
            **{side: getattr(self, side).to_dict() for side in ("before", "after", "change")},
            "chance": self.chance,
            "gained": self.gained,
            "lost": self.lost,
            "controls": {name: interval.to_dict() for name, interval in self.controls.items()},
            "beyond": {name: interval.to_dict() for name, interval in self.beyond.items()},
        }


def versus(name: str, sheet: Sheet, *, seed: int = 0, draws: int = DRAWS) -> Versus | None:
    """Both networks on the worst part of a sheet (of one part: on it); None where no part has `ENOUGH` pictures.

    The worst part is sought for each network alone, and again in every draw. Sought once before and followed, it would look
    better afterwards by chance: what is worst of many is partly unlucky.
    """
    least = {ALL: 1, GROUP: ENOUGH_OF_A_GROUP}
    large = np.flatnonzero(sheet.sizes >= [least.get(part.kind, ENOUGH) for part in sheet.parts])
    if not len(large):
        return None
    networks = list(sheet.right)
    table = _tally(sheet, large)
    drawn = _lowest(_sums_drawn_anew(table, draws, seed))
    whole = _lowest(table.sum(0)[None])[0]
    found = dict(zip(networks, range(len(networks))))

    def ends(each: NDArray[np.float64]) -> tuple[float, float]:
        if len(table) < 2:
            return float("-inf"), float("inf")
        low, high = np.nanquantile(each, (0.025, 0.975))
        return float(low), float(high)

    def interval(of: str, part: int | None = None) -> Interval:
        """Of one network; no narrower than that of a share that is 0 or 1 (Wilson), of which no draw differs."""
        part = int(np.argmin(sheet.share(of)[large])) if part is None else int(np.flatnonzero(large == part)[0])
        value, n = float(whole[found[of]]), int(sheet.sizes[large[part]])
        low, high = ends(drawn[:, found[of]])
        sure = proportion(round(value * n), n)
        return Interval(value, min(low, sure.low), max(high, sure.high), n)

    def change(of: str, less: str, one: Interval, other: Interval) -> Interval:
        value, n = float(whole[found[of]] - whole[found[less]]), min(one.n, other.n)
        low, high = ends(drawn[:, found[of]] - drawn[:, found[less]])
        return Interval(value, low, high, n) if low < high else _of_alike(value, one, other, n)

    shares = {side: sheet.share(side)[large] for side in (BEFORE, AFTER)}
    first = int(np.argmin(shares[BEFORE]))
    alike = shares[AFTER][first] <= shares[AFTER].min()  # of several that are worst the same one
    worst_before, worst_after = (int(large[k]) for k in (first, first if alike else np.argmin(shares[AFTER])))
    turned = _turned(sheet, {worst_before, worst_after})
    one, other = interval(BEFORE, worst_before), interval(AFTER, worst_after)
    controls = {control: interval(control) for control in networks if control not in (BEFORE, AFTER)}
    return Versus(
        name=name,
        before=one,
        after=other,
        change=change(AFTER, BEFORE, other, one),
        chance=mcnemar(turned < 0, turned > 0),
        gained=int((turned > 0).sum()),
        lost=int((turned < 0).sum()),
        worst_before=sheet.parts[worst_before],
        worst_after=sheet.parts[worst_after],
        controls=controls,
        beyond={control: change(AFTER, control, other, each) for control, each in controls.items()},
    )


def _of_alike(value: float, after: Interval, before: Interval, n: int) -> Interval:
    """The interval of a change of which no draw differs: where nothing turned, up to what could be missed with so many
    pictures; where all did, Newcombe's (1998) of two shares.
    """
    if value == 0:
        unseen = proportion(0, n).high
        return Interval(value, -unseen, unseen, n)
    down = np.hypot(after.value - after.low, before.high - before.value)
    up = np.hypot(after.high - after.value, before.value - before.low)
    return Interval(value, value - float(down), value + float(up), n)


def rows_of(sheet: Sheet) -> tuple[Row, ...]:
    """Every part that has pictures, in numbers."""
    shares = {name: sheet.share(name) for name in sheet.right}
    return tuple(
        Row(part, int(sheet.sizes[k]), {name: float(share[k]) for name, share in shares.items()})
        for k, part in enumerate(sheet.parts)
        if sheet.sizes[k]
    )


def _tally(sheet: Sheet, large: NDArray[np.int64]) -> NDArray[np.float64]:
    """(C, 1 + networks, parts): of each cluster the answers in each part, and how many of each network's are right."""
    clusters, row = np.unique(sheet.cluster, return_inverse=True)
    table = np.zeros((len(clusters), 1 + len(sheet.right), len(large)))
    for at, k in enumerate(large):
        mine = sheet.part == k
        np.add.at(table[:, 0, at], row[mine], 1)
        for j, right in enumerate(sheet.right.values(), 1):
            np.add.at(table[:, j, at], row[mine], right[mine])
    return table[table[:, 0].any(1)]


def _sums_drawn_anew(table: NDArray[np.float64], draws: int, seed: int) -> NDArray[np.float64]:
    """(draws, …): the sum over as many clusters as there are, drawn with replacement: how often each comes is multinomial."""
    count = len(table)
    often = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), draws)
    return np.tensordot(often.astype(np.float64), table, 1)


def _lowest(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """(draws, networks), from (draws, 1 + networks, parts): the lowest share of right answers; of parts that came."""
    count = sums[:, :1]
    shares = np.where(count > 0, sums[:, 1:] / np.maximum(count, 1), np.inf)
    lowest = shares.min(2)
    return np.where(np.isfinite(lowest), lowest, np.nan)


def _turned(sheet: Sheet, parts: Set[int]) -> NDArray[np.int64]:
    """Of each cluster in these parts by how many right answers it gained; near-duplicates count as one picture."""
    rows = np.flatnonzero(np.isin(sheet.part, list(parts)))
    _, cluster = np.unique(sheet.cluster[rows], return_inverse=True)
    gained = sheet.right[AFTER][rows].astype(np.int64) - sheet.right[BEFORE][rows]
    return np.round(np.bincount(cluster, gained)).astype(np.int64)
