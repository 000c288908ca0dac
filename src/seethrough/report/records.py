"""A result as data for other programs: every array in one ``.npz``, every other number in one ``.json``."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seethrough.results import Attribution, Explanation, Guess, Note, Passes, Trust
from seethrough.show.language import LANGUAGES, Both
from seethrough.show.reading import Reading, general_notes, read
from seethrough.show.trusting import agreement_of
from seethrough.show.words import note_words

FORMAT = "seethrough explanation 1"


def as_npz(explanation: Explanation) -> bytes:
    """All arrays, compressed; nothing is pickled, so ``numpy.load`` opens it with its defaults.

    ``METHOD.values``, ``METHOD.map`` (float32), ``METHOD.seen`` (bool), ``METHOD.scores`` for each method;
    ``METHOD.verdict`` (a text an image) and ``agreement`` (float32, (N, M, M), in the order of ``methods``) where trust
    was asked; ``picture.0``… (uint8); ``prediction.values`` and ``prediction.probabilities``; ``about``, the record of
    `as_json` as text.
    """
    arrays: dict[str, np.ndarray] = {"about": np.array(as_json(explanation).decode("utf-8"))}
    for name, attribution in explanation.items():
        arrays |= {f"{name}.{part}": getattr(attribution, part) for part in ("values", "map", "seen", "scores")}
        if attribution.trust:
            arrays[f"{name}.verdict"] = np.array([trust.verdict for trust in attribution.trust])
    arrays["methods"] = np.array(list(explanation))
    if explanation.agreement is not None:
        arrays["agreement"] = np.asarray(explanation.agreement, np.float32)
    arrays |= {f"picture.{i}": picture.pixels for i, picture in enumerate(explanation.pictures)}
    arrays["prediction.values"] = explanation.prediction.values
    if explanation.prediction.probabilities is not None:
        arrays["prediction.probabilities"] = explanation.prediction.probabilities
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()


def as_json(explanation: Explanation) -> bytes:
    """All numbers but the arrays, with each map's sentence in both languages; UTF-8. NaN and infinities are null."""
    return json_bytes({"format": FORMAT, **explanation_record(explanation)})


def explanation_record(explanation: Explanation) -> dict[str, Any]:
    """What `as_json` writes of an explanation."""
    return {
        "provenance": explanation.provenance,
        "notes": _notes(general_notes(explanation)),
        "passes": _passes(explanation.passes),
        "images": [_image(explanation, i) for i in range(len(explanation.pictures))],
        "methods": {name: _method(attribution) for name, attribution in explanation.items()},
    }


def json_bytes(record: Mapping[str, Any]) -> bytes:
    """A record as a JSON file, UTF-8; NaN and infinities are null."""
    return (json.dumps(plain_data(record), ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode("utf-8")


def _image(explanation: Explanation, i: int) -> dict[str, Any]:
    picture, target = explanation.pictures[i], explanation.target[i]
    return {
        "name": picture.name,
        "size": {"height": picture.size[0], "width": picture.size[1]},
        "notes": _notes(picture.notes),
        "target": asdict(target),
        "answers": [_answer(guess) for guess in explanation.prediction.top(5, i)],
        "maps": {name: _map(attribution, i) for name, attribution in explanation.items()},
        "agreement": _agreement(explanation, i),
    }


def _answer(guess: Guess) -> dict[str, Any]:
    return asdict(guess)


def _map(attribution: Attribution, image: int) -> dict[str, Any]:
    reading = read(attribution, image)
    return {
        "score": float(attribution.scores[image]),
        "evidence": asdict(reading.evidence),
        "scale": asdict(reading.scale) if reading.scale else None,
        "sentence": in_both(reading.sentence),
        "trust": _trust(attribution.trust[image], reading) if image < len(attribution.trust) else None,
    }


def _trust(trust: Trust, reading: Reading) -> dict[str, Any]:
    words = {} if reading.trust is None else in_both(reading.trust.words)
    return {"verdict": trust.verdict, "words": words, "reasons": _notes(trust.reasons), "figures": trust.figures}


def _agreement(explanation: Explanation, image: int) -> dict[str, Any] | None:
    """The rank correlation of each two maps, and what can be said of it."""
    found = agreement_of(explanation, image)
    if found is None:
        return None
    return {
        "methods": list(found.methods),
        "correlations": found.matrix,
        "sentences": [in_both(text) for text in found.sentences],
    }


def in_both(text: Both) -> dict[str, str]:
    """A text by language."""
    return {language: text.in_(language) for language in LANGUAGES}


def _method(attribution: Attribution) -> dict[str, Any]:
    return {
        "layer": attribution.layer,
        "signed": attribution.signed,
        "passes": _passes(attribution.passes),
        "settings": attribution.settings,
        "checks": _notes(attribution.checks),
        "provenance": attribution.provenance,
    }


def _passes(passes: Passes) -> dict[str, int]:
    return {"forward": passes.forward, "backward": passes.backward}


def _notes(notes: tuple[Note, ...]) -> list[dict[str, Any]]:
    return [
        {
            "name": note.name,
            "level": note.level,
            "numbers": note.numbers,
            "sentence": in_both(note_words(note)),
        }
        for note in notes
    ]


def plain_data(thing: Any) -> Any:
    """What JSON can hold: numbers as numbers, None for what is not finite, anything unknown by its text."""
    if isinstance(thing, Mapping):
        return {str(key): plain_data(value) for key, value in thing.items()}
    if isinstance(thing, np.ndarray):
        return plain_data(thing.tolist())
    if isinstance(thing, list | tuple | set | frozenset):
        return [plain_data(value) for value in thing]
    if isinstance(thing, np.generic):
        return plain_data(thing.item())
    if isinstance(thing, float):
        return thing if math.isfinite(thing) else None
    if thing is None or isinstance(thing, bool | int):
        return thing
    if is_dataclass(thing) and not isinstance(thing, type):
        return plain_data(asdict(thing))
    text = thing.as_posix() if isinstance(thing, Path) else str(thing)
    return text.encode("utf-8", "replace").decode("utf-8")
