"""Audit: a network and a folder of pictures, from looking to a verdict on every candidate."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seethrough.findings.belonging import notes_of
from seethrough.findings.canvas import Canvas, Pictures
from seethrough.findings.drawn import ESTIMATED
from seethrough.findings.facts import Facts
from seethrough.findings.finders import FINDERS, candidates, refuse_unknown
from seethrough.findings.heat import heats
from seethrough.findings.judge import NOT_FOUND, PROVEN, SUSPECTED, WAY, Finding, donors_of, judged, most_of
from seethrough.findings.kept import KeptTrials
from seethrough.findings.naming import PAIRS, Group, alone, grouped, in_order
from seethrough.findings.seen import seen
from seethrough.findings.split import PARTS
from seethrough.findings.words import Spoken, spoken_of, vocabulary
from seethrough.jobs import Passed
from seethrough.network import Network, as_network
from seethrough.results import Note, Shown

EXAMPLES = 9
"""Pictures on a finding's card."""

FEW = 40
"""Of fewer judging pictures it is said that they can prove little."""

FORMAT = "seethrough audit 1"
"""What a record of an audit says that it is."""

Progress = Callable[[str, int, int], None]
"""Told what is being done (``"looking"``, ``"finding"``, ``"judging"``, ``"naming"``, with words of the person's ``"wording"``), how much of
it is done, and of how much.
"""


@dataclass(frozen=True, eq=False)
class Example:
    """One picture before and after.

    Attributes
    ----------
    name
        The picture's.
    truth
        The class it belongs to, by name.
    before, after
        uint8 (H, W, 3), as the network sees it: as it is, and with the aspect exchanged.
    chance_before, chance_after
        The answer's probability.
    put_in
        Whether the aspect was put in, else taken out.
    heat
        float32 (2, h, w), ≥ 0: where in both the evidence for the finding's answer lies; None where that wasn't asked, or isn't anywhere.
    """

    name: str
    truth: str
    before: NDArray[np.uint8] = field(repr=False)
    after: NDArray[np.uint8] = field(repr=False)
    chance_before: float
    chance_after: float
    put_in: bool
    heat: NDArray[np.float32] | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class Audit(Shown):
    """What a network's answers go by beside the thing itself.

    Attributes
    ----------
    findings
        Every candidate, judged: what groups are called by first, the proven ones and by their effect; then their parts;
        then what wasn't found.
    examples
        For each finding that is proven or suspected up to nine pictures, those that changed most first, that one with its `heat`; else
        none.
    groups
        Which findings are one habit, and what each is called by (`seethrough.findings.naming`).
    labels
        A name for each output.
    right
        Share of the pictures (of the judging part) that are answered with their own class, by class.
    names
        Of the pictures.
    facts
        What is known of each.
    passed
        Pictures that could not be read, with the reason.
    spoken
        For each finding what it is in the person's own words, where they were given and it is told with them; empty without any.
    """

    findings: tuple[Finding, ...]
    examples: tuple[tuple[Example, ...], ...]
    labels: tuple[str, ...]
    right: Mapping[int, float]
    names: tuple[str, ...]
    facts: Facts
    passed: tuple[Passed, ...] = ()
    notes: tuple[Note, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    spoken: tuple[Spoken | None, ...] = ()

    def __post_init__(self) -> None:
        if not self.groups:  # then nothing was compared, and each stands by itself
            object.__setattr__(self, "groups", alone(self.findings))

    @property
    def proven(self) -> tuple[Finding, ...]:
        """Those that are."""
        return tuple(finding for finding in self.findings if finding.verdict == PROVEN)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, from which a repair or a proof goes on."""
        return {
            "format": FORMAT,
            "provenance": dict(self.provenance),
            "notes": [asdict(note) for note in self.notes],
            "passed": [{"name": p.name, "reason": p.reason} for p in self.passed],
            "labels": list(self.labels),
            "right": {str(k): share for k, share in self.right.items()},
            "split": {
                "seed": self.facts.split.seed,
                **{part: [self.names[k] for k in self.facts.split.of(part)] for part in PARTS},
            },
            "findings": [_plain(finding) | self._in_words(k) for k, finding in enumerate(self.findings)],
            "groups": [group.to_dict() for group in self.groups],
        }

    def _in_words(self, number: int) -> dict[str, Any]:
        spoken = self.spoken[number] if self.spoken else None
        return {} if spoken is None else {"words": spoken.to_dict()}


def audit(
    net: Network | Any,
    data: Any,
    *,
    truth: Any = None,
    masks: Any = None,
    boxes: Any = None,
    called: Mapping[str, str | int] | None = None,
    folder: str | Path | None = None,
    finders: Sequence[str] | None = None,
    words: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Audit:
    """Is a network right for the right reason? Looks at every picture once, finds what answers may go by beside the thing
    itself, and judges each candidate by putting it in and taking it out.

    Parameters
    ----------
    data
        A folder with a folder for each class, or anything that `seethrough.datasets.collection.collect` takes.
    truth
        The class of each picture, where folders don't say it; ``"folder"`` says that they do.
    masks, boxes
        Where the thing is, as for `evaluate`; without them what lies beside it isn't known, and backgrounds can't be
        exchanged. ``masks="estimate"`` has it estimated, out of the pictures and where the network finds much. In boxes the
        thing is told from the ground by its colours.
    called
        What the network calls a class of the pictures, where the two differ: ``{"snow": "snow leopard"}``, or the output's
        number.
    folder
        Where what was looked at and judged is kept, so that an audit that was broken off goes on; by default nowhere.
    finders
        Names of `FINDERS`; by default all.
    words
        The person's own, to tell backgrounds, places and things with: from each to its pictures, or a folder with a folder for each.
        They change nothing of what is found and judged.
    seed
        Of the split and of all draws.
    progress
        Told what is being done, how much of it, and of how much.

    Returns
    -------
    Audit

    Raises
    ------
    UsageError
        No picture's class is known to the network, or only one class is; no such finder; quantities instead of classes; the
        folder holds an audit of another network or other pictures; fewer than two words.
    InputRefused
        Not one picture can be read; too few of two classes; masks that miss most pictures; too few pictures of a word.
    """
    net = as_network(net)
    chosen = _finders(finders)
    own_words = None if words is None else vocabulary(net, words)

    def told(what: str) -> Callable[[int, int], None] | None:
        if progress is None:
            return None
        tell = progress
        return lambda done, of: tell(what, done, of)

    looked_at = seen(
        net, data, truth=truth, masks=masks, boxes=boxes, called=called, seed=seed, progress=told("looking"),
        folder=None if folder is None else Path(folder),
    )  # fmt: skip
    canvas, collection, belongs = looked_at.canvas, looked_at.collection, looked_at.belongs
    facts, looked, told_apart = looked_at.facts, looked_at.looked, looked_at.told_apart
    plan, kept = looked.provenance["run"]["plan"], None if folder is None else Path(folder) / "judged"
    asked = [plan, facts.split.of("find").tolist(), facts.classes.tolist(), seed, WAY]
    found = candidates(
        facts,
        canvas,
        chosen,
        seed=seed,
        progress=told("finding"),
        recall=None if kept is None else KeptTrials(kept, asked),
    )
    judges, most = facts.split.of("judge"), most_of(len(found))
    asked = [plan, judges.tolist(), facts.classes.tolist(), seed, most, WAY]
    findings = judged(
        canvas, found, judges, facts.classes, facts.split.group, seed=seed, most=most, progress=told("judging"),
        recall=None if kept is None else KeptTrials(kept, asked),
    )  # fmt: skip
    order = {PROVEN: 0, SUSPECTED: 1, NOT_FOUND: 2}
    findings = sorted(findings, key=lambda f: (order[f.verdict], -f.effect.value))
    groups = grouped(
        canvas, findings, facts.split.group, seed=seed, progress=told("naming"),
        recall=None if kept is None else KeptTrials(kept, [*asked, PAIRS]),
    )  # fmt: skip
    places, groups = in_order(findings, groups)
    findings = [findings[place] for place in places]
    spoken = ()
    if own_words is not None:
        spoken = spoken_of(own_words, canvas, facts, findings, groups, seed=seed, progress=told("wording"))
    return Audit(
        findings=tuple(findings),
        examples=tuple(_examples(canvas, facts, f) for f in findings),
        labels=facts.labels,
        right=_right(facts, judges),
        names=tuple(item.name for item in collection),
        facts=facts,
        groups=groups,
        spoken=spoken,
        passed=looked.passed,
        notes=(
            *net.opened.notes,
            *collection.notes,
            *belongs.notes,
            *notes_of(facts, belongs.outputs, judges, FEW, estimated=told_apart == ESTIMATED),
        ),
        provenance={
            **looked.provenance,
            "finders": [finder.name for finder in chosen],
            "seed": seed,
            "asked": canvas.asked,
            "masks": told_apart or None,
            "called": {own: facts.labels[k] for own, k in belongs.called.items()},
            **({} if own_words is None else {"words": own_words.to_dict()}),
        },
    )


def _finders(wanted: Sequence[str] | None) -> list[Any]:
    refuse_unknown(wanted or ())
    return [FINDERS[name] for name in (wanted or FINDERS)]


def _right(facts: Facts, judges: NDArray[np.int64]) -> dict[int, float]:
    first = facts.answers.argmax(1) == facts.classes
    return {
        k: float(first[judges][facts.classes[judges] == k].mean())
        for k in facts.asked
        if (facts.classes[judges] == k).any()
    }


def _examples(canvas: Canvas, facts: Facts, finding: Finding) -> tuple[Example, ...]:
    if finding.verdict == NOT_FOUND:
        return ()
    trials = finding.trials
    signs = np.where(trials.put_in, 1, -1)
    rows = np.argsort(-(trials.changed - trials.before) * signs, kind="stable")[:EXAMPLES]
    own, (donors, _) = canvas.load(trials.numbers[rows]), donors_of(canvas, trials, rows)
    changed = Pictures(finding.candidate.aspect.exchange(own, donors), own.fore, own.numbers)
    heat = heats(canvas, torch.stack([own.x[0], changed.x[0]]), finding.candidate.answer)
    return tuple(
        Example(
            name=canvas.collection[int(number)].name,
            truth=facts.labels[int(facts.classes[number])],
            before=_pixels(own, k),
            after=_pixels(changed, k),
            chance_before=float(trials.before[row]),
            chance_after=float(trials.changed[row]),
            put_in=bool(trials.put_in[row]),
            heat=None if k else heat,
        )
        for k, (row, number) in enumerate(zip(rows, own.numbers))
    )


def _pixels(pictures: Pictures, row: int) -> NDArray[np.uint8]:
    return (pictures.x[row].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()


def _plain(finding: Finding) -> dict[str, Any]:
    candidate = finding.candidate
    return {
        "aspect": candidate.aspect.to_dict(),
        "answer": candidate.answer,
        "rivals": list(candidate.rivals),
        "ways": list(candidate.ways),
        "strength": candidate.strength,
        "reappeared": candidate.reappeared,
        "numbers": candidate.numbers,
        "verdict": finding.verdict,
        "effect": finding.effect.to_dict(),
        "chance": finding.chance,
        "corrected": finding.corrected,
        "flips": finding.flips,
        "control_flips": finding.control_flips,
    }
