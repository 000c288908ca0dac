"""Repair: a ladder of ways to mend a network, from the least that is changed to the most, until one passes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seethrough.errors import UsageError, nearest
from seethrough.findings.answers import Said
from seethrough.findings.record import Kept, record_of
from seethrough.network import Network, as_network
from seethrough.remedies.admitted import Admitted, admitted, faults_of, refuse_function
from seethrough.remedies.attempts import Attempts
from seethrough.remedies.edit import edited
from seethrough.remedies.groups import FEW, counter_examples, groups_of
from seethrough.remedies.names import named_as_audited
from seethrough.remedies.repaired import BETTER, FINE, NOTHING, PASSED, WORSE, Mended, Repair, Tried
from seethrough.remedies.rung import WRAPPED, Attempt, Edit, Rung, Ward
from seethrough.remedies.rungs import RUNGS
from seethrough.remedies.score import GAIN, Score, Scorer, is_better, lacks
from seethrough.remedies.weights import parameters
from seethrough.results import Note

NOT_ALLOWED, NO_TIME = "not_allowed", "no_time"
"""Why a rung wasn't tried, beside what it says itself: it changes how the answer is computed; the time was over."""

Progress = Callable[[str, int, int], None]
"""Told what is being done (``"looking"``, ``"grouping"``, ``"scoring"``, or a rung's name), how much of it, and of how much."""


def repair(
    net: Network | Any,
    audit: Kept,
    data: Any,
    *,
    answers: Said,
    truth: Any = None,
    masks: Any = None,
    boxes: Any = None,
    called: Mapping[str, str | int] | None = None,
    rungs: Sequence[str] | None = None,
    minutes: float | None = None,
    seed: int = 0,
    folder: str | Path | None = None,
    allow_wrapper: bool = False,
    unless_worse: bool = True,
    progress: Progress | None = None,
) -> Repair:
    """Mend a network of what its answers go by and shouldn't.

    Ways to do so are tried in order, from the least that is changed to the most, and the first that passes is taken. It passes
    where the usual accuracy falls by no more than `seethrough.remedies.score.LOSS`, no group of a class is answered much worse than
    the class (`WITHIN`), and what is left of the finding is too little to be proven. All of it is learned from the pictures that found
    and judged, and measured on those that were kept for a repair; those that prove aren't touched.

    Parameters
    ----------
    audit
        What `audit` gave, its folder, or its ``to_dict()``.
    data
        The audited pictures.
    answers
        Which findings only happen to be there: ``{1: "background"}``, ``"1=background"``, or the file that the page of the audit
        writes. Several are mended at once.
    truth, masks, boxes, called
        As for `audit`; masks or boxes of files, and what classes are called, are taken from it where they aren't given.
    rungs
        Names of ways, tried in the order of the ladder (`seethrough.remedies.rungs.RUNGS`); by default all.
    minutes
        After so many no other way is begun, and no other training.
    seed
        Of all draws.
    folder
        Where everything that was asked and learned is kept, so that the same call goes on; by default the audit's folder, if it has
        one.
    allow_wrapper
        Try ways too that change no weight but how the answer is computed; what comes back then isn't a network of the person's own
        kind but one around it.
    unless_worse
        Give nothing where nothing is better than the network as it is; else the best of what was tried.
    progress
        Told what is being done, how much of it, and of how much.

    Returns
    -------
    Repair

    Raises
    ------
    UsageError
        No finding is said to be background; findings of another network; no such rung.
    NetworkRefused
        A function, of which nothing is known inside.
    InputRefused
        Too few pictures.
    """
    net = as_network(net)
    refuse_function(net)
    ladder = _ladder(rungs)
    if minutes is not None and not minutes > 0:
        raise UsageError(f"minutes is a time above 0, not {minutes}.")
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    record = record_of(audit)
    record.refuse_other(net)
    net = named_as_audited(net, record)
    faults_of(record, answers)  # before anything is looked at
    home = record.folder if folder is None else Path(folder)

    def told(what: str) -> Callable[[int, int], None] | None:
        if progress is None:
            return None
        tell = progress
        return lambda done, of: tell(what, done, of)

    case = admitted(
        net, audit, record, answers, data, truth=truth, masks=masks, boxes=boxes, called=called, seed=seed, deadline=deadline,
        folder=home, progress=told("looking"),
    )  # fmt: skip
    ward = case.ward
    groups_of(ward, told("grouping"))
    faults = tuple(
        Mended(number, record.findings[number - 1], counter_examples(ward, fault))
        for number, fault in zip(case.numbers, ward.faults)
    )
    scorer = Scorer(ward)
    if tell := told("scoring"):
        tell(0, 1)
    before = scorer.before()
    if tell:
        tell(1, 1)
    climbed = [] if not lacks(before, before) else _climbed(ward, ladder, scorer, before, allow_wrapper, told)
    chosen, verdict = _chosen(climbed, before, unless_worse) if climbed else (None, FINE)
    changed = {} if chosen is None else {path: t.numel() for path, t in chosen.attempt.edit.weights.items()}
    network = None if chosen is None else chosen.network or edited(net, chosen.attempt.edit, ward.facts)
    after = None if chosen is None else chosen.tried.score
    if chosen is not None and network is not None and not scorer.agrees(chosen.attempt.edit, network):
        after = scorer.asked(network)
        verdict = _verdict(before, after)
    tried = tuple(each.tried for each in climbed)
    found = Repair(
        network=network,
        verdict=verdict,
        rung="" if chosen is None else chosen.tried.rung,
        before=before,
        after=after,
        tried=tried,
        faults=faults,
        labels=ward.facts.labels,
        changed=changed,
        controls={} if chosen is None else _writable(chosen.attempt.controls),
        passed_by=case.passed,
        notes=_notes(case, faults, tried, network),
        provenance={
            "before": {"network": net.opened.source, "fingerprint": net.fingerprint},
            "after": None if network is None else {"fingerprint": network.fingerprint},
            "seed": seed,
            "settings": {
                "rungs": [rung.name for rung in ladder],
                "minutes": minutes,
                "allow_wrapper": allow_wrapper,
                "unless_worse": unless_worse,
            },
            "findings": record.where,
            "pictures": {
                "source": ward.canvas.collection.source,
                "learn": len(ward.learn),
                "choose": len(ward.choose),
            },
            "asked": ward.canvas.asked,
            "network": net.provenance,
        },
        folder=ward.folder,
        audit=audit,
    )
    if ward.folder is not None:
        found.write_record(ward.folder)
    return found


# --- the ladder ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Climbed:
    """A rung that was reached: what came of it, and what it made."""

    tried: Tried
    attempt: Attempt = field(default_factory=lambda: Attempt(Edit()))
    network: Network | None = None


def _ladder(wanted: Sequence[str] | None) -> list[Rung]:
    refuse_unknown(wanted or ())
    return [rung for name, rung in RUNGS.items() if not wanted or name in wanted]


def refuse_unknown(rungs: Sequence[str]) -> None:
    """Say so where a name is none of a rung's.

    Raises
    ------
    UsageError
    """
    for name in rungs:
        if name not in RUNGS:
            raise UsageError(f"There is no rung {name!r}.{nearest(name, list(RUNGS))} There are: {', '.join(RUNGS)}.")


def _climbed(
    ward: Ward,
    ladder: Sequence[Rung],
    scorer: Scorer,
    before: Score,
    allow_wrapper: bool,
    told: Callable[[str], Callable[[int, int], None] | None],
) -> list[_Climbed]:
    """Every rung up to the first that passes."""
    attempts = Attempts(None if ward.folder is None else ward.folder / "attempts")
    found: list[_Climbed] = []
    for rung in ladder:
        why_not = _why_not(ward, rung, allow_wrapper, begun=any(not each.tried.why_not for each in found))
        if why_not:
            found.append(_Climbed(Tried(rung.name, rung.changes, why_not)))
            continue
        begun = time.monotonic()
        attempt = attempts.recall(ward, rung, lambda r=rung: r.attempt(ward, told(r.name)))
        network = edited(ward.canvas.net, attempt.edit, ward.facts) if scorer.needs_network(attempt.edit) else None
        score = scorer.asked(network) if network is not None else scorer.after(attempt.edit)
        seconds = time.monotonic() - begun
        tried = Tried(
            rung.name, rung.changes, settings=attempt.settings, score=score, lacks=lacks(before, score), seconds=seconds
        )
        found.append(_Climbed(tried, attempt, network))
        if tried.passed:
            break
    return found


def _why_not(ward: Ward, rung: Rung, allow_wrapper: bool, begun: bool) -> str:
    if rung.changes == WRAPPED and not allow_wrapper:
        return NOT_ALLOWED
    if begun and ward.deadline is not None and time.monotonic() > ward.deadline:
        return NO_TIME
    return rung.unfit(ward) or ""


def _chosen(climbed: Sequence[_Climbed], before: Score, unless_worse: bool) -> tuple[_Climbed | None, str]:
    """The first that passes, else the best, if it is any better."""
    done = [each for each in climbed if each.tried.score is not None]
    passing = next((each for each in done if each.tried.passed), None)
    if passing is not None:
        return passing, PASSED
    good = [each for each in done if each.tried.score is not None and is_better(before, each.tried.score)]
    if good:
        return _best(good, before), BETTER
    if unless_worse or not done:
        return None, NOTHING
    return _best(done, before), WORSE


def _best(done: Sequence[_Climbed], before: Score) -> _Climbed:
    """Of those that aren't worse than any other, the one that leaves least of what is wrong."""
    scores = [each.tried.score for each in done if each.tried.score is not None]
    merits = [score.merit(before) for score in scores]
    left = [max((effect.value for effect in score.effects), default=0.0) for score in scores]
    alike = [k for k, merit in enumerate(merits) if merit > max(merits) - GAIN]
    return done[min(alike, key=lambda k: left[k])]


def _verdict(before: Score, after: Score) -> str:
    if not lacks(before, after):
        return PASSED
    return BETTER if is_better(before, after) else WORSE


def _writable(controls: Mapping[str, Edit]) -> dict[str, Edit]:
    return {
        name: replace(edit, wrapper=None) for name, edit in controls.items() if edit.weights and edit.wrapper is None
    }


def _notes(
    case: Admitted, faults: Sequence[Mended], tried: Sequence[Tried], network: Network | None
) -> tuple[Note, ...]:
    notes = list(case.notes)
    few = [fault for fault in faults if fault.counter_examples < FEW]
    if few and tried:
        numbers = {"finding": few[0].number, "count": few[0].counter_examples, "least": FEW}
        notes.append(Note("repair_few_counter_examples", "info", numbers))
    late = [each for each in tried if each.why_not == NO_TIME]
    if late:
        notes.append(Note("repair_out_of_time", "warning", {"count": len(late), "rung": late[0].rung}))
    if (
        network is not None
        and len(parameters(network))
        and any(n.name == "explained_in_float32" for n in network.opened.notes)
    ):
        notes.append(Note("repair_in_float32", "info", {}))
    return tuple(notes)


__all__ = ["refuse_unknown", "repair"]
