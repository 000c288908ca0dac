"""What computing only where something changes spared, and how it was checked, as notes beside a map."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import add

from seethrough.graph.fast.halved import PRECISIONS, Halving
from seethrough.graph.fast.local import Spared
from seethrough.results import Note

CHANGES, HALVED = "only_changes_computed", "computed_in_bf16"


def spared_notes(spared: Sequence[Spared]) -> list[Note]:
    """What a person must know of answers that were had so."""
    done = [s for s in spared if not s.wrong]
    notes = [_note(done)] if done else []
    return notes + [Note("boxes_not_believed", "info", {"reason": s.wrong}) for s in spared if s.wrong]


def _note(done: Sequence[Spared]) -> Note:
    run, whole = sum(s.run for s in done), sum(s.whole for s in done)
    numbers = {
        "positions": sum(s.positions for s in done),
        "checked": sum(s.checked for s in done),
        "difference": max(s.difference for s in done),
        "multiplications": run,
        "of": whole,
        "fewer": round(whole / max(run, 1), 3),
    }
    return Note(CHANGES, "info", numbers)


def as_one(notes: Iterable[Note]) -> list[Note]:
    """Notes of parts of a batch, those on what was spared as one, where the first stood; those on bfloat16 too."""
    found: list[Note] = []
    for note in notes:
        at = next((i for i, n in enumerate(found) if n.name == note.name and note.name in _TOGETHER), None)
        if at is None:
            found.append(note)
        else:
            found[at] = _together(found[at], note)
    return found


_TOGETHER: Mapping[str, Mapping[str, Callable[[float, float], float]]] = {
    CHANGES: {"positions": add, "checked": add, "difference": max, "multiplications": add, "of": add},
    HALVED: {"answers": add, "compared": add, "difference": max, "moved": max, "time": max},
}
"""How the numbers of two parts become one."""


def _together(one: Note, other: Note) -> Note:
    numbers = {name: how(one.numbers[name], other.numbers[name]) for name, how in _TOGETHER[one.name].items()}
    if one.name == CHANGES:
        numbers["fewer"] = round(numbers["of"] / max(numbers["multiplications"], 1), 3)
    return Note(one.name, one.level, numbers)


def halving_notes(halving: Halving | None, precision: str) -> list[Note]:
    """What a person must know of answers in bfloat16, where these were wanted."""
    if halving is None:
        return [] if precision == PRECISIONS[0] else [Note("bf16_not_here", "info")]
    if not halving.answers:
        return [Note("bf16_unused", "info")]
    half, whole = halving.seconds
    numbers = {
        "answers": halving.answers,
        "compared": halving.compared,
        "difference": halving.difference,
        "moved": halving.moved,
        "time": half / whole if whole else 1.0,
    }
    return [Note(HALVED, "info", numbers)]
