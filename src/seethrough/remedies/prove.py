"""Prove: the repaired network beside the first, on pictures that had no part in finding, judging or mending.

Both are shown the very same pictures, as they are and with each finding exchanged, and beside them two controls that had the same
budget and not the same aim: what they gain too isn't the repair's. Every number is paired and has its interval. Then the finders
are asked about the repaired network: what it goes by now that it didn't before is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from seethrough.datasets.collection import collect
from seethrough.datasets.truth import truths_of
from seethrough.findings.answers import Said
from seethrough.findings.belonging import belonging
from seethrough.findings.canvas import Canvas
from seethrough.findings.drawn import told_apart_by
from seethrough.findings.facts import Facts, facts_of
from seethrough.findings.finders import FINDERS, candidates
from seethrough.findings.foreground import foreground_of
from seethrough.findings.judge import MOST, NOT_FOUND, WAY, donors_of, drawn
from seethrough.findings.kept import KeptTrials
from seethrough.findings.looking import Looking
from seethrough.findings.record import Kept, Record, record_of
from seethrough.findings.seen import FOLDER
from seethrough.jobs import Results
from seethrough.jobs import run as run_work
from seethrough.network import Network, as_network
from seethrough.remedies.admitted import as_drawn
from seethrough.remedies.asked import (
    NEED_MASKS,
    Controls,
    audit_of,
    classes_as_there,
    control_networks,
    faults_said,
    made_by,
    network_of,
    refuse_other_grid,
    refuse_other_outputs,
    refuse_same,
    refuse_unmasked,
    refuse_used,
    told,
)
from seethrough.remedies.bounds import bounds_of, small_groups
from seethrough.remedies.follow import Tried, followed
from seethrough.remedies.groups import groups_of
from seethrough.remedies.held_out import HeldOut, held_out, is_audited, mark_of
from seethrough.remedies.measure import (
    AFTER,
    BEFORE,
    RIGHT,
    WORST_CLASS,
    WORST_GROUP,
    WORST_SLICE,
    Panel,
    Row,
    Sheet,
    recalled,
    rows_of,
    versus,
)
from seethrough.remedies.names import named_as_audited
from seethrough.remedies.proof import Pair, Proof, verdict_of
from seethrough.remedies.repaired import Repair
from seethrough.remedies.rung import Ward
from seethrough.remedies.sheets import by_class, by_exchange, by_group, by_side, tells, whole
from seethrough.remedies.used import Use, mark, uses

WATCHED = 12
"""Candidates that weren't proven in the audit, and as many new ones, that are tried again, the strongest."""

PICTURES = 6
Progress = Callable[[str, int, int], None]
"""Told what is being done (``"looking"``, ``"asking"``, ``"finding"``, ``"exchanging"``), how much of it, and of how much."""


def prove(
    before: Network | Any,
    after: Network | Repair | Any,
    data: Any,
    *,
    findings: Kept | None = None,
    answers: Said = None,
    truth: Any = None,
    masks: Any = None,
    boxes: Any = None,
    called: Mapping[str, str | int] | None = None,
    groups: Any = None,
    controls: Controls = True,
    force: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Proof:
    """Is the repaired network better, on pictures that nobody touched?

    Parameters
    ----------
    before, after
        The network that was audited, and the one that was made of it, or what `repair` gave.
    data
        A folder of other pictures; or the audit's own, of which then only the part is used that was kept for this.
    findings
        The audit: its folder, what ``audit`` gave, or its ``to_dict()``; by default the one that a repair in hand was made by.
    answers
        Which findings only happen to be there (`seethrough.findings.answers`); by default those that the repair was for, else
        all that were proven.
    truth, masks, boxes, called
        As for `audit`; classes are called as they were there.
    groups
        What is known and was kept from everything until now: a CSV file of names and groups, a mapping, or a list. The worst
        class in a group is then what counts.
    controls
        Networks, or changes of the first one, that had the same budget and not the same aim; True for those that a repair left
        in the audit's folder, False for none.
    force
        Prove with pictures that were used for a proof before, and say so.
    seed
        Of all draws.
    progress
        Told what is being done, how much of it, and of how much.

    Returns
    -------
    Proof

    Raises
    ------
    UsageError
        No audit, or one of another network; a network that is the same, or answers otherwise many classes; pictures that were used for a
        proof before.
    InputRefused
        Too few pictures, or such as had a part in the audit.
    """
    before, mended = as_network(before), after
    record = record_of(audit_of(findings, mended))
    record.refuse_other(before)
    before = named_as_audited(before, record)
    after = told(network_of(mended), before)
    refuse_same(before, after)
    made = made_by(record, after)
    faults = faults_said(record, answers, mended, made)
    collection = collect(data, truth=None if isinstance(truth, str) and truth == FOLDER else truth)
    pictures = mark_of(record, collection)
    used = uses(record.folder, pictures)
    refuse_used(used, force, record)
    if is_audited(record, collection):
        masks, boxes = as_drawn(record, masks, boxes)
    networks = {BEFORE: before, AFTER: after, **control_networks(before, mended, controls, record, made)}
    refuse_other_grid(networks)
    foreground = foreground_of(before, collection, masks, boxes)
    refuse_unmasked(record, faults, foreground)
    panel = Panel({name: Canvas(net, collection, foreground) for name, net in networks.items()})
    belongs = belonging(before, collection, classes_as_there(record, collection, called))
    known, group_notes = (None, ()) if groups is None else truths_of(groups, [item.name for item in collection])
    tell = _Telling(progress)

    told_apart = told_apart_by(masks, boxes)
    looked = _looked(panel.canvases[AFTER], record, told_apart, tell)
    facts = facts_of(panel.canvases[AFTER], looked, belongs.outputs, seed=seed)
    marks = _marks(looked)
    parts = held_out(record, collection, facts, marks, seed)
    facts = parts.facts
    shown = np.union1d(parts.prove, parts.test)
    given = panel.answers(shown, tell.steps("asking", len(shown)))
    refuse_other_outputs(given, before, after)
    tried = _tried(panel, record, parts, given, faults, told_apart, seed, tell)
    sheets = _sheets(panel, parts, given, tried, known, record, seed)
    figures = tuple(
        found
        for name, sheet in sheets.items()
        if sheet is not None and (found := versus(name, sheet, seed=seed)) is not None
    )
    seen = followed(tried, panel.first, facts.split.group, seed=seed)
    verdict, reason = verdict_of(figures, seen)
    if record.folder is not None:
        mark(record.folder, Use.now(pictures, after.fingerprint, verdict))
    return Proof(
        verdict=verdict,
        reason=reason,
        figures=figures,
        rows=_rows(sheets),
        followed=seen,
        pairs=tuple(_pairs(panel, facts, each) for each in tried),
        labels=before.classes if before.classes is not None else facts.labels,
        count=len(parts.prove),
        own_part=parts.own_part,
        controls=tuple(name for name in networks if name not in (BEFORE, AFTER)),
        passed=looked.passed,
        notes=(
            *after.opened.notes, *collection.notes, *belongs.notes, *group_notes, *parts.notes,
            *bounds_of(used, record, facts, faults, tried, tuple(networks)), *small_groups(sheets[WORST_GROUP], facts),
        ),
        provenance={
            **looked.provenance,
            "before": {"network": before.opened.source, "fingerprint": before.fingerprint},
            "after": {"network": after.opened.source, "fingerprint": after.fingerprint},
            "findings": record.where,
            "pictures": pictures,
            "seed": seed,
            "asked": panel.asked,
            "masks": told_apart or None,
        },
    )  # fmt: skip


# --- what is looked at and asked ----------------------------------------------------------------------------------------


@dataclass
class _Telling:
    """Progress in parts."""

    progress: Progress | None

    def whole(self, what: str) -> Callable[[int, int], None] | None:
        tell = self.progress
        return None if tell is None else (lambda done, of: tell(what, done, of))

    def steps(self, what: str, of: int) -> Callable[[int], None] | None:
        tell, done = self.progress, 0
        if tell is None:
            return None

        def step(more: int) -> None:
            nonlocal done
            done += more
            tell(what, done, of)

        return step


def _looked(canvas: Canvas, record: Record, told_apart: str, tell: _Telling) -> Results:
    """The repaired network's one pass over all pictures; kept in the audit's folder, so that a proof that was broken off goes
    on. With other masks it is another pass.
    """
    home = _kept(record)
    masks = f"-{crc32(told_apart.encode()):08x}" if told_apart else ""
    folder = None if home is None else home / f"{canvas.net.fingerprint}-{canvas.collection.fingerprint}{masks}"
    return run_work(
        canvas.net, canvas.collection, Looking(canvas, told_apart), folder=folder, progress=tell.whole("looking")
    )


def _kept(record: Record) -> Path | None:
    """Where what was asked is kept, so that a proof that was broken off goes on."""
    return None if record.folder is None else record.folder / "proof"


def _marks(looked: Results) -> NDArray[np.uint64]:
    found = np.zeros(len(looked.collection), np.uint64)
    for numbers, arrays in looked.shards():
        found[numbers] = arrays["mark"]
    return found


def _tried(
    panel: Panel,
    record: Record,
    parts: HeldOut,
    given: Mapping[str, NDArray[np.float32]],
    faults: frozenset[int],
    told_apart: str,
    seed: int,
    tell: _Telling,
) -> list[Tried]:
    """Every candidate's exchanges: the audit's findings on all proving pictures, what its finders see in the repaired network on
    those that it wasn't found in. Controls are asked about what was called background alone.
    """
    facts, first = parts.facts, panel.first
    listed = list(enumerate(record.findings, 1))
    beyond = [k for k, said in listed if said["verdict"] == NOT_FOUND and k not in faults][WATCHED:]
    blind = [k for k, said in listed if facts.fore is None and said["aspect"].get("kind") in NEED_MASKS]
    again = [(k, record.candidate(k, first)) for k, _ in listed if k not in (*beyond, *blind)]
    known = {candidate.key for _, candidate in again}
    names = record.said["provenance"].get("finders") or FINDERS
    finders = [FINDERS[name] for name in names if name in FINDERS]
    folder, repaired = _kept(record), panel.canvases[AFTER]
    asked = [
        told_apart, repaired.net.fingerprint, repaired.collection.fingerprint, facts.split.of("find").tolist(), facts.classes.tolist(),
        seed, WAY,
    ]  # fmt: skip
    recall = None if folder is None else KeptTrials(folder / "found", asked)
    found = candidates(facts, repaired, finders, seed=seed, progress=tell.whole("finding"), recall=recall)
    new = [(None, candidate) for candidate in found if candidate.key not in known][:WATCHED]
    plans = [
        (
            number,
            candidate,
            drawn(candidate, parts.prove if number else parts.test, facts.classes, seed=seed, most=MOST),
        )
        for number, candidate in [*again, *new]
    ]
    step = tell.steps("exchanging", sum(len(plan.numbers) for _, _, plan in plans))
    made = []
    for number, candidate, plan in plans:
        of = tuple(panel.canvases) if number in faults else (BEFORE, AFTER)
        make = partial(panel.exchanged, candidate, plan, given, of=of, step=step)
        said = [told_apart, candidate.aspect.to_dict(), {name: panel.canvases[name].net.fingerprint for name in of}]
        chances = make() if folder is None else recalled(folder / "exchanged", said, plan, panel, make)
        made.append(Tried(candidate, plan, chances, number, number in faults))
    return [each for each in made if len(each.plan.numbers)]


def _sheets(
    panel: Panel,
    parts: HeldOut,
    given: Mapping[str, NDArray[np.float32]],
    tried: Sequence[Tried],
    known: Sequence[str | None] | None,
    record: Record,
    seed: int,
) -> dict[str, Sheet | None]:
    """Right and wrong, by everything that a worst part is sought in."""
    prove, classes, group = parts.prove, parts.facts.classes, parts.facts.split.group
    slices: list[Sheet] = []
    faults = [(k, each) for k, each in enumerate(tried) if each.fault]
    if faults:
        ward = Ward(
            panel.first, parts.facts, tuple(each.candidate for _, each in faults), prove, np.zeros(0, np.int64), seed,
            folder=_kept(record),
        )  # fmt: skip
        sides = groups_of(ward).sides
        for row, (k, each) in enumerate(faults):
            if tells(sides[row][prove], classes[prove]):
                slices.append(by_side(k, prove, sides[row], given, classes, group))
            slices.append(by_exchange(k, each.plan, each.chances, classes, group))
    return {
        RIGHT: whole(prove, given, classes, group),
        WORST_CLASS: by_class(prove, given, classes, group),
        WORST_SLICE: None if not slices else sum(slices[1:], slices[0]),
        WORST_GROUP: None if known is None else by_group(prove, given, classes, group, known),
    }


def _rows(sheets: Mapping[str, Sheet | None]) -> tuple[Row, ...]:
    return tuple(row for sheet in sheets.values() if sheet is not None for row in rows_of(sheet))


def _pairs(panel: Panel, facts: Facts, each: Tried) -> tuple[Pair, ...]:
    """The pictures whose own class lost most of its probability in the first network when the aspect was another class's."""
    if not each.fault:
        return ()
    plan, rows = each.plan, np.arange(len(each.plan.numbers))
    label = facts.classes[plan.numbers]
    own = {name: each.chances[name][rows, :, label] for name in (BEFORE, AFTER)}
    chosen = np.argsort(own[BEFORE][:, 1] - own[BEFORE][:, 0], kind="stable")[:PICTURES]
    pictures, (donors, _) = panel.first.load(plan.numbers[chosen]), donors_of(panel.first, plan, chosen)
    changed = each.candidate.aspect.exchange(pictures, donors)
    return tuple(
        Pair(
            name=panel.first.collection[int(number)].name,
            truth=facts.labels[int(facts.classes[number])],
            own=_pixels(pictures.x[k]),
            changed=_pixels(changed[k]),
            chances={name: (float(each_own[row, 0]), float(each_own[row, 1])) for name, each_own in own.items()},
        )
        for k, (row, number) in enumerate(zip(chosen, pictures.numbers))
    )


def _pixels(x: Any) -> NDArray[np.uint8]:
    return (x.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()


__all__ = ["Controls", "Proof", "prove"]
