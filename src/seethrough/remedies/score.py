"""Score: how a network does on the pictures by which a repair is chosen, before and after, without hidden labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor

from seethrough.findings.canvas import Canvas
from seethrough.findings.judge import POINTS, WAY, Plan, drawn, trials_of, versions_of
from seethrough.findings.statistics import Interval, bootstrap
from seethrough.network import Network
from seethrough.remedies.pool import AT_ONCE, digest_of, keep, made, two_at_least
from seethrough.remedies.rung import Edit, Ward
from seethrough.remedies.rungs.choosing import Exam, exam_of
from seethrough.remedies.weights import Head, head

LOSS = 0.015
"""Of the usual accuracy a repair may lose so much: what the person uses the network for stays as it was, but for a picture or two
in a hundred.
"""

WITHIN = 0.05
"""A group (of a class, those on the other side, or with the aspect of another class) may be answered worse than its class by so
much, beside a standard error.
"""

HALF = 0.5
"""Such a share of a finding's effect has to be gone, where that alone makes a network better."""

GAIN = 0.01
"""By less than that of a share one network isn't better than another."""

DRAWS = 500

CHECKED, CLOSE = 32, 0.02
"""Pictures that a changed network is asked about, and how far its probabilities may lie from what was computed: a picture that was
kept in whole numbers is a little off.
"""

CLASS, SIDE, GIVEN = "class", "side", "given"
"""Kinds of groups: of a class, all; those whose own aspect belongs to a class; those that were given the aspect of a class."""

Answers = Callable[[Tensor], NDArray[np.float32]]
"""Logits (n, K) of pictures (n, 3, H, W) from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some pictures of a class.

    Attributes
    ----------
    kind
        `CLASS`, `SIDE` or `GIVEN`.
    finding
        By which fault they are told apart, from 0; −1 for a class.
    answer
        The class that they belong to.
    other
        The class whose aspect they have.
    right
        Share that is answered rightly.
    n
        How many.
    """

    kind: str
    finding: int
    answer: int
    other: int
    right: float
    n: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, eq=False)
class Score:
    """How a network does.

    Attributes
    ----------
    usual
        Share of the pictures, as they are, that are answered rightly.
    groups
        Every class, and every group that is large enough.
    effects
        Of each fault, in points beyond its control.
    """

    usual: float
    groups: tuple[Group, ...]
    effects: tuple[Interval, ...] = field(default=())

    def worst(self, *kinds: str) -> Group | None:
        """The group that is answered rightly least, of some kinds or of all; None where there is none."""
        found = [group for group in self.groups if not kinds or group.kind in kinds]
        return min(found, key=lambda group: group.right, default=None)

    @property
    def lowest(self) -> float:
        """The share of right answers in the worst group of any kind."""
        found = self.worst()
        return self.usual if found is None else found.right

    def merit(self, before: Score) -> float:
        """What repairs are compared by: the worst group, less what is lost of the usual accuracy beyond `LOSS`."""
        return self.lowest - max(0.0, before.usual - self.usual - LOSS)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        worst = {
            kind: None if (found := self.worst(kind)) is None else found.right for kind in (CLASS, SIDE, GIVEN)
        }  # fmt: skip
        return {
            "usual": self.usual,
            "worst": worst,
            "groups": [group.to_dict() for group in self.groups],
            "effects": [effect.to_dict() for effect in self.effects],
        }


def lacks(before: Score, after: Score) -> tuple[str, ...]:
    """Which bars a repair doesn't pass, as codes: ``"usual"``, ``"groups"``, ``"effect"``; none where it passes."""
    found = []
    if before.usual - after.usual > LOSS + 1e-9:
        found.append("usual")
    of_class = {group.answer: group.right for group in after.groups if group.kind == CLASS}
    if any(_behind(group, min(after.usual, of_class.get(group.answer, 1.0))) for group in after.groups):
        found.append("groups")
    if any(effect.value > POINTS for effect in after.effects):  # so much could be proven
        found.append("effect")
    return tuple(found)


def is_better(before: Score, after: Score) -> bool:
    """Whether a repair is better than nothing: its worst group is; or that is as good, no group is far behind, and what it goes by
    counts for half. That alone says little: who is less sure of everything is less moved by everything.
    """
    gain = after.merit(before) - before.merit(before)
    halved = bool(before.effects) and all(
        now.value <= HALF * was.value for was, now in zip(before.effects, after.effects)
    )
    return gain >= GAIN or (gain > -GAIN and halved and "groups" not in lacks(before, after))


def _behind(group: Group, usual: float) -> bool:
    """Further than `WITHIN`, and a standard error more of what a group that lies so far behind is."""
    if group.kind == CLASS or not group.n:
        return False
    least = max(usual - WITHIN, 0.0)
    return group.right < least - np.sqrt(least * (1 - least) / group.n) - 1e-9


@dataclass(eq=False)
class Scorer:
    """Scores changes of a ward's network, all by the same pictures.

    A change of the last layer, or behind it, is asked of what that layer reads, which is computed once; any other of the changed
    network itself.
    """

    ward: Ward

    def __post_init__(self) -> None:
        self._exam = exam_of(self.ward)
        self._head = head(self.ward.canvas.net, self.ward.facts)
        facts, seed = self.ward.facts, self.ward.seed
        self._plans = [drawn(fault, self.ward.choose, facts.classes, seed=seed) for fault in self.ward.faults]
        self._read: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []

    def before(self) -> Score:
        """Of the network as it is."""
        return self._scored(self._exam.pool.logits, [logits for _, logits in self._versions()])

    def after(self, edit: Edit) -> Score:
        """Of the network with a change of its last layer, or behind it."""
        how = self._by_features(edit)
        assert how is not None  # `needs_network` says where it is
        pool = self._exam.pool
        versions = [how(*read).reshape(len(plan.numbers), 3, -1) for read, plan in zip(self._flat(), self._plans)]
        return self._scored(how(pool.features, pool.logits), versions)

    def needs_network(self, edit: Edit) -> bool:
        """Whether a change goes further than the last layer, so that the changed network itself must be asked."""
        return self._by_features(edit) is None

    def agrees(self, edit: Edit, net: Network) -> bool:
        """Whether the changed network answers some pictures as its score was computed; always where it was asked itself."""
        how = self._by_features(edit)
        if how is None:
            return True
        numbers = self.ward.choose[:CHECKED]
        pool = self._exam.pool
        rows = np.flatnonzero(~pool.exchanged & np.isin(pool.numbers, numbers))
        x = self.ward.canvas.load(pool.numbers[rows]).x
        answers = Canvas(net, self.ward.canvas.collection, self.ward.canvas.foreground).ask(x)
        expected = softmax(how(pool.features[rows], pool.logits[rows]).astype(np.float64), 1)
        return answers.shape == expected.shape and bool(np.abs(answers - expected).max(initial=0.0) <= CLOSE)

    def _by_features(self, edit: Edit) -> Callable[[NDArray, NDArray], NDArray] | None:
        """From features and logits as they are to logits as changed; None where features change too."""
        found: Head | None = self._head
        if edit.weights and (found is None or not set(edit.weights) <= set(found.paths)):
            return None

        def changed(features: NDArray, logits: NDArray) -> NDArray:
            f, z = torch.from_numpy(features), torch.from_numpy(logits)
            if edit.weights and found is not None:
                matrix, bias = found.of(edit.weights)
                z = f @ matrix.T + bias
            if edit.wrapper is not None:
                z = edit.wrapper(f, z)
            return z.detach().numpy()

        return changed

    def asked(self, net: Network) -> Score:
        """Of a network that is shown the very same pictures."""
        ward, pool = self.ward, self._exam.pool
        canvas = Canvas(net, ward.canvas.collection, ward.canvas.foreground)

        def logits(x: Tensor) -> NDArray[np.float32]:
            return two_at_least(canvas.features(x)[1])

        found = [
            logits(made(ward, pool.numbers[at : at + AT_ONCE], pool.donors[at : at + AT_ONCE]))
            for at in range(0, len(pool), AT_ONCE)
        ]
        versions = []
        for fault, plan in zip(ward.faults, self._plans):
            each = [np.stack([logits(x) for x in three], 1) for three in versions_of(ward.canvas, fault, plan)]
            versions.append(np.concatenate(each) if each else np.zeros((0, 3, 2), np.float32))
        return self._scored(np.concatenate(found), versions)

    def _scored(self, logits: NDArray, versions: list[NDArray]) -> Score:
        exam = self._exam
        hits = logits.argmax(1) == exam.pool.classes
        plain = ~exam.pool.exchanged
        effects = [self._effect(k, each) for k, each in enumerate(versions)]
        return Score(float(hits[plain].mean()), _groups(exam, hits), tuple(effects))

    def _effect(self, fault: int, logits: NDArray) -> Interval:
        plan, ward = self._plans[fault], self.ward
        trials = trials_of(ward.faults[fault], plan, softmax(logits.astype(np.float64), 2).astype(np.float32))
        return bootstrap(
            trials.effects, clusters=ward.facts.split.group[trials.numbers], seed=ward.seed, draws=DRAWS
        )  # fmt: skip

    def _versions(self) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Features (n, 3, D) and logits (n, 3, K), of each fault's pictures as they are, exchanged, and the control's."""
        if not self._read and self._plans:
            self._read = [self._kept_or_asked(k, plan) for k, plan in enumerate(self._plans)]
        return self._read

    def _flat(self) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        return [(f.reshape(-1, f.shape[2]), z.reshape(-1, z.shape[2])) for f, z in self._versions()]

    def _kept_or_asked(self, fault: int, plan: Plan) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        ward = self.ward
        path = None
        if ward.folder is not None:
            said = ["effect", WAY, ward.faults[fault].aspect.to_dict()]
            digest = digest_of(ward, said, plan.numbers, plan.donors, plan.control_donors)
            path = ward.folder / "exchanged" / f"{digest}.npz"
            found = _read(path, len(plan.numbers))
            if found is not None:
                return found
        features, logits = [], []
        for three in versions_of(ward.canvas, ward.faults[fault], plan):
            each = [ward.canvas.features(x) for x in three]
            features.append(np.stack([f for f, _ in each], 1))
            logits.append(np.stack([two_at_least(z) for _, z in each], 1))
        if not features:
            width, outputs = ward.facts.features.shape[1], max(2, len(ward.facts.labels))
            return np.zeros((0, 3, width), np.float32), np.zeros((0, 3, outputs), np.float32)
        found = np.concatenate(features), np.concatenate(logits)
        if path is not None:
            keep(path, features=found[0], logits=found[1])
        return found


def _groups(exam: Exam, hits: NDArray[np.bool_]) -> tuple[Group, ...]:
    found = []
    for name, rows in exam.groups.items():
        kind, finding, answer, other = (*name, -1)[:4] if name[0] != CLASS else (CLASS, -1, name[1], name[1])
        found.append(Group(str(kind), int(finding), int(answer), int(other), float(hits[rows].mean()), int(rows.sum())))
    return tuple(found)


def _read(path: Path, count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    try:
        with np.load(path, allow_pickle=False) as held:
            found = held["features"], held["logits"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return found if len(found[0]) == count == len(found[1]) else None


__all__ = [
    "CLASS", "GAIN", "GIVEN", "HALF", "LOSS", "SIDE", "WITHIN", "Group", "Score", "Scorer", "is_better", "lacks",
]  # fmt: skip
