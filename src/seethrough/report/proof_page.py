"""The page of a proof: whether the repair helped in a sentence, how often both networks are right, what became of each wrong
reason with pictures that both were shown, what came instead, and what can't be shown. It reads without scripts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seethrough.findings.statistics import Interval
from seethrough.remedies.follow import Followed
from seethrough.remedies.measure import AFTER, BEFORE, ENOUGH, ENOUGH_OF_A_GROUP, GROUP, Row, Versus
from seethrough.remedies.proof import Pair, Proof
from seethrough.report.files import Writer, png, svg
from seethrough.report.frame import framed
from seethrough.report.payload import picture_url
from seethrough.report.records import json_bytes, plain_data
from seethrough.show import proof_words as words
from seethrough.show.audit_names import capital, of_kind
from seethrough.show.language import Both, both, count, measured, plain, share
from seethrough.show.vocabulary.audit import EXCHANGED
from seethrough.show.vocabulary.proof import PAGE, STATES
from seethrough.show.words import note_words

SCRIPT, STYLES = "proof.js", ("page.css", "audit.css", "proof.css")

CARDS = 12
"""Findings that are told in full, of each kind."""

LISTED = 20
"""Unreadable pictures that are named."""

ROWS = 60
"""Parts that are listed, those that are right least often before."""

FEWER = 3
"""Pictures on all cards but the first."""

SIDE, QUALITY = 220, 82
"""Pixels a side of a picture; the quality of WebP."""

FALLEN = 0.5
"""Below this chance of its own class a picture is lost."""


def proof_page(proof: Proof, language: str = "en") -> str:
    """A proof as a page that stands alone.

    Parameters
    ----------
    language
        ``"en"`` or ``"zh"``: the language that the page opens in; it holds both.
    """
    told = [k for k, each in enumerate(proof.followed) if each.fault][:CARDS]
    risen = [k for k, each in enumerate(proof.followed) if each in proof.risen and not each.fault][:CARDS]
    rest = [each for k, each in enumerate(proof.followed) if k not in (*told, *risen)]
    return framed(
        "proof.html",
        title=words.title(proof),
        eyebrow=words.EYEBROW,
        language=language,
        styles=STYLES,
        script=SCRIPT,
        payload={},
        of_what=words.of_what(proof),
        verdict=words.VERDICTS[proof.verdict],
        verdict_class=proof.verdict.replace(" ", "-"),
        said=words.said(proof),
        sure=words.sure(proof),
        figures=[_figure(proof, figure) for figure in proof.figures],
        rows=list(_rows(proof)),
        controls=[words.control_name(name) for name in proof.controls],
        controls_said=words.beside_controls(proof),
        faults=[_card(proof, k) for k in told],
        risen=[_card(proof, k) for k in risen],
        others=[_other(proof, each) for each in rest],
        limits=[PAGE["limit_pictures"], PAGE["limit_made"], PAGE["limit_again"]],
        notes=[(note.level, note_words(note)) for note in proof.notes],
        passed_count=PAGE["passed"].fill(count=len(proof.passed)),
        passed=[(plain(p.name), plain(p.reason, longest=300)) for p in proof.passed[:LISTED]],
        provenance=[(str(k), str(plain_data(v))) for k, v in proof.provenance.items()],
        page=PAGE,
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """A share as a bar, in hundredths of its length: how long, from where its interval runs and how far."""

    said: Both
    width: float
    low: float
    reach: float


def bar_of(interval: Interval) -> Bar:
    """A share with its interval."""
    value = interval.value if math.isfinite(interval.value) else 0.0
    low, high = (min(1.0, max(0.0, end)) if math.isfinite(end) else value for end in (interval.low, interval.high))
    return Bar(share(interval.value), round(100 * value, 2), round(100 * low, 2), round(100 * (high - low), 2))


def _figure(proof: Proof, figure: Versus) -> dict[str, Any]:
    alone = figure.worst_before.kind == "all"
    return {
        "name": words.figure_name(proof, figure),
        "which": Both("", "") if alone else PAGE["now"].fill(part=words.part_name(proof, figure.worst_after)),
        "before": bar_of(figure.before),
        "after": bar_of(figure.after),
        "controls": [(words.control_name(name), bar_of(interval)) for name, interval in figure.controls.items()],
        "exact": [
            (PAGE["before"], words.in_shares(figure.before)),
            (PAGE["after"], words.in_shares(figure.after)),
            (PAGE["change"], words.in_shares(figure.change, change=True)),
            (PAGE["gained"], both(f"{count(figure.gained)} / {count(figure.lost)}")),
            (PAGE["chance"], both(measured(figure.chance))),
            (PAGE["independent"], both(count(figure.change.n))),
        ],
    }


def _rows(proof: Proof) -> Iterator[dict[str, Any]]:
    """Every part, in the order in which it was measured; of many those that are right least often."""
    worst = {part for figure in proof.figures for part in (figure.worst_before, figure.worst_after)}
    shown: Sequence[Row] = proof.rows
    if len(shown) > ROWS:
        kept = sorted(range(len(shown)), key=lambda k: shown[k].right[BEFORE])[:ROWS]
        shown = [shown[k] for k in sorted(kept)]
    for row in shown:
        small = row.n < (ENOUGH_OF_A_GROUP if row.part.kind == GROUP else ENOUGH)
        yield {
            "name": words.part_name(proof, row.part),
            "n": count(row.n),
            "right": [
                share(row.right[name]) if name in row.right else None for name in (BEFORE, AFTER, *proof.controls)
            ],
            "worst": row.part in worst,
            "small": small,
        }


def _card(proof: Proof, number: int) -> dict[str, Any]:
    each, pairs = proof.followed[number], proof.pairs[number]
    first = next((k for k, shown in enumerate(proof.pairs) if shown), -1)
    pairs = pairs if number == first else pairs[:FEWER]
    return {
        "id": number + 1,
        "state": STATES[each.state],
        "is": each.state,
        "heading": words.heading(proof, each),
        "exchanged": of_kind(EXCHANGED, each.candidate.aspect) or Both("", ""),
        "effect": words.effect(each),
        "exact": list(_exact(each)),
        "pairs": [doubled(pair, PAGE["changed"].fill(whose=words.of_another(proof, each))) for pair in pairs],
        "shown": PAGE["shown"].fill(count=len(pairs), n=len(each.after.trials.numbers)),
    }


def doubled(pair: Pair, changed: Both, networks: Sequence[str] = (BEFORE, AFTER)) -> dict[str, Any]:
    """A picture and what was made of it, with how sure each network is of its class, as the template takes it.

    Parameters
    ----------
    changed
        What was done to it.
    """
    sides = [
        {
            "name": PAGE[name],
            "chances": [share(chance) for chance in pair.chances[name]],
            "fell": pair.chances[name][1] < FALLEN,
            "repaired": name == AFTER,
        }
        for name in networks
    ]
    return {
        "own": picture_url(pair.own, SIDE, QUALITY),
        "changed": picture_url(pair.changed, SIDE, QUALITY),
        "own_alt": PAGE["as_is"],
        "changed_alt": changed,
        "name": plain(pair.name, 60),
        "sure_of": PAGE["sure_of"].fill(truth=plain(pair.truth, 60)),
        "sides": sides,
    }


def _exact(each: Followed) -> Iterator[tuple[Both, Both]]:
    """Every number of a finding, for those who want them."""
    before, after = each.before, each.after
    yield PAGE["effect"], _effects(each)
    yield PAGE["change"], words.in_points(each.change)
    yield PAGE["chance"], both(f"{measured(each.chance)}; {measured(each.flips_chance)}")
    flips = [f"{measured(f.flips)} ({measured(f.control_flips)})" for f in (before, after)]
    yield PAGE["flips"], both(" → ".join(flips))
    yield PAGE["independent"], both(count(after.effect.n))
    for name, effect in each.controls.items():
        yield words.control_name(name), words.in_points(effect)


def _effects(each: Followed) -> Both:
    one, other = words.in_points(each.before.effect), words.in_points(each.after.effect)
    return Both(f"{one.en} → {other.en}", f"{one.zh} → {other.zh}")


def _other(proof: Proof, each: Followed) -> dict[str, Any]:
    """A finding as a line of a table."""
    return {
        "what": capital(words.heading(proof, each)),
        "state": STATES[each.state],
        "n": count(each.after.effect.n),
        "effect": _effects(each),
    }


WRITERS: Mapping[str, Writer] = {
    ".html": lambda proof, language: proof_page(proof, language).encode("utf-8"),
    ".png": png,
    ".svg": svg,
    ".json": lambda proof, language: json_bytes(proof.to_dict()),
}
"""How a `Proof` is written."""
