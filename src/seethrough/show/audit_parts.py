"""What belongs to the finding that a group is called by, in words: what of it counts, what brings it along."""

from __future__ import annotations

from collections.abc import Iterator

from seethrough.findings.audit import Audit
from seethrough.findings.judge import PROVEN
from seethrough.findings.naming import Group, Part
from seethrough.show.audit_names import capital, joined, listed, name_of
from seethrough.show.language import Both

LITTLE = 0.2
"""So little of an effect goes by a part that it is told to count beside the rest."""

PARTS = 4
"""Parts of a finding that are told of."""

BRINGS = Both(
    "{what} (finding {number:count}) changes answers too, but because it brings this along: with this left as it was, "
    "{share:percent} of its effect was gone.",
    "{what}（第 {number:count} 项）也会改变回答，但那是因为它带来了这一点：保留这一点不变，它的作用就消失了 {share:percent}。",
)
GOES_BY = Both(
    "What of it counts, as far as that was seen:",
    "其中起作用的，就目前所见：",
)
SO_MUCH = Both(
    "So much of the effect was gone when that alone was left as it was.",
    "百分比是只保留这一点不变时消失的作用。",
)
GOES_BY_ONE = Both(
    "{what}, {share:percent} (finding {number:count})", "{what}，{share:percent}（第 {number:count} 项）"
)
OVERLAP = Both("These overlap.", "这些部分相互重叠。")
COUNT_TOO = Both(
    "Exchanged alone, this changes answers as well: {listed}.", "单独交换下列各项，回答也会改变：{listed}。"
)
MAY_COUNT_TOO = Both("This may count as well: {listed}.", "下列各项或许也有影响：{listed}。")
NUMBERED = Both("{what} (finding {number:count})", "{what}（第 {number:count} 项）")
GOES_ALONG = Both(
    "{what} (finding {number:count}) changes answers mostly because it changes this as well: with this left as it was, "
    "{share:percent} of its effect was gone.",
    "{what}（第 {number:count} 项）改变回答，主要是因为它也改变了这一点：保留这一点不变，它的作用就消失了 {share:percent}。",
)


def told_with(audit: Audit, group: Group) -> Iterator[Both]:
    """How the other findings belong to the one that a group is called by."""
    measured = [part for part in group.parts if part.within is not None]
    for part in measured[:PARTS]:
        told, gone = BRINGS if part.carries else GOES_ALONG, 0.0 if part.within is None else min(1.0, part.within.value)
        what = capital(name_of(audit, audit.findings[part.number]))
        yield told.fill(what=what, number=part.number + 1, share=gone)
    rest = [part for part in group.parts if part.within is None]
    shares = {part: part.through.value for part in rest if part.through is not None and part.through.value >= LITTLE}
    by = [
        GOES_BY_ONE.fill(what=_name(audit, part), share=min(1.0, share), number=part.number + 1)
        for part, share in [*shares.items()][:PARTS]
    ]
    if by:
        names = listed(by)
        yield joined(GOES_BY, Both(f"{names.en}.", f"{names.zh}。"), SO_MUCH)
    if sum([*shares.values()][:PARTS]) > 1:
        yield OVERLAP
    others = [part for part in rest if part not in shares]
    for told, proven in ((COUNT_TOO, True), (MAY_COUNT_TOO, False)):
        some = [part for part in others if (audit.findings[part.number].verdict == PROVEN) == proven][:PARTS]
        if some:
            names = [NUMBERED.fill(what=_name(audit, part), number=part.number + 1) for part in some]
            yield told.fill(listed=listed(names))


def _name(audit: Audit, part: Part) -> Both:
    return name_of(audit, audit.findings[part.number])
