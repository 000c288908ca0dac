"""What bounds a proof, as notes: used pictures, no controls, faults that couldn't be tried, groups too small to be the worst."""

from __future__ import annotations

from collections.abc import Sequence

from seethrough.findings.facts import Facts
from seethrough.findings.record import Record
from seethrough.remedies.follow import Tried
from seethrough.remedies.measure import ENOUGH_OF_A_GROUP, Sheet
from seethrough.remedies.used import Use
from seethrough.results import Note


def bounds_of(
    used: Sequence[Use],
    record: Record,
    facts: Facts,
    faults: frozenset[int],
    tried: Sequence[Tried],
    networks: Sequence[str],
) -> list[Note]:
    """What bounds a proof."""
    notes = []
    if used:
        notes.append(Note("proof_used", "warning", {"count": len(used), "when": used[-1].when}))
    if record.folder is None:
        notes.append(Note("proof_not_marked", "info"))
    if not faults:
        notes.append(Note("proof_without_faults", "info"))
    missing = len(faults) - sum(each.fault for each in tried)
    if missing:
        notes.append(Note("proof_faults_untried", "warning", {"count": missing}))
    if facts.fore is None:
        notes.append(Note("no_foreground", "warning"))
    if len(networks) == 2:
        notes.append(Note("proof_without_controls", "info"))
    return notes


def small_groups(sheet: Sheet | None, facts: Facts) -> list[Note]:
    """Which groups have too few pictures to be called the worst."""
    if sheet is None:
        return []
    small = [part for part, size in zip(sheet.parts, sheet.sizes) if size < ENOUGH_OF_A_GROUP]
    some = "; ".join(f"{facts.labels[part.answer]}, {part.name}" for part in small[:3])
    return [Note("groups_small", "warning", {"count": len(small), "some": some})] if small else []


__all__ = ["bounds_of", "small_groups"]
