"""Admitted: from an audit, what a person said of its findings, and a folder, to a network that is to be mended with all that its
rungs may use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seethrough.errors import InputRefused, NetworkRefused, UsageError
from seethrough.findings.answers import BACKGROUND, Said, answers_of
from seethrough.findings.audit import Audit
from seethrough.findings.canvas import Canvas
from seethrough.findings.drawn import ESTIMATED, told_apart_by
from seethrough.findings.facts import Facts
from seethrough.findings.foreground import ESTIMATE
from seethrough.findings.judge import PROVEN
from seethrough.findings.record import Record
from seethrough.findings.seen import canvas_of, seen
from seethrough.findings.split import PARTS, Split
from seethrough.jobs import Passed
from seethrough.models.again import FUNCTION
from seethrough.network import Network
from seethrough.remedies.kept import FOLDER
from seethrough.remedies.pool import involved
from seethrough.remedies.rung import Ward
from seethrough.results import Note

LEAST = 8
"""Pictures of a class that a repair needs to learn from, and to choose by."""

_DRAWN = re.compile(r"^(masks|boxes) (.+) \([0-9a-f]{12}\)$")


@dataclass(frozen=True, eq=False)
class Admitted:
    """A ward, and what is to be told of it.

    Attributes
    ----------
    numbers
        Of the findings that are its faults, from 1.
    passed
        Pictures that couldn't be read.
    """

    ward: Ward
    numbers: tuple[int, ...]
    passed: tuple[Passed, ...]
    notes: tuple[Note, ...]


def faults_of(record: Record, answers: Said) -> tuple[int, ...]:
    """The findings that only happen to be there, as a person said; numbers from 1.

    Raises
    ------
    UsageError
        Of none it was said.
    """
    said = answers_of(answers, record.said)
    found = tuple(number for number, answer in said.items() if answer == BACKGROUND)
    if not found:
        raise UsageError(
            f"No finding is said to be there only by chance, so there is nothing to mend; say which one is, for instance "
            f"1={BACKGROUND}."
        )
    return found


def refuse_function(net: Network) -> None:
    """A repair changes weights, and of a function nobody knows any.

    Raises
    ------
    NetworkRefused
    """
    if net.opened.framework == FUNCTION:
        raise NetworkRefused(
            f"{net.opened.source} is a function: what its answers go by can be found and proven, but nothing of its inside is "
            "known that could be mended; open the network itself."
        )


def admitted(
    net: Network,
    audit: Any,
    record: Record,
    answers: Said,
    data: Any,
    *,
    truth: Any = None,
    masks: Any = None,
    boxes: Any = None,
    called: Mapping[str, str | int] | None = None,
    seed: int = 0,
    deadline: float | None = None,
    folder: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Admitted:
    """A network as a ward. Pictures that an audit in memory, or its folder, holds looked at aren't looked at again.

    Raises
    ------
    UsageError
        No answer; other pictures than the audit's; masks that were given there and aren't here.
    InputRefused
        Too few pictures.
    """
    numbers = faults_of(record, answers)
    masks, boxes = as_drawn(record, masks, boxes)
    passed: tuple[Passed, ...] = ()
    if isinstance(audit, Audit):
        canvas = canvas_of(net, data, truth=truth, masks=masks, boxes=boxes)
        facts, passed = audit.facts, audit.passed
        if tuple(item.name for item in canvas.collection) != audit.names:
            raise UsageError(
                f"The audit was made of {len(audit.names)} pictures ({audit.names[0]!r}, …), and these {len(canvas.collection)} "
                "are others; give the same folder."
            )
    else:
        called = called or _called(record)
        found = seen(
            net, data, truth=truth, masks=masks, boxes=boxes, called=called, folder=record.folder, seed=record.seed,
            progress=progress,
        )  # fmt: skip
        canvas, facts, passed = found.canvas, found.facts, found.looked.passed
    facts = _split_as(record, canvas, facts)
    learn, choose = np.union1d(facts.split.of("find"), facts.split.of("judge")), facts.split.of("repair")
    faults = tuple(record.candidate(number, canvas) for number in numbers)
    classes = tuple(dict.fromkeys(k for fault in faults for k in involved(fault)))
    _refuse_too_few(facts, classes, {"to learn from": learn, "to choose by": choose})
    home = None if folder is None else folder / FOLDER
    ward = Ward(canvas, facts, faults, learn, choose, seed, deadline, home, _grounds(record, numbers))
    return Admitted(ward, numbers, passed, _notes(record, numbers))


def as_drawn(record: Record, masks: Any, boxes: Any) -> tuple[Any, Any]:
    """Masks or boxes as they were given for the audit, where they are still there; those that are given go first."""
    said = record.said["provenance"].get("masks")
    if masks is not None or boxes is not None or not said:
        return masks, boxes
    if said == ESTIMATED:
        return ESTIMATE, None
    found = _DRAWN.match(str(said))
    if found:
        what, path = found.groups()
        again = {what: path}
        if Path(path).exists() and told_apart_by(again.get("masks"), again.get("boxes")) == said:
            return again.get("masks"), again.get("boxes")
    what = "boxes" if str(said).startswith("boxes") else "masks"
    if str(said).startswith(("masks", "boxes")):
        raise UsageError(f"{record.where} was made with {what}, which aren't given here; give them ({what}=…) too.")
    return masks, boxes


def _called(record: Record) -> dict[str, str | int] | None:
    return dict(record.said["provenance"].get("called") or {}) or None


def _split_as(record: Record, canvas: Canvas, facts: Facts) -> Facts:
    """The facts with the audit's own split: pictures that came or went since don't move others between its parts."""
    part = np.full(len(facts), -1, np.int64)
    for k, name in enumerate(PARTS):
        part[record.numbers(name, canvas.collection)] = k
    part[facts.classes < 0] = -1
    return replace(facts, split=Split(part, facts.split.group, record.seed))


def _grounds(record: Record, numbers: tuple[int, ...]) -> frozenset[int]:
    """Which faults the audit named parts of the background, where that is one of them."""
    parts = {
        part["finding"]: group["main"]
        for group in record.said.get("groups", ())
        for part in group["parts"]
        if record.findings[group["main"] - 1]["aspect"]["kind"] == "background"
    }
    return frozenset(k for k, number in enumerate(numbers) if parts.get(number) in numbers)


def _refuse_too_few(facts: Facts, classes: tuple[int, ...], parts: Mapping[str, NDArray[np.int64]]) -> None:
    for what, numbers in parts.items():
        counts = {k: int((facts.classes[numbers] == k).sum()) for k in classes}
        enough = [k for k, count in counts.items() if count >= LEAST]
        if len(enough) < 2 or classes[0] not in enough:
            few = min(counts, key=lambda k: counts[k])
            raise InputRefused(
                f"There are too few pictures {what}: {counts[few]} of {facts.labels[few]!r}, and {LEAST} are needed; audit with "
                "more pictures of it."
            )


def _notes(record: Record, numbers: tuple[int, ...]) -> tuple[Note, ...]:
    unproven = [n for n in numbers if record.findings[n - 1].get("verdict") != PROVEN]
    return (Note("repair_unproven", "warning", {"finding": unproven[0], "count": len(unproven)}),) if unproven else ()


__all__ = ["LEAST", "Admitted", "admitted", "as_drawn", "faults_of", "refuse_function"]
