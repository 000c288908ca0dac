"""What is read from one map, ready for any home: its numbers, its scale, its sentence and its legend, worked out once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seethrough.attribution.evidence import Evidence, evidence_of
from seethrough.errors import UsageError
from seethrough.results import Attribution, Explanation, Guess, Note, Picture, Prediction
from seethrough.show.colour import Scale, scale_of
from seethrough.show.language import Both, Text
from seethrough.show.sentences import sentence_from
from seethrough.show.trusting import Judgement, gain, judgement_of, rank
from seethrough.show.words import (
    LEFT_OUT_COUNT,
    LEFT_OUT_ONE,
    LEGEND_CLIPPED,
    LEGEND_WHOLE,
    MethodWords,
    family_of,
    is_influence,
    legend_words,
    method_words,
    unit_words,
)

RANDOM_WEIGHTS = "random_weights"
"""The note that puts a watermark over every map."""

LEFT_OUT = ("left_out", "left_out_together", "over_budget", "over_budget_together", "method_refused")
"""Notes of methods that gave way."""

_NO_PICTURE = 236  # a calm light grey under maps of tensors that came without a picture


@dataclass(frozen=True, eq=False)
class Reading:
    """One map of one picture by one method.

    Attributes
    ----------
    values, seen
        The map, float32 (H, W), and where the network saw the picture, bool (H, W).
    evidence
        Its numbers.
    scale
        Its own colour scale; None for a flat map, which is said in words and not drawn.
    sentence, ends, limits, unit
        The generated sentence, what the ends of the colours mean, where they end, and the unit, in both languages.
    notes
        What the method checked about itself on this image.
    trust
        How far to believe it; None where that was not asked.
    """

    method: str
    words: MethodWords
    layer: str | None
    target: str
    values: NDArray[np.float32]
    seen: NDArray[np.bool_]
    evidence: Evidence
    scale: Scale | None
    sentence: Both
    ends: Both
    limits: Both
    unit: Both
    signed: bool
    notes: tuple[Note, ...]
    trust: Judgement | None = None


def read(
    attribution: Attribution, image: int = 0, *, mask: NDArray[np.bool_] | None = None, mask_name: Text = ""
) -> Reading:
    """Read the map of one image; ``mask`` (bool, (H, W)) adds to the sentence how much of the evidence lies on it."""
    values, seen = attribution.map[image], attribution.seen[image]
    target = attribution.target[image]
    evidence = evidence_of(values, signed=attribution.signed, seen=seen, mask=mask)
    scale = None if evidence.flat else scale_of(values, signed=attribution.signed, seen=seen)
    return Reading(
        method=attribution.method,
        words=method_words(attribution.method),
        layer=attribution.layer,
        target=target.label,
        values=values,
        seen=seen,
        evidence=evidence,
        scale=scale,
        sentence=sentence_from(evidence, target, influence=is_influence(attribution), mask_name=mask_name),
        ends=legend_words(attribution),
        limits=limits_words(scale),
        unit=unit_words(attribution, target),
        signed=attribution.signed,
        notes=tuple(note for note in attribution.checks if note.numbers.get("image", image) == image),
        trust=judgement_of(attribution, image),
    )


def limits_words(scale: Scale | None) -> Both:
    """Where the colours of a map end; nothing for a flat one."""
    if scale is None:
        return Both("", "")
    template = LEGEND_CLIPPED if scale.clipped else LEGEND_WHOLE
    return template.fill(limit=scale.limit, smallest=scale.smallest, largest=scale.largest)


def as_explanation(result: object) -> Explanation:
    """Any attribution result as an explanation; an `Attribution` alone becomes one of a single method.

    Raises
    ------
    UsageError
        For anything else.
    """
    if isinstance(result, Explanation):
        return result
    if not isinstance(result, Attribution):
        raise UsageError(f"Only an Explanation or an Attribution can be drawn, not {type(result).__name__}.")
    return Explanation(
        attributions={result.method: result},
        pictures=result.pictures or _grey_pictures(result),
        prediction=result.prediction or _no_answers(result),
        target=result.target,
        passes=result.passes,
        notes=(),
        provenance=result.provenance,
    )


def has_random_weights(explanation: Explanation) -> bool:
    """Whether any part of the explanation says that the weights are random."""
    notes = (*explanation.notes, *explanation.prediction.notes, *(n for a in explanation.values() for n in a.checks))
    return any(note.name == RANDOM_WEIGHTS for note in notes)


def first_images(explanation: Explanation, count: int) -> Explanation:
    """The same explanation of its first ``count`` images only."""
    if len(explanation.pictures) <= count:
        return explanation
    few = {
        name: replace(
            a,
            map=a.map[:count],
            seen=a.seen[:count],
            scores=a.scores[:count],
            target=a.target[:count],
            trust=a.trust[:count],
        )
        for name, a in explanation.items()
    }
    return replace(
        explanation,
        attributions=few,
        pictures=explanation.pictures[:count],
        target=explanation.target[:count],
        agreement=None if explanation.agreement is None else explanation.agreement[:count],
    )


def leading(explanation: Explanation, image: int, count: int, methods: Sequence[str] | None = None) -> tuple[str, ...]:
    """The methods that are shown first: those whose maps carry most weight; where that is equal, of different families,
    and of those the ones whose maps move the answer most; else in their own order.
    """
    left = list(methods if methods is not None else explanation)
    ranks = {m: rank(explanation[m], image) for m in left}
    gains = {m: gain(explanation[m], image) for m in left}
    chosen: list[str] = []
    while left and len(chosen) < count:
        families = {family_of(m) for m in chosen}
        best = min(left, key=lambda m: (ranks[m], family_of(m) in families, -gains[m]))  # the first of equals
        chosen.append(best)
        left.remove(best)
    return tuple(chosen)


def was_checked(explanation: Explanation) -> bool:
    """Whether it was asked how far to believe the maps."""
    return any(a.trust for a in explanation.values())


def bar_length(guess: Guess) -> float:
    """How far an answer's bar reaches, 0…1: its probability, 0 where there is none or it is no number."""
    return guess.probability if guess.probability is not None and math.isfinite(guess.probability) else 0.0


def general_notes(explanation: Explanation) -> tuple[Note, ...]:
    """What holds for the whole explanation, each note once; without what the pictures say of themselves."""
    own = [note for picture in explanation.pictures for note in picture.notes]
    kept: list[Note] = []
    for note in (*explanation.notes, *explanation.prediction.notes):
        if note not in kept and note not in own:
            kept.append(note)
    return tuple(_together(kept))


def _together(notes: Sequence[Note]) -> Iterator[Note]:
    """Methods that were left out for the same reason, in one note."""
    reasons = [_reason(note) for note in notes]
    for i, note in enumerate(notes):
        if reasons[i] is None or reasons.count(reasons[i]) == 1:
            yield note
        elif reasons.index(reasons[i]) == i:
            methods = [n.numbers["method"] for n, reason in zip(notes, reasons) if reason == reasons[i]]
            needs = {"needs": note.numbers["needs"]} if "needs" in note.numbers else {}
            yield Note(f"{note.name}_together", note.level, {"methods": methods, **needs})


def _reason(note: Note) -> tuple[str, object] | None:
    """What methods that were left out have in common."""
    return (note.name, note.numbers.get("needs")) if note.name in ("left_out", "over_budget") else None


def without_left_out(notes: Sequence[Note]) -> tuple[tuple[Note, ...], tuple[Note, ...]]:
    """Notes of methods that were left out, behind all others."""
    left = tuple(note for note in notes if note.name in LEFT_OUT)
    return tuple(note for note in notes if note not in left), left


def left_out_words(left: Sequence[Note]) -> Both:
    """How many methods were left out, in a sentence."""
    count = sum(len(note.numbers.get("methods", [""])) for note in left)
    return LEFT_OUT_COUNT.fill(count=count) if count > 1 else LEFT_OUT_ONE


def _grey_pictures(attribution: Attribution) -> tuple[Picture, ...]:
    grey = np.full((*attribution.map.shape[1:], 3), _NO_PICTURE, dtype=np.uint8)
    return tuple(Picture(grey, f"image {i + 1}") for i in range(len(attribution.map)))


def _no_answers(attribution: Attribution) -> Prediction:
    count = len(attribution.map)
    return Prediction(np.zeros((count, 0), np.float32), None, (), tuple(f"image {i + 1}" for i in range(count)))
