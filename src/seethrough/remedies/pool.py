"""Pool: pictures as they are, and with what is wrong exchanged for other pictures', as what the last layer reads of them.

The aspect comes from pictures of every class alike, its own among them. In what is made so it says nothing of the class any
more; and that something was exchanged says nothing either.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from weakref import WeakKeyDictionary
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seethrough.findings.aspect import Candidate
from seethrough.findings.aspects.touching import Touching
from seethrough.findings.canvas import Pictures
from seethrough.remedies.rung import Progress, Ward
from seethrough.remedies.ways import AS_JUDGED, WAYS, is_cast, laid
from seethrough.writing import write_whole

TO_LEARN, TO_CHOOSE = 2400, 800
"""Exchanged pictures at most to learn from, and to choose by."""

VERSIONS = 4
"""So often at most one picture is exchanged: more of a rare class is hardly new."""

AT_ONCE = 32
SHARD = 256
"""Pictures in a file."""

NOBODY = -1

ONCE = ("background", "detail")
"""Kinds of aspects of which a picture has one: what is found of them for several answers is given by one donor."""

BESIDE, MOVED = ("background", "thing"), "layout"
"""Kinds of aspects that never touch a picture's own thing, but for what lies at its edge; that which moves it."""


@dataclass(frozen=True, eq=False)
class Pool:
    """What the last layer reads of n pictures, and the network says to them.

    Attributes
    ----------
    features
        float32 (n, D).
    logits
        float32 (n, K): outputs before a final softmax or sigmoid; of a single output two columns, 0 and it.
    numbers, classes
        int64 (n,): the picture, in the collection, and the output that it belongs to.
    donors
        int64 (n, F): whose aspect it was given, for each fault; `NOBODY` where it has its own.
    donor_classes
        int64 (n, F): the class of that picture.
    ways
        int64 (n,): by which way it was given them (`seethrough.remedies.ways`).
    """

    features: NDArray[np.float32]
    logits: NDArray[np.float32]
    numbers: NDArray[np.int64]
    classes: NDArray[np.int64]
    donors: NDArray[np.int64]
    donor_classes: NDArray[np.int64]
    ways: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: NDArray) -> Pool:
        return Pool(*(getattr(self, f.name)[rows] for f in fields(self)))

    @property
    def exchanged(self) -> NDArray[np.bool_]:
        """bool (n,): whether something was exchanged."""
        return (self.donors != NOBODY).any(1)

    @staticmethod
    def of(pools: Sequence[Pool]) -> Pool:
        """One behind the other."""
        return Pool(*(np.concatenate([getattr(pool, f.name) for pool in pools]) for f in fields(Pool)))


_pools: WeakKeyDictionary[Ward, dict[str, Pool]] = WeakKeyDictionary()


def learning(ward: Ward, progress: Progress | None = None) -> Pool:
    """The pictures to learn from: as they are, then exchanged. Asked once for a ward."""
    return _of_part(ward, "learn", ward.learn, TO_LEARN, progress, varied=True)


def choosing(ward: Ward, progress: Progress | None = None) -> Pool:
    """The pictures to choose by: as they are, then exchanged among themselves. Asked once for a ward."""
    return _of_part(ward, "choose", ward.choose, TO_CHOOSE, progress)


def _of_part(
    ward: Ward, name: str, numbers: NDArray[np.int64], most: int, progress: Progress | None, varied: bool = False
) -> Pool:
    kept = _pools.setdefault(ward, {})
    if name not in kept:
        changed = exchanged(ward, numbers, most, ward.seed, progress, varied)
        kept[name] = Pool.of([as_they_are(ward, numbers), changed])
    return kept[name]


def involved(fault: Candidate) -> tuple[int, ...]:
    """The classes between which a fault decides: its answer, and the rivals."""
    return (fault.answer, *fault.rivals)


def as_they_are(ward: Ward, numbers: NDArray[np.int64]) -> Pool:
    """Pictures with all that is their own."""
    facts, nobody = ward.facts, np.full((len(numbers), len(ward.faults)), NOBODY)
    features = facts.features[numbers]
    if facts.head is not None:
        logits = features @ facts.head[0].T + facts.head[1]
    else:
        each = [
            ward.canvas.features(ward.canvas.load(numbers[at : at + AT_ONCE]).x)[1]
            for at in range(0, len(numbers), AT_ONCE)
        ]
        logits = np.concatenate(each) if each else np.zeros((0, len(facts.labels)), np.float32)
    none = np.full(len(numbers), AS_JUDGED)
    return Pool(features, two_at_least(logits), numbers, facts.classes[numbers], nobody, nobody, none)


def exchanged(
    ward: Ward,
    numbers: NDArray[np.int64],
    most: int,
    seed: int = 0,
    progress: Progress | None = None,
    varied: bool = False,
) -> Pool:
    """Pictures with the aspects of others of ``numbers``, of every class alike; kept in the ward's folder.

    Parameters
    ----------
    most
        So many at most, as many of each class as there are; a picture is exchanged `VERSIONS` times at most.
    """
    who, donors = drawn(ward, numbers, most, seed)
    ways = np.random.default_rng([seed, 13]).integers(1, 2**31, len(who)) if varied else np.full(len(who), AS_JUDGED)
    features, logits = [], []
    for at in range(0, len(who), SHARD):
        rows = slice(at, at + SHARD)
        found = _kept_or_asked(ward, who[rows], donors[rows], ways[rows])
        features.append(found[0])
        logits.append(found[1])
        if progress:
            progress(min(at + SHARD, len(who)), len(who))
    donor_classes = np.where(donors == NOBODY, NOBODY, ward.facts.classes[donors])
    if not len(who):
        width = ward.facts.features.shape[1]
        features, logits = (
            [np.zeros((0, width), np.float32)],
            [np.zeros((0, max(2, len(ward.facts.labels))), np.float32)],
        )
    classes = ward.facts.classes[who]
    return Pool(np.concatenate(features), np.concatenate(logits), who, classes, donors, donor_classes, ways)


def drawn(
    ward: Ward, numbers: NDArray[np.int64], most: int, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Who is given whose aspect: pictures int64 (n,), donors int64 (n, F), `NOBODY` for a fault that doesn't concern the
    picture's class. Of each class as many are given the aspect of each class.
    """
    chance = np.random.default_rng([seed, 7, len(numbers)])
    label = ward.facts.classes[numbers]
    concerned = [k for k in np.unique(label) if any(k in involved(fault) for fault in ward.faults)]
    who: list[NDArray[np.int64]] = []
    donors: list[NDArray[np.int64]] = []
    for k in concerned:
        own = numbers[label == k]
        count = min(VERSIONS * len(own), most // len(concerned))
        mine = _in_turn(own, count, chance)
        given = np.full((count, len(ward.faults)), NOBODY)
        for column, fault in enumerate(ward.faults):
            if k in involved(fault):
                given[:, column] = _donors(mine, [numbers[label == j] for j in involved(fault)], chance)
        who.append(mine)
        donors.append(_joined(ward, given, chance))
    if not who:
        return np.zeros(0, np.int64), np.zeros((0, len(ward.faults)), np.int64)
    return np.concatenate(who), np.concatenate(donors)


def made(
    ward: Ward,
    who: NDArray[np.int64],
    donors: NDArray[np.int64],
    held: Callable[[Pictures], Pictures] | None = None,
    ways: NDArray[np.int64] | None = None,
) -> Tensor:
    """The pictures themselves, (n, 3, H, W) from 0 to 1, one aspect exchanged after the other.

    Parameters
    ----------
    held
        Says anew what of them is their things, before anything is exchanged; by default what it is.
    ways
        int64 (n,): by which way each is given its aspects (`seethrough.remedies.ways`); by default as they are judged.
    """
    own = ward.canvas.load(who)
    own = own if held is None else held(own)
    ways = np.full(len(who), AS_JUDGED) if ways is None else ways
    x = _in_turn_given(ward, own, donors, ways, range(len(ward.faults)))
    on = _on_things(ward)
    rows = np.flatnonzero(ways != AS_JUDGED)
    if on is None or own.fore is None or not len(rows):
        return x
    at = torch.from_numpy(rows)
    things = _in_turn_given(ward, own[rows], donors[rows], ways[rows], on)
    x[at] = own.fore[at] * things + (1 - own.fore[at]) * x[at]
    return x


def _on_things(ward: Ward) -> list[int] | None:
    """The faults that reach over things, where others change what lies beside: what of a cast is a thing's own is seen in the
    picture as it was, and no longer where it stands on other ground. None where all can be exchanged in turn.
    """
    aspects = [fault.aspect for fault in ward.faults]
    beside = [k in ward.grounds or aspect.kind in BESIDE for k, aspect in enumerate(aspects)]
    on = [k for k, aspect in enumerate(aspects) if not beside[k] or isinstance(aspect, Touching)]
    both = len(on) < len(aspects) and any(is_cast(aspects[k]) for k in on)
    return on if both and not any(aspect.kind == MOVED for aspect in aspects) else None


def _in_turn_given(
    ward: Ward, own: Pictures, donors: NDArray[np.int64], ways: NDArray[np.int64], columns: Iterable[int]
) -> Tensor:
    x, changed, columns = own.x, False, list(columns)
    for place, column in enumerate(columns):
        later = [k for k in columns[place + 1 :] if _kind(ward.faults[k]) == _kind(ward.faults[column])]
        again = (donors[:, later] == donors[:, [column]]).any(1)  # once is enough
        rows = np.flatnonzero((donors[:, column] != NOBODY) & ~again)
        if len(rows):
            at = torch.from_numpy(rows)
            own_rows = own[rows]
            # what was done to it before stays; only where the thing stands is known from the picture as it was
            before = Pictures(x[at], own_rows.fore, own_rows.numbers) if changed else own_rows
            aspect, given = ward.faults[column].aspect, ward.canvas.load(donors[rows, column])
            x = x.clone()
            how = np.full(len(rows), AS_JUDGED) if column in ward.grounds else ways[rows]
            x[at], changed = laid(aspect, before, given, how), True
    return x.clamp(0, 1)


def two_at_least(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Outputs before a softmax; a single one, before a sigmoid, is that of class 1 beside a 0 of class 0."""
    return np.concatenate([np.zeros_like(logits), logits], 1) if logits.shape[1] == 1 else logits


def _in_turn(among: NDArray[np.int64], count: int, chance: np.random.Generator) -> NDArray[np.int64]:
    """So many, each as often as any other but for one, in an order by chance."""
    rounds = -(-count // len(among)) if len(among) else 0
    return np.concatenate([chance.permutation(among) for _ in range(rounds)])[:count] if rounds else among[:0]


def _donors(
    who: NDArray[np.int64], classes: Sequence[NDArray[np.int64]], chance: np.random.Generator
) -> NDArray[np.int64]:
    """For each picture a donor, of each class alike; another picture where the class has another."""
    there = [each for each in classes if len(each)]
    turn = chance.permutation(np.arange(len(who)) % len(there))
    found = np.empty(len(who), np.int64)
    for j, each in enumerate(there):
        rows = np.flatnonzero(turn == j)
        found[rows] = _in_turn(each, len(rows), chance)
        for row in rows[found[rows] == who[rows]]:
            found[row] = chance.choice(each[each != who[row]]) if len(each) > 1 else found[row]
    return found


def _joined(ward: Ward, given: NDArray[np.int64], chance: np.random.Generator) -> NDArray[np.int64]:
    """Donors (n, F) of which half the pictures have one for all faults, and faults of one kind the same in any: what was found
    twice is often one habit, and it is strongest where all of it speaks for one class.
    """
    there = [k for k in range(given.shape[1]) if (given[:, k] != NOBODY).any()]
    if len(there) < 2:
        return given
    found, one = given.copy(), chance.random(len(given)) < 0.5
    for column in there:
        kind = ward.faults[column].aspect.kind
        alike = next(k for k in there if ward.faults[k].aspect.kind == kind or k == column) if kind in ONCE else column
        wanted = np.where(one, found[:, there[0]], found[:, alike])
        fits = np.isin(ward.facts.classes[wanted], involved(ward.faults[column]))
        found[fits, column] = wanted[fits]
    return found


def _kind(fault: Candidate) -> str:
    return json.dumps(fault.aspect.to_dict(), default=str, sort_keys=True)


def _kept_or_asked(
    ward: Ward, who: NDArray[np.int64], donors: NDArray[np.int64], ways: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    path = None if ward.folder is None else ward.folder / "exchanged" / f"{_digest(ward, ways, who, donors)}.npz"
    found = None if path is None else _read(path)
    if found is None:
        each = [
            ward.canvas.features(made(ward, who[some], donors[some], ways=ways[some]))
            for some in (slice(at, at + AT_ONCE) for at in range(0, len(who), AT_ONCE))
        ]
        found = np.concatenate([f for f, _ in each]), two_at_least(np.concatenate([z for _, z in each]))
        if path is not None:
            keep(path, features=found[0], logits=found[1])
    return found


def _digest(ward: Ward, ways: NDArray[np.int64], *arrays: NDArray[np.int64]) -> str:
    return digest_of(
        ward, [[fault.aspect.to_dict() for fault in ward.faults], sorted(ward.grounds), WAYS, ways.tolist()], *arrays
    )


def digest_of(ward: Ward, said: object, *numbers: NDArray[np.int64]) -> str:
    """24 digits of all that the answers to changed pictures depend on: network, pictures, where their things are, what is
    exchanged.
    """
    plain = json.dumps([ward.canvas.net.fingerprint, len(ward.facts), said], default=str, sort_keys=True)
    found = hashlib.sha256(plain.encode())
    for each in numbers:
        found.update(str(each.shape).encode() + np.ascontiguousarray(each, np.int64).tobytes())
        rows = np.unique(each[each != NOBODY])
        found.update(ward.facts.small[rows].tobytes())
        found.update(b"" if ward.facts.fore is None else ward.facts.fore[rows].tobytes())
    return found.hexdigest()[:24]


def keep(path: Path, **arrays: NDArray) -> None:
    """Write arrays into a file of their own, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    write_whole(path, out.getvalue())


def _read(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    try:
        with np.load(path, allow_pickle=False) as held:
            return held["features"], held["logits"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None  # not there, or not whole: asked again
