"""An audit in words: what a network goes by beside the thing itself, how surely, and what was not seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from seethrough.findings.audit import Audit, Example
from seethrough.findings.finders.properties import LAYOUTS, MEASURES
from seethrough.findings.judge import NOT_FOUND, PROVEN, SUSPECTED, Finding
from seethrough.findings.naming import Group
from seethrough.show.audit_names import (
    aspect_name,
    capital,
    held_against,
    joined,
    label,
    listed,
    name_of,
    of_kind,
    points,
)
from seethrough.show.audit_parts import told_with
from seethrough.show.language import Both, plain
from seethrough.show.vocabulary import audit as words

LARGELY = 0.5
"""From this share of changed answers on, a network goes largely by something."""

OFTEN = 0.2
"""In such a share of the controls the answer doesn't change where pictures that are put together look natural."""

ABOVE_ALL = 0.5
"""From this share on the headline says by what of something a network goes."""

FOR = Both("{what}, for “{answer}”", "{what}（“{answer}”）")

EYEBROW = Both("Audit", "审查")
TITLE = Both("Is it right for the right reason?", "它答对的理由对吗？")
OF = Both("Asked of {network}, with {n:count} pictures", "对象：{network}，{n:count} 张图片")

VERDICTS: Mapping[str, Both] = {
    PROVEN: Both("Proven", "已证实"),
    SUSPECTED: Both("Suspected", "可疑"),
    NOT_FOUND: Both("Not found", "未发现"),
}

TELLS = Both(
    "This network tells “{answer}” from “{rival}” {how} {what}.", "这个网络区分“{answer}”与“{rival}”时，{how}{what}。"
)
SAYS = Both("When this network says “{answer}”, it goes {how} {what}.", "这个网络回答“{answer}”时，{how}{what}。")
HOW = {True: Both("largely by", "很大程度上看的是"), False: Both("partly by", "部分看的是")}
ONLY_SUSPECTED = Both(
    "No wrong reason is proven, but there is a suspicion: {what} may count for “{answer}”.",
    "没有证实的错误理由，但有可疑之处：{what}可能影响“{answer}”的判断。",
)
NOTHING = Both(
    "With these pictures, no wrong reason was found. That doesn't mean there is none: what could have stayed hidden is told below.",
    "在这些图片上没有发现错误的理由。这不等于没有：哪些可能没被看出来，见下文。",
)
COUNTED = Both(
    "Proven: {proven:count} · suspected: {suspected:count} · not found: {rest:count}. Tested on {judges:count} pictures that had no "
    "part in finding.",
    "已证实 {proven:count} 项 · 可疑 {suspected:count} 项 · 未发现 {rest:count} 项。用 {judges:count} 张没有参与发现的图片检验。",
)

CLASSES = Both("How often it is right on these: {listed}.", "在这些图片上答对的比例：{listed}。")
CLASS_RIGHT = Both("“{answer}” {right:percent}", "“{answer}”{right:percent}")
CLASS_CALLED = Both("“{own}” (its “{answer}”) {right:percent}", "“{own}”（网络称“{answer}”）{right:percent}")
LISTED = 6
"""Classes of which it is told in a line how often the network is right."""

TURNED = Both(
    "Taken from a picture of another class, it changed the answer in {flips:count} of {n:count} pictures; {same}, in "
    "{control:count}.",
    "换成另一类图片的，{n:count} 张中有 {flips:count} 张的回答变了；{same}，有 {control:count} 张。",
)
LEAD_TURNED = Both(
    "Taken from a picture of {other} class, and nothing else with it, that changes {flips:count} of {n:count} answers; {same}, "
    "{control:count}.",
    "只换这一样：换成{other}图片的，{n:count} 个回答中有 {flips:count} 个改变；{same}，有 {control:count} 个。",
)
OTHER_CLASS = {True: Both("the other", "另一类"), False: Both("another", "其他类")}
MOVED = Both(
    "On average the network became {points} percentage points more or less sure of “{answer}” than {than}.",
    "与{than}相比，网络对“{answer}”的把握平均多变动 {points} 个百分点。",
)
MOVED_BETWEEN = Both(
    "On average the network became {points} percentage points more or less sure of “{answer}” than {than}; with more "
    "pictures that would very likely lie between {low} and {high}.",
    "与{than}相比，网络对“{answer}”的把握平均多变动 {points} 个百分点；换更多图片来试，很可能在 {low} 到 {high} 之间。",
)
STRANGE = Both(
    "Careful: even {than} the answer often changed. Pictures put together so look strange to this "
    "network, or the masks miss parts of the things.",
    "注意：即使{than}，回答也常常改变。这样拼成的图片对网络来说可能太陌生，或者遮罩没有盖全主体。",
)
SUSPICION = Both(
    "That could still be chance: more pictures would tell.",
    "这仍可能是偶然：需要更多图片才能确定。",
)
BY_WHAT = Both("{what}, above all by {part}", "{what}，尤其是{part}")
DIFFERS = Both("Pictures of “{answer}” are usually {more} than the others.", "“{answer}”的图片通常比其他图片{more}。")
DIFFERS_BESIDE = Both(
    "Around “{answer}”, pictures are usually {more} than around the others.",
    "“{answer}”周围通常比其他类别的周围{more}。",
)
FOUND_BY = Both("How it came to notice: {ways}.", "怎样注意到的：{ways}。")
SEVERAL_WAYS = Both("Seen by {count:count} independent ways.", "由 {count:count} 种独立的方法看到。")

PAIR_OF = Both("{name}, a picture of “{truth}”", "{name}，“{truth}”的图片")
CERTAIN = Both(
    "How sure the network is of “{answer}”: {before:percent}\u00a0→\u00a0{after:percent}",
    "网络对“{answer}”的把握：{before:percent}\u00a0→\u00a0{after:percent}",
)
EVIDENCE = Both(
    "What spoke for “{answer}” in both: the brighter, the more. A map like this can miss what counts; only the exchange above tests it.",
    "两张图中支持“{answer}”的地方：越亮作用越大。这样的热图可能漏掉真正起作用的东西；只有上面的替换才是检验。",
)
MOST_CHANGED = Both(
    "Shown are the {shown:count} pictures whose answer moved most, of {n:count} that were tried.",
    "这里是所试 {n:count} 张中回答变动最大的 {shown:count} 张。",
)

MISSING = Both(
    "Looked for, and not found; it could count all the same for up to:", "查过，没有发现；但最多仍可能有这样的作用："
)
MISSED = Both(
    "{what}, for “{answer}”: {points} percentage points ({n:count} pictures)",
    "{what}（“{answer}”）：{points} 个百分点（{n:count} 张图片）",
)
MEND_WITH = Both(
    "If finding 1 only happens to be there, the network can be mended: {command}",
    "如果第 1 项只是碰巧在旁边，可以这样修复网络：{command}",
)
MORE = Both("and {count:count} more", "另有 {count:count} 项")

UNNOTICED = Both(
    "Looked at as well, without a sign that would make it worth testing: {names}.",
    "也看过，没有值得检验的迹象：{names}。",
)

QUESTION = Both("Is this part of “{answer}” itself?", "这是“{answer}”本身的一部分吗？")
YES = Both("Yes, it belongs to it", "是，属于它")
NO = Both("No, it only happens to be there", "不是，只是碰巧在旁边")


def title(audit: Audit) -> Both:
    """The page's heading."""
    return TITLE


def of_what(audit: Audit) -> Both:
    """Which network, and how many pictures."""
    name = plain(Path(str(audit.provenance.get("network", ""))).name) or "?"
    return OF.fill(network=name, n=len(audit.names) - len(audit.passed))


def said(audit: Audit) -> Both:
    """The answer that a person came for, in one sentence or two."""
    group = next(iter(audit.groups), None)
    if group is None:
        return NOTHING
    worst = audit.findings[group.main]
    answer, what = label(audit, worst.candidate.answer), _headline(audit, group)
    if worst.verdict == SUSPECTED:
        return ONLY_SUSPECTED.fill(what=what, answer=answer)
    how = HOW[worst.flips - worst.control_flips >= LARGELY]
    two = len(audit.facts.asked) == 2
    if two:
        lead = TELLS.fill(answer=answer, rival=label(audit, worst.candidate.rivals[0]), how=how, what=what)
    else:
        lead = SAYS.fill(answer=answer, how=how, what=what)
    if worst.flips <= worst.control_flips:
        return joined(lead, _moved(audit, worst))
    return joined(lead, LEAD_TURNED.fill(other=OTHER_CLASS[two], same=_same(worst), **_turned(worst)))


def _headline(audit: Audit, group: Group) -> Both:
    """What a group is called by, with that of it by which most goes."""
    what = name_of(audit, audit.findings[group.main])
    most = [part for part in group.parts if part.through is not None and part.through.value >= ABOVE_ALL]
    return BY_WHAT.fill(what=what, part=name_of(audit, audit.findings[most[0].number])) if most else what


def counted(audit: Audit) -> Both:
    """How many of each verdict, and on how many pictures."""
    verdicts = [f.verdict for f in audit.findings]
    return COUNTED.fill(
        proven=verdicts.count(PROVEN),
        suspected=verdicts.count(SUSPECTED),
        rest=verdicts.count(NOT_FOUND),
        judges=len(audit.facts.split.of("judge")),
    )


def classes(audit: Audit) -> Both:
    """How often the network is right in each class, and what it calls the class where that is something else: of many the
    lowest.
    """
    called = dict(audit.provenance.get("called") or {})
    own = {theirs: name for name, theirs in called.items() if list(called.values()).count(theirs) == 1}
    told = sorted(audit.right, key=lambda k: audit.right[k])[:LISTED] if len(audit.right) > LISTED else [*audit.right]
    parts = []
    for k in told:
        name, answer = plain(own.get(audit.labels[k], audit.labels[k]), 60), label(audit, k)
        template = CLASS_RIGHT if name == answer else CLASS_CALLED
        parts.append(template.fill(own=name, answer=answer, right=audit.right[k]))
    if len(audit.right) > LISTED:
        parts.append(MORE.fill(count=len(audit.right) - LISTED))
    return CLASSES.fill(listed=listed(parts))


def heading(audit: Audit, finding: Finding) -> Both:
    """The same as a heading; of several classes, with the one that it is about."""
    name = capital(name_of(audit, finding))
    if len(audit.facts.asked) == 2:
        return name
    return FOR.fill(what=name, answer=label(audit, finding.candidate.answer))


def exchanged(finding: Finding) -> Both:
    """What was done to the pictures."""
    return of_kind(words.EXCHANGED, finding.candidate.aspect) or Both("", "")


def effect(audit: Audit, finding: Finding) -> Both:
    """What became of the answers, with numbers."""
    parts = [TURNED.fill(same=_same(finding), **_turned(finding)), _moved(audit, finding)]
    if finding.control_flips > OFTEN:
        parts.append(STRANGE.fill(than=_than(finding)))
    if finding.verdict == SUSPECTED:
        parts.append(SUSPICION)
    return joined(*parts)


def _same(finding: Finding) -> Both:
    return held_against(words.SAME, finding.candidate.aspect)


def _than(finding: Finding) -> Both:
    return held_against(words.THAN, finding.candidate.aspect)


def _turned(finding: Finding) -> Mapping[str, int]:
    n = len(finding.trials.numbers)
    if not n:
        return {"flips": 0, "control": 0, "n": 0}
    return {"flips": round(finding.flips * n), "control": round(finding.control_flips * n), "n": n}


def _moved(audit: Audit, finding: Finding) -> Both:
    found, answer = finding.effect, label(audit, finding.candidate.answer)
    if not np.isfinite([found.low, found.high]).all():
        return MOVED.fill(points=points(abs(found.value)), answer=answer, than=_than(finding))
    return MOVED_BETWEEN.fill(
        than=_than(finding),
        points=points(abs(found.value)),
        answer=answer,
        low=points(found.low),
        high=points(found.high),
    )


def about(audit: Audit, number: int) -> Both:
    """What more is to be said of a finding: what about it differs, and what is told with it.

    Parameters
    ----------
    number
        Of the finding, from 0.
    """
    group = next((group for group in audit.groups if group.main == number), Group(number))
    return joined(
        *(each for each in (differs(audit, audit.findings[number]), *told_with(audit, group)) if each is not None)
    )


def differs(audit: Audit, finding: Finding) -> Both | None:
    """In which way the answer's pictures differ from its rivals', where that was measured."""
    facts, candidate, name = audit.facts, finding.candidate, finding.candidate.aspect.name
    if candidate.aspect.kind not in ("look", "detail"):
        return None
    own, rivals = facts.classes == candidate.answer, np.isin(facts.classes, candidate.rivals)

    def more(look: str) -> float:
        values = facts.looks[look]
        return float(np.median(values[own]) - np.median(values[rivals]))

    if name == "hue":
        red, blue = more("redness"), more("blueness")
        said = words.TINTS[red > 0, blue > 0][abs(blue) > abs(red)]
    elif name in words.MORE and name in facts.looks:
        said = words.MORE[name][more(name) < 0]
    else:
        return None
    template = DIFFERS if facts.fore is None else DIFFERS_BESIDE
    return template.fill(answer=label(audit, candidate.answer), more=said)


def found_by(finding: Finding) -> Both:
    """How a candidate came to notice."""
    ways = [words.WAYS.get(way, Both(plain(way), plain(way))) for way in finding.candidate.ways]
    told = FOUND_BY.fill(ways=listed(ways))
    return joined(told, SEVERAL_WAYS.fill(count=len(ways))) if len(ways) > 1 else told


def certain(audit: Audit, finding: Finding, example: Example) -> Both:
    """“97 % → 12 %”, of the answer."""
    return CERTAIN.fill(
        answer=label(audit, finding.candidate.answer),
        before=example.chance_before,
        after=example.chance_after,
    )


def hidden(finding: Finding) -> Both:
    """Up to which effect something that wasn't found could be there all the same, to either side, in percentage points."""
    ends = finding.effect.low, finding.effect.high
    if not np.isfinite(ends).all():
        return Both("?", "?")
    most = max(-ends[0], ends[1])
    return points(math.ceil(most) if most > 1 else max(math.ceil(10 * most) / 10, 0.1))


def missed(audit: Audit, finding: Finding) -> Both:
    """Something that wasn't found, with what could have stayed hidden, in a line."""
    return MISSED.fill(
        what=capital(name_of(audit, finding)), answer=label(audit, finding.candidate.answer), points=hidden(finding),
        n=finding.effect.n,
    )  # fmt: skip


def unnoticed(audit: Audit) -> Both | None:
    """What was looked at and gave no candidate at all; None where everything did."""
    seen = {(f.candidate.aspect.kind, f.candidate.aspect.name) for f in audit.findings}
    kinds, asked = {kind for kind, _ in seen}, audit.provenance.get("finders", ())
    of = words.OF_PICTURES if audit.facts.fore is None else words.OF_THINGS
    names = []
    if audit.facts.fore is not None and "background" not in kinds and {"places", "evidence"} & set(asked):
        names.append(words.KINDS["background"])
    if "region" not in kinds and "places" in asked:
        names.append(words.ANY_PLACE)
    if audit.facts.fore is not None:
        sought = (("thing", "things"), ("spectrum", "spectrum"))
        names += [words.KINDS[kind] for kind, way in sought if way in asked and kind not in kinds]
    if "properties" in asked:
        rest = [aspect for aspect, _ in MEASURES.values() if (aspect.kind, aspect.name) not in seen]
        if audit.facts.fore is not None:
            rest += [aspect for aspect in LAYOUTS.values() if (aspect.kind, aspect.name) not in seen]
        names += [words.NAMES[aspect.name].fill(of=of) for aspect in rest if aspect.name in words.NAMES]
    if not names:
        return None
    return UNNOTICED.fill(names=listed(names))


__all__ = [
    "VERDICTS", "about", "aspect_name", "capital", "certain", "classes", "counted", "differs", "effect", "exchanged", "found_by", "heading",
    "hidden", "joined", "label", "missed", "name_of", "of_what", "points", "said", "title", "unnoticed",
]  # fmt: skip
