"""How an audit's findings are called: the aspect, the answer, and numbers in percentage points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seethrough.findings.aspect import Aspect
from seethrough.findings.audit import Audit
from seethrough.findings.judge import Finding
from seethrough.show.language import Both, plain
from seethrough.show.vocabulary import audit as words


def label(audit: Audit, answer: int) -> str:
    """What an output is called."""
    return plain(audit.labels[answer], 60)


def name_of(audit: Audit, finding: Finding) -> Both:
    """What was exchanged, as a few words: “the brightness of the surroundings”."""
    return aspect_name(finding.candidate.aspect, audit.facts.fore is not None)


def aspect_name(aspect: Aspect, beside: bool) -> Both:
    """An aspect as a few words; ``beside`` where it is known where things are, so that a look is that of what lies beside them, but
    for one that lies over everything.
    """
    of = words.OF_THINGS if beside else words.OF_PICTURES
    if getattr(aspect, "whole", False):
        of = words.OF_WHOLE
    own = words.NAMES.get(aspect.name) if aspect.kind in ("look", "detail", "layout") else of_kind(words.KINDS, aspect)
    if own is None:
        known = plain(f"{aspect.kind} {aspect.name}".strip())
        return Both(known, known)
    place = words.PLACES.get(aspect.name, Both(plain(aspect.name), plain(aspect.name)))
    return own.fill(of=of, place=place)


def whose(what: Both, whom: Both | str) -> Both:
    """“the background of another class”; but “what another class has (how large the thing is in the picture)”."""
    return (words.OF_WHOM if _is_name(what) else words.WHOM_HAS).fill(what=what, whom=whom)


def usual(what: Both) -> Both:
    """“its usual background”; but “what it usually has (how large the thing is in the picture)”."""
    if not _is_name(what):
        return words.IT_USUALLY_HAS.fill(what=what)
    return words.ITS_USUAL.fill(what=Both(what.en.removeprefix("the "), what.zh))


def _is_name(what: Both) -> bool:
    return what.en.startswith("the ") and ":" not in what.en


def of_kind(table: Mapping[str, Both], aspect: Aspect) -> Both | None:
    """What a table says of an aspect: by kind and name, else by its kind."""
    return table.get(f"{aspect.kind} {aspect.name}", table.get(aspect.kind))


def held_against(table: Mapping[str, Both], aspect: Aspect) -> Both:
    """What an exchange is held against, of a table with words for all."""
    return of_kind(table, aspect) or table[""]


def capital(text: Both) -> Both:
    """Words as they stand at a beginning."""
    return Both(text.en[:1].upper() + text.en[1:], text.zh)


def points(number: float) -> Both:
    """Percentage points: whole from 1 on.

    >>> points(53.93).en, points(0.36).en, points(-0.1).en
    ('54', '0.4', '−0.1')
    """
    text = f"{number:.0f}" if abs(number) >= 0.95 else f"{number:.1f}"
    text = text.replace("-0.0", "0").replace("0.0", "0").replace("-", "−")
    return Both(text, text)


def listed(texts: Sequence[Both]) -> Both:
    """Several, one behind the other."""
    return Both("; ".join(text.en for text in texts), "；".join(text.zh for text in texts))


def joined(*parts: Both) -> Both:
    """Sentences one behind the other, as each language does."""
    return Both(" ".join(p.en for p in parts if p.en), "".join(p.zh for p in parts if p.zh))
