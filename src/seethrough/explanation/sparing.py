"""What computing only where something changes spared, and how it was checked, as notes beside a map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from seethrough.graph.fast.local import Spared
from seethrough.results import Note

CHANGES = "only_changes_computed"


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
    """Notes of parts of a batch, those on what was spared as one, where the first stood."""
    notes = list(notes)
    about = [n.numbers for n in notes if n.name == CHANGES]
    if len(about) < 2:
        return notes
    whole = _note([Spared(n["positions"], n["checked"], n["difference"], n["multiplications"], n["of"]) for n in about])
    first = next(i for i, n in enumerate(notes) if n.name == CHANGES)
    return [*notes[:first], whole, *(n for n in notes[first:] if n.name != CHANGES)]
