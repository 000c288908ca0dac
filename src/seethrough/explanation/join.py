"""Several batches as one: the explanations of parts, put together as if they had gone through at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from seethrough.explanation.sparing import as_one
from seethrough.results import Attribution, Explanation, Note, Passes


def joined(parts: Sequence[Explanation], more: Mapping[str, Any]) -> Explanation:
    """Explanations of parts of a batch as one."""
    predictions = [p.prediction for p in parts]
    chances = [p.probabilities for p in predictions if p.probabilities is not None]
    prediction = replace(
        predictions[0],
        values=np.concatenate([p.values for p in predictions]),
        probabilities=np.concatenate(chances) if len(chances) == len(parts) else None,
        names=tuple(name for p in predictions for name in p.names),
        notes=_distinct(note for p in predictions for note in p.notes),
    )
    provenance = _one_record([p.provenance for p in parts], more)
    pictures = tuple(picture for p in parts for picture in p.pictures)
    attributions = {
        name: replace(_one_attribution([p[name] for p in parts], more), pictures=pictures, prediction=prediction)
        for name in _common(parts)
    }
    return Explanation(
        attributions,
        pictures,
        prediction,
        tuple(target for p in parts for target in p.target),
        sum((p.passes for p in parts), Passes()),
        _distinct(note for p in parts for note in p.notes),
        provenance,
        _agreement(parts),
    )


def _common(parts: Sequence[Explanation]) -> list[str]:
    """The methods that answered about every part."""
    return [name for name in parts[0] if all(name in part for part in parts)]


def _agreement(parts: Sequence[Explanation]) -> np.ndarray | None:
    """How far methods agree, image by image; None where it wasn't asked."""
    names, found = _common(parts), []
    for part in parts:
        if part.agreement is None:
            return None
        of = [list(part).index(name) for name in names]
        found.append(part.agreement[:, of][:, :, of])
    return np.concatenate(found)


def _one_attribution(parts: Sequence[Attribution], more: Mapping[str, Any]) -> Attribution:
    arrays = {key: np.concatenate([getattr(p, key) for p in parts]) for key in ("values", "map", "seen", "scores")}
    return replace(
        parts[0],
        **arrays,
        target=tuple(target for p in parts for target in p.target),
        passes=sum((p.passes for p in parts), Passes()),
        checks=_distinct(as_one(_renumbered(parts))),
        trust=tuple(trust for p in parts for trust in p.trust),
        provenance=_one_record([p.provenance for p in parts], more),
    )


def _one_record(parts: Sequence[Mapping[str, Any]], more: Mapping[str, Any]) -> dict[str, Any]:
    """Provenance of parts as one: images and targets one after the other."""
    return {
        **parts[0],
        "images": [name for p in parts for name in p["images"]],
        "target": [target for p in parts for target in p["target"]],
        **more,
    }


def _renumbered(parts: Sequence[Attribution]) -> Iterator[Note]:
    """Checks of parts, with the image's number in the whole."""
    offset = 0
    for part in parts:
        for note in part.checks:
            place = {"image": note.numbers["image"] + offset} if "image" in note.numbers else {}
            yield replace(note, numbers={**note.numbers, **place})
        offset += len(part.map)


def _distinct(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Each note once, in order; their numbers can't be hashed."""
    found: list[Note] = []
    for note in notes:
        if note not in found:
            found.append(note)
    return tuple(found)
