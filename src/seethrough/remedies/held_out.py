"""Held out: the pictures that prove. They are the audit's own proof part, or a folder of others, of which none had a part in
finding, judging or mending.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from seethrough.datasets.collection import Collection
from seethrough.errors import InputRefused
from seethrough.findings.belonging import NAMED
from seethrough.findings.facts import Facts
from seethrough.findings.record import Record
from seethrough.findings.split import NEAR, PARTS, SAME, Split, split, unlike
from seethrough.results import Note

LEAST = 8
"""Proving pictures of two classes each, with which anything can be said."""

FEW = 100
"""Of fewer proving pictures it is said that only large changes show."""

_BITS = np.array([n.bit_count() for n in range(256)], np.uint8)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Pictures that prove.

    Attributes
    ----------
    prove
        int64: their numbers in the collection.
    seek
        int64: numbers of the pictures in which a new wrong reason is sought.
    test
        int64: proving pictures that had no part in seeking, by which such a reason is judged.
    own_part
        Whether they are a part of the audit's own pictures.
    mark
        What tells them from others, for `seethrough.remedies.used`.
    facts
        Split so that the finders take ``seek``.
    """

    prove: NDArray[np.int64]
    seek: NDArray[np.int64]
    test: NDArray[np.int64]
    own_part: bool
    mark: str
    facts: Facts
    notes: tuple[Note, ...] = ()


def is_audited(record: Record, collection: Collection) -> bool:
    """Whether these are the pictures of the audit: the same ones, or those that its folder holds now."""
    said = record.said["provenance"].get("images") or {}
    if said.get("fingerprint") == collection.fingerprint:
        return True
    theirs, ours = Path(str(said.get("source", ""))), Path(collection.source)
    try:
        return ours.is_dir() and ours.resolve() == theirs.resolve()
    except OSError:
        return False


def mark_of(record: Record, collection: Collection) -> str:
    """What tells the proving pictures from others: known before anything is looked at."""
    if is_audited(record, collection):
        names = "\n".join(record.said["split"].get("proof", ()))
        return "proof part " + hashlib.sha256(names.encode()).hexdigest()[:16]
    return "pictures " + collection.fingerprint


def held_out(record: Record, collection: Collection, facts: Facts, marks: NDArray[np.uint64], seed: int) -> HeldOut:
    """The pictures that prove, and those in which a new wrong reason is sought.

    Parameters
    ----------
    facts
        Of the collection.
    marks
        uint64 (N,): what near-duplicates share (`seethrough.findings.split.mark`).

    Raises
    ------
    UsageError
        The audit's own folder, without one of the pictures that were kept for the proof.
    InputRefused
        Most pictures had a part in the audit; too few are left.
    """
    usable = facts.classes >= 0
    mark = mark_of(record, collection)
    if is_audited(record, collection):
        part = np.full(len(collection), -1, np.int64)
        for k, name in enumerate(PARTS):
            part[record.numbers(name, collection)] = k
        part[~usable] = -1
        parts = Split(part, facts.split.group, record.seed)
        prove, seek = parts.of("proof"), parts.of("find")
        _refuse_too_few(prove, facts)
        return HeldOut(prove, seek, prove, True, mark, replace(facts, split=parts), _few(prove))
    seen = usable & _seen(record, marks, facts.small)
    _refuse_seen(int(seen.sum()), int(usable.sum()))
    classes = np.where(seen, -1, facts.classes)
    parts = split(classes, facts.split.group, shares={"find": 0.5, "proof": 0.5}, seed=seed)
    prove, seek, test = np.flatnonzero(classes >= 0), parts.of("find"), parts.of("proof")
    _refuse_too_few(prove, facts)
    notes = (
        (Note("held_out_seen", "warning", {"count": int(seen.sum()), "all": int(usable.sum())}),) if seen.any() else ()
    )
    return HeldOut(
        prove, seek, test, False, mark, replace(facts, classes=classes, split=parts), (*notes, *_few(prove))
    )  # fmt: skip


def _seen(record: Record, marks: NDArray[np.uint64], small: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """bool (N,): which are near-duplicates of pictures that were audited, as far as these are kept."""
    found = np.zeros(len(marks), bool)
    if record.folder is None:
        return found
    for path in sorted((record.folder / "looked" / "shards").glob("*.safetensors")):
        theirs, pictures = _kept(path)
        for row in np.flatnonzero(~found) if len(theirs) else ():
            near = np.flatnonzero(_BITS[(theirs ^ marks[row]).view(np.uint8).reshape(-1, 8)].sum(1) <= NEAR)
            found[row] = len(near) and (pictures is None or bool((unlike(small[row], pictures[near]) <= SAME).any()))
    return found


def _kept(shard: Path) -> tuple[NDArray[np.uint64], NDArray[np.uint8] | None]:
    """Marks of a shard's pictures, and these made small where they are there."""
    try:
        rows = load_file(shard)
        return rows.get("mark", np.zeros(0, np.uint64)), rows.get("small")
    except (OSError, SafetensorError):
        return np.zeros(0, np.uint64), None


def _refuse_seen(seen: int, usable: int) -> None:
    if seen > usable / 2:
        raise InputRefused(
            f"{seen} of these {usable} pictures, or nearly the same ones, had a part in the audit, and what a repair learned "
            "from can't prove it; give the audit's own folder, of which a part was kept for this, or fresh pictures."
        )


def _refuse_too_few(prove: NDArray[np.int64], facts: Facts) -> None:
    counts = {facts.labels[k]: int((facts.classes[prove] == k).sum()) for k in facts.asked}
    small = sorted((label for label, count in counts.items() if count < LEAST), key=lambda label: -counts[label])
    if len(counts) - len(small) >= 2:
        return
    some = ", ".join(f"{counts[label]} of {label!r}" for label in small[:NAMED]) + (", …" if len(small) > NAMED else "")
    raise InputRefused(
        f"There are too few pictures to prove anything with: {some or 'all are of one class'}; give {LEAST} of each of two classes at least."
    )


def _few(prove: NDArray[np.int64]) -> tuple[Note, ...]:
    return (Note("few_proofs", "info", {"count": len(prove)}),) if len(prove) < FEW else ()
