"""The page of an audit: the answer in a sentence, a card for each finding with pictures before and after and one question,
what was not found and up to what it could be there, and what can't be seen. It reads without scripts; with them the
questions can be answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seethrough.findings.answers import FORMAT
from seethrough.findings.audit import Audit, Example
from seethrough.findings.judge import NOT_FOUND, Finding
from seethrough.findings.naming import Group
from seethrough.report.files import Writer, png, svg
from seethrough.report.frame import framed
from seethrough.report.payload import OPACITY, picture_url
from seethrough.report.records import json_bytes, plain_data
from seethrough.show import audit_words as words
from seethrough.show.audit_spoken import in_own_words
from seethrough.show.colour import overlay, scale_of
from seethrough.show.language import Both, count, measured, plain, share
from seethrough.show.vocabulary.audit import PAGE
from seethrough.show.words import note_words

SCRIPT, STYLES = "audit.js", ("page.css", "audit.css")

CARDS = 12
"""Findings that are told in full; of more, those behind are a table."""

CLASSES = 24
"""Classes of which it is listed how often they are answered rightly."""

LISTED = 20
"""Unreadable pictures that are named."""

LARGE, SMALL = 320, 160
"""Pixels a side of the first pair and of the others."""

QUALITY = 82
"""Of WebP."""


def audit_page(audit: Audit, language: str = "en") -> str:
    """An audit as a page that stands alone.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``: the language that the page opens in; it holds both.
    """
    return framed(
        "audit.html",
        title=words.title(audit),
        eyebrow=words.EYEBROW,
        language=language,
        styles=STYLES,
        script=SCRIPT,
        payload={
            "words": {key: {"en": text.en, "zh": text.zh} for key, text in PAGE.items()},
            "format": FORMAT,
            "fingerprint": str(audit.provenance.get("fingerprint", "")),
            "findings": [_asked(audit, group.main) for group in audit.groups[:CARDS]],
        },
        of_what=words.of_what(audit),
        said=words.said(audit),
        counted=words.counted(audit),
        cards=[_card(audit, group) for group in audit.groups[:CARDS]],
        further=[_row(audit, audit.findings[group.main]) for group in audit.groups[CARDS:]],
        missing=[_row(audit, finding) for finding in audit.findings if finding.verdict == NOT_FOUND],
        unnoticed=words.unnoticed(audit),
        right=list(_right(audit)),
        renamed=any(own != called for own, called in dict(audit.provenance.get("called", {})).items()),
        worst=PAGE["worst"].fill(shown=CLASSES, all=len(audit.right)) if len(audit.right) > CLASSES else None,
        limits=[PAGE["limit_pictures"], PAGE["limit_thing"], PAGE["limit_kinds"]],
        notes=[(note.level, note_words(note)) for note in audit.notes],
        passed_count=PAGE["passed"].fill(count=len(audit.passed)),
        passed=[(plain(p.name), plain(p.reason, longest=300)) for p in audit.passed[:LISTED]],
        provenance=[(str(k), str(plain_data(v))) for k, v in audit.provenance.items()],
        answers_yes=words.YES,
        answers_no=words.NO,
        page=PAGE,
    )


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture before and after, as the template takes it."""

    before: str
    after: str
    chances: Both
    chance_before: Both
    chance_after: Both
    of: Both
    truth: str
    heats: tuple[str, str] | None = None
    """The same two under where the evidence for the answer lies."""


def _asked(audit: Audit, number: int) -> dict[str, Any]:
    candidate = audit.findings[number].candidate
    return {
        "number": number + 1,
        "kind": candidate.aspect.kind,
        "name": candidate.aspect.name,
        "of": audit.labels[candidate.answer],
    }


def _card(audit: Audit, group: Group) -> dict[str, Any]:
    number = group.main
    finding, examples = audit.findings[number], audit.examples[number]
    pairs = [_pair(audit, finding, example, SMALL if k else LARGE) for k, example in enumerate(examples)]
    return {
        "number": number + 1,
        "verdict": words.VERDICTS[finding.verdict],
        "is": finding.verdict,
        "heading": words.heading(audit, finding),
        "exchanged": words.exchanged(finding),
        "effect": words.effect(audit, finding),
        "about": words.about(audit, number),
        "own_words": in_own_words(audit, number),
        "found_by": words.found_by(finding),
        "first": pairs[0] if pairs else None,
        "evidence": words.EVIDENCE.fill(answer=words.label(audit, finding.candidate.answer)),
        "pairs": pairs[1:],
        "shown": words.MOST_CHANGED.fill(shown=len(pairs), n=len(finding.trials.numbers)),
        "question": words.QUESTION.fill(answer=words.label(audit, finding.candidate.answer)),
        "exact": list(_exact(finding)),
        "parts": [_row(audit, audit.findings[part.number], part.number + 1) for part in group.parts],
    }


def _pair(audit: Audit, finding: Finding, example: Example, side: int) -> Pair:
    return Pair(
        before=picture_url(example.before, side, QUALITY),
        after=picture_url(example.after, side, QUALITY),
        chances=words.certain(audit, finding, example),
        chance_before=share(example.chance_before),
        chance_after=share(example.chance_after),
        of=words.PAIR_OF.fill(name=plain(example.name, 60), truth=plain(example.truth, 60)),
        truth=plain(example.truth, 60),
        heats=None if example.heat is None else _heated(example, example.heat, side),
    )


def _heated(example: Example, heat: NDArray[np.float32], side: int) -> tuple[str, str]:
    """Both pictures under their evidence, in colours of one scale."""
    scale = scale_of(heat, signed=False)
    urls = []
    for pixels, cells in zip((example.before, example.after), heat):
        height, width = pixels.shape[:2]
        values = np.asarray(Image.fromarray(cells).resize((width, height), Image.Resampling.BILINEAR))
        painted = overlay(pixels, values, np.ones(values.shape, bool), scale, OPACITY)
        urls.append(picture_url(painted, side, QUALITY))
    return urls[0], urls[1]


def _exact(finding: Finding) -> Iterator[tuple[Both, str]]:
    """Every number of a finding, for those who want them."""
    effect, candidate = finding.effect, finding.candidate
    yield PAGE["effect"], f"{measured(effect.value)} ({measured(effect.low)} … {measured(effect.high)})"
    yield PAGE["independent"], count(effect.n)
    yield PAGE["flips"], f"{measured(finding.flips)} / {measured(finding.control_flips)}"
    yield PAGE["chance"], f"{measured(finding.chance)}; {measured(finding.corrected)}"
    yield PAGE["strength"], measured(candidate.strength)
    yield PAGE["reappeared"], measured(candidate.reappeared)
    yield PAGE["ways"], ", ".join(plain(way) for way in candidate.ways)
    yield PAGE["kind"], plain(f"{candidate.aspect.kind} {candidate.aspect.name}".strip())


def _row(audit: Audit, finding: Finding, number: int | None = None) -> dict[str, Any]:
    """A finding as a line of a table; with its number, where it has one that is spoken of."""
    n, name = len(finding.trials.numbers), words.capital(words.name_of(audit, finding))
    return {
        "what": name if number is None else Both(f"{number} · {name.en}", f"{number} · {name.zh}"),
        "answer": words.label(audit, finding.candidate.answer),
        "n": count(finding.effect.n),
        "changed": PAGE["of"].fill(right=round(finding.flips * n) if n else 0, n=n),
        "moved": PAGE["points"].fill(points=words.points(finding.effect.value)),
        "hidden": PAGE["points"].fill(points=words.hidden(finding)),
    }


def _right(audit: Audit) -> Iterator[tuple[str, str, Both, Both]]:
    """Of each class: how it is called by the network and in the pictures, how often it is answered rightly; where there are
    many, those that are so least.
    """
    judges = audit.facts.split.of("judge")
    own: dict[str, list[str]] = {}
    for said, called in dict(audit.provenance.get("called", {})).items():
        own.setdefault(str(called), []).append(str(said))
    shown = sorted(audit.right, key=lambda k: audit.right[k]) if len(audit.right) > CLASSES else list(audit.right)
    for k in shown[:CLASSES]:
        n = int(np.sum(audit.facts.classes[judges] == k))
        called = ", ".join(plain(each, 40) for each in own.get(audit.labels[k], []))
        right = PAGE["of"].fill(right=round(audit.right[k] * n), n=n)
        yield words.label(audit, k), called, right, share(audit.right[k])


WRITERS: Mapping[str, Writer] = {
    ".html": lambda audit, language: audit_page(audit, language).encode("utf-8"),
    ".png": png,
    ".svg": svg,
    ".json": lambda audit, language: json_bytes(audit.to_dict()),
}
"""How an `Audit` is written."""
