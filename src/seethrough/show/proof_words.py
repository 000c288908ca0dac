"""A proof in words: whether the repair helped, where, at what cost, and what came instead."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from seethrough.findings.aspect import Aspect
from seethrough.findings.statistics import Interval
from seethrough.remedies.follow import Followed
from seethrough.remedies.measure import (
    ALL,
    CLASS,
    GROUP,
    OTHER,
    RIGHT,
    SIDE,
    SLICE,
    WORST_CLASS,
    WORST_GROUP,
    Part,
    Versus,
)
from seethrough.remedies.proof import COST, IMPROVED, NO_IMPROVEMENT, WORSE, Proof
from seethrough.remedies.sheets import SEVERAL
from seethrough.show.audit_names import aspect_name, capital, held_against, joined, points, usual, whose
from seethrough.show.language import Both, plain, share
from seethrough.show.vocabulary import proof as words
from seethrough.show.vocabulary.audit import SAME

EYEBROW = Both("Proof", "验证")
TITLE = Both("Is the repaired network better?", "修复后的网络更好吗？")
OF = Both(
    "{before} before and {after} repaired, on {n:count} fresh pictures",
    "{before}（修复前）与 {after}（修复后），{n:count} 张新图片",
)
OF_PART = Both(
    "{before} before and {after} repaired, on {n:count} pictures that were kept aside from the beginning",
    "{before}（修复前）与 {after}（修复后），{n:count} 张从一开始就留出的图片",
)

VERDICTS: Mapping[str, Both] = {
    IMPROVED: Both("Improved", "有改善"),
    NO_IMPROVEMENT: Both("No improvement", "没有改善"),
    WORSE: Both("Worse", "变差"),
}

GAIN = Both(
    "The repair helped. {where} the first network was right in {before:percent} of the pictures; the repaired one, at its own "
    "weakest, in {after:percent}.",
    "修复有效。修复前，网络在{where}答对 {before:percent}；修复后，在其{where}答对 {after:percent}。",
)
LESS_EFFECT = Both(
    "The repair helped: the network's answers hang much less on {what}. How often it is right where it is weakest has not clearly "
    "changed: {before:percent} before, {after:percent} now.",
    "修复有效：网络的回答对{what}的依赖大为减少。{where}答对的比例没有明显变化：修复前 {before:percent}，修复后 {after:percent}。",
)
NO_GAIN = Both(
    "No improvement can be shown. {where} the first network was right in {before:percent} of the pictures, the repaired one in "
    "{after:percent}; that may be chance.",
    "看不出改善。{where}答对的比例：修复前 {before:percent}，修复后 {after:percent}；这可能只是偶然。",
)
TOO_CLOSE = Both(
    "No improvement can be shown yet. {where} the first network was right in {before:percent} of the pictures, the repaired one in "
    "{after:percent}. But of the pictures concerned {gained:count} became right and {lost:count} became wrong: with so few, that may "
    "be chance. More pictures would tell.",
    "还看不出改善。{where}答对的比例：修复前 {before:percent}，修复后 {after:percent}。但相关图片中有 {gained:count} 张变对、"
    "{lost:count} 张变错：数量太少，这可能只是偶然。需要更多图片才能确定。",
)
MOVED = Both(
    "No improvement: the network goes less by {what}, but now it goes by something else as much: {other}.",
    "没有改善：网络看{what}少了，却同样程度地转而看别的：{other}。",
)
WORST_LOST = Both(
    "The repair made it worse. {where} the first network was right in {before:percent} of the pictures; the repaired one, at its own "
    "weakest, in only {after:percent}.",
    "修复使它变差了。修复前，网络在{where}答对 {before:percent}；修复后，在其{where}只答对 {after:percent}。",
)
RIGHT_LOST = Both(
    "The repair made it worse: of all pictures the first network answered {before:percent} rightly, the repaired one "
    "{after:percent}, and nothing that it gained makes up for that.",
    "修复使它变差了：在全部图片中，修复前答对 {before:percent}，修复后答对 {after:percent}，所得不足以弥补。",
)

WHERE: Mapping[str, Both] = {
    WORST_GROUP: Both("In its weakest group", "最薄弱的分组"),
    WORST_CLASS: Both("In its weakest class", "最薄弱的类别"),
    RIGHT: Both("On the whole", "总体上"),
}
"""Where a verdict looks, if not at `SPOT`."""
SPOT = Both("At its weakest spot", "最薄弱处")

OVERALL = Both(
    "Of all pictures: {before:percent} before, {after:percent} now.",
    "全部图片：修复前 {before:percent}，修复后 {after:percent}。",
)
COSTS = Both(
    "That has a price: of all pictures the first network answered {before:percent} rightly, the repaired one {after:percent}.",
    "这有代价：在全部图片中，修复前答对 {before:percent}，修复后答对 {after:percent}。",
)
SURE = Both(
    "With other pictures the change there would very likely lie between {low} and {high} percentage points.",
    "换用其他图片，此处的变化很可能在 {low} 到 {high} 个百分点之间。",
)
WEAKEST = Both(
    "It was weakest here: {before}. It is weakest now here: {after}.",
    "修复前最薄弱的是：{before}。修复后最薄弱的是：{after}。",
)
WEAKEST_STILL = Both("It is weakest here, before and now: {before}.", "最薄弱的（修复前后相同）：{before}。")

BEYOND = Both(
    "Networks that were trained just as long with another aim did not get there: at their weakest spots they are right in {shares} "
    "of the pictures. So the gain is owed to the repair.",
    "训练时间相同、目的不同的网络没有达到这一水平：它们在最薄弱处答对 {shares}。因此改善归功于修复本身。",
)
NOT_BEYOND = Both(
    "Careful: a network that was trained just as long with another aim did about as well (at the weakest spot {shares}). So the gain "
    "can't be owed to the repair alone.",
    "注意：训练时间相同、目的不同的网络也差不多（最薄弱处答对 {shares}）。因此改善不能只归功于修复。",
)
AND, LIST = Both(" and ", "和"), Both(", ", "、")

PART_CLASS = Both("“{answer}”", "“{answer}”")
PART_GROUP = Both("“{answer}”, group “{name}”", "“{answer}”，分组“{name}”")
PART_GIVEN = Both("“{answer}”, given {whose}", "“{answer}”，换上{whose}")
PART_CAME_WITH = Both("“{answer}” that came with {whose}", "“{answer}”，原图带有{whose}")
ANOTHER_CLASS, SAME_CLASS = Both("another class", "另一类"), Both("the same class", "同类")
OTHER_CLASSES = Both("other classes", "其他类别")

TURNED = Both(
    "Taken from a picture of another class, it turned {before:count} of {n:count} answers before, and {after:count} now; {same}, "
    "{before_control:count} before, and {after_control:count} now.",
    "换成另一类图片的，修复前 {n:count} 个回答中有 {before:count} 个改变，修复后有 {after:count} 个；{same}，修复前有 "
    "{before_control:count} 个改变，修复后有 {after_control:count} 个。",
)
MOVES = Both(
    "It moved the network's certainty by {before} percentage points before, and by {after} now (very likely between {low} and "
    "{high}).",
    "它使网络的把握变动的程度：修复前 {before} 个百分点，修复后 {after} 个（很可能在 {low} 到 {high} 之间）。",
)
MOVES_BARELY = Both(
    "It moved the network's certainty by {before} percentage points before, and by {after} now.",
    "它使网络的把握变动的程度：修复前 {before} 个百分点，修复后 {after} 个。",
)
FOUND_NEW = Both("The audit of the first network had not found it.", "在修复前网络的审查中没有发现它。")
FOR = Both("{what}, for “{answer}”", "{what}（“{answer}”）")

RISEN = Both(
    "Careful: the repaired network goes more by something else now: {other}.",
    "注意：修复后的网络更依赖别的东西了：{other}。",
)


def title(proof: Proof) -> Both:
    """The page's heading."""
    return TITLE


def of_what(proof: Proof) -> Both:
    """Which networks, and how many pictures."""
    before, after = (
        plain(Path(str(dict(proof.provenance.get(side) or {}).get("network", ""))).name) or "?"
        for side in ("before", "after")
    )
    return (OF_PART if proof.own_part else OF).fill(before=before, after=after, n=proof.count)


def said(proof: Proof) -> Both:
    """The answer that a person came for, in a sentence or two."""
    primary, right = proof.primary, proof.right
    shown = right if primary is None or proof.reason == "right lost" else primary
    shares = {"before": shown.before.value, "after": shown.after.value}
    what, other = _faults(proof), _risen(proof)
    lead = {
        "gain": GAIN, "less effect": LESS_EFFECT, "no gain": TOO_CLOSE if _is_close(proof) else NO_GAIN, "moved": MOVED,
        "worst lost": WORST_LOST, "right lost": RIGHT_LOST,
    }[proof.reason].fill(
        what=what, other=other, where=WHERE.get(shown.name, SPOT), gained=shown.gained, lost=shown.lost, **shares
    )  # fmt: skip
    parts = [lead]
    if proof.reason != "right lost" and right is not shown:
        overall = {"before": right.before.value, "after": right.after.value}
        costs = proof.verdict == IMPROVED and (right.change.high < 0 or right.change.value <= -COST)
        parts.append((COSTS if costs else OVERALL).fill(**overall))
    if proof.risen and proof.reason != "moved":
        parts.append(RISEN.fill(other=other))
    return joined(*parts)


def sure(proof: Proof) -> Both:
    """Where the weakest spots are, and how sure the change is."""
    primary = proof.primary
    if primary is None:
        return Both("", "")
    parts = [] if primary.worst_before.kind == ALL else [weakest(proof, primary)]
    if math.isfinite(primary.change.low) and not _is_close(proof):
        parts.append(SURE.fill(low=points(100 * primary.change.low), high=points(100 * primary.change.high)))
    return joined(*parts)


def _is_close(proof: Proof) -> bool:
    """Whether the weakest part seems to have gained, but as many pictures as that turn by chance."""
    return proof.reason == "no gain" and proof.primary is not None and proof.primary.change.low > 0


def weakest(proof: Proof, figure: Versus) -> Both:
    """Which part is worst before and after."""
    before, after = (part_name(proof, part) for part in (figure.worst_before, figure.worst_after))
    return WEAKEST_STILL.fill(before=before) if before == after else WEAKEST.fill(before=before, after=after)


def beside_controls(proof: Proof) -> Both | None:
    """Whether a gain is owed to the repair; None where there is no gain, or no control."""
    primary = proof.primary
    if primary is None or not primary.controls or proof.reason != "gain":
        return None
    beyond = all(interval.low > 0 for interval in primary.beyond.values())
    shares = _listed([share(interval.value) for interval in primary.controls.values()])
    return (BEYOND if beyond else NOT_BEYOND).fill(shares=shares)


def control_name(name: str) -> Both:
    """What a control is called."""
    return words.CONTROLS.get(name, Both(plain(name), plain(name)))


def figure_name(proof: Proof, figure: Versus) -> Both:
    """What is compared, in a few words."""
    return words.PAGE["all_pictures" if figure.name == RIGHT else figure.name]


def part_name(proof: Proof, part: Part) -> Both:
    """Some of the pictures, in a few words."""
    answer = OTHER_CLASSES if part.answer == SEVERAL else label(proof, part.answer)
    if part.kind == ALL:
        return words.PAGE["all_pictures"]
    if part.kind == CLASS:
        return PART_CLASS.fill(answer=answer)
    if part.kind == GROUP:
        return PART_GROUP.fill(answer=answer, name=plain(part.name, 60))
    each = proof.followed[part.finding]
    assert part.kind in (SLICE, SIDE)
    came = PART_GIVEN if part.kind == SLICE else PART_CAME_WITH
    if part.name == OTHER:
        return came.fill(answer=answer, whose=of_another(proof, each))
    what = name_of(proof, each)
    return came.fill(answer=answer, whose=whose(what, SAME_CLASS) if part.kind == SLICE else usual(what))


def of_another(proof: Proof, each: Followed) -> Both:
    """What was exchanged, as that of another class."""
    return whose(name_of(proof, each), ANOTHER_CLASS)


def label(proof: Proof, answer: int) -> str:
    """What an output is called."""
    return plain(proof.labels[answer], 60) if 0 <= answer < len(proof.labels) else "?"


def name_of(proof: Proof, each: Followed) -> Both:
    """What was exchanged, as a few words."""
    return named(proof, each.candidate.aspect)


def named(proof: Proof, aspect: Aspect) -> Both:
    """An aspect as a few words."""
    return aspect_name(aspect, all(note.name != "no_foreground" for note in proof.notes))


def heading(proof: Proof, each: Followed) -> Both:
    """The same as a heading; of several classes, with the one that it is about."""
    name = capital(name_of(proof, each))
    return name if len(proof.labels) == 2 else FOR.fill(what=name, answer=label(proof, each.candidate.answer))


def effect(each: Followed) -> Both:
    """What became of a finding, with numbers."""
    before, after = each.before, each.after
    n = len(after.trials.numbers)
    same = held_against(SAME, each.candidate.aspect)
    turned = TURNED.fill(
        same=same, n=n, before=_count(before.flips, n), after=_count(after.flips, n), before_control=_count(before.control_flips, n),
        after_control=_count(after.control_flips, n),
    )  # fmt: skip
    shown = {"before": points(before.effect.value), "after": points(after.effect.value)}
    low, high = points(after.effect.low), points(after.effect.high)
    if math.isfinite(after.effect.low) and low != high:
        moves = MOVES.fill(**shown, low=low, high=high)
    else:
        moves = MOVES_BARELY.fill(**shown)
    return joined(turned, moves, *([FOUND_NEW] if each.number is None else []))


def in_points(interval: Interval) -> Both:
    """An effect with its interval."""
    if not math.isfinite(interval.low):
        return points(interval.value)
    return words.PAGE["between"].fill(
        value=points(interval.value), low=points(interval.low), high=points(interval.high)
    )


def in_shares(interval: Interval, change: bool = False) -> Both:
    """A share with its interval, or a change of one in percentage points."""
    if change:
        return in_points(Interval(100 * interval.value, 100 * interval.low, 100 * interval.high, interval.n))
    low, high = max(0.0, interval.low), min(1.0, interval.high)
    return words.PAGE["between"].fill(value=share(interval.value), low=share(low), high=share(high))


def _count(part: float, of: int) -> int:
    return round(part * of) if of else 0


def _faults(proof: Proof) -> Both:
    return _listed([name_of(proof, each) for each in proof.faults]) if proof.faults else Both("?", "?")


def _risen(proof: Proof) -> Both:
    return _listed([name_of(proof, each) for each in proof.risen]) if proof.risen else Both("?", "?")


def _listed(parts: list[Both]) -> Both:
    """“a, b and c”."""
    unique = list(dict.fromkeys(parts))
    if len(unique) == 1:
        return unique[0]
    return Both(
        *(LIST.in_(s).join(p.in_(s) for p in unique[:-1]) + AND.in_(s) + unique[-1].in_(s) for s in ("en", "zh"))
    )
