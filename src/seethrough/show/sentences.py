"""The one generated sentence that stands under each map: the map's numbers as a person would say them.

A sentence speaks about places only where the map does. It is made of `Evidence` alone, so that every number in it
can be recomputed from the array.
"""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import NDArray

from seethrough.attribution.evidence import EVERYWHERE, Evidence, Side, evidence_of
from seethrough.results import Attribution, Target
from seethrough.show.language import Both, Text, both, plain
from seethrough.show.words import REGIONS, is_influence

NOT_FINITE = Both(
    "This map holds values that are not numbers, so it says nothing about “{label}”.",
    "这张图含有非数值，不能说明“{label}”。",
)
EMPTY = Both(
    "This map is zero everywhere: by this method no place of the picture speaks {sides} “{label}”.",
    "这张图处处为零：按此方法，图片中没有任何位置{sides}“{label}”。",
)
CONSTANT = Both(
    "This map has the same value everywhere, so it says nothing about where the evidence for “{label}” lies.",
    "这张图处处数值相同，不能说明“{label}”的证据在哪里。",
)
FOR, FOR_OR_AGAINST = Both("for", "支持"), Both("for or against", "支持或反对")

EVIDENCE_FOR = Both("evidence for “{label}”", "支持“{label}”的证据")
EVIDENCE_AGAINST = Both("evidence against “{label}”", "反对“{label}”的证据")
INFLUENCE = Both("influence on “{label}”", "对“{label}”的影响")

PLACE = Both("{share:percent} of the {what} lies {region}", "{what}有 {share:percent} 位于{region}")
SPREAD = Both("The {what} is spread over the whole picture", "{what}遍布整张图片")
HALF = Both("half of all lies on {area:percent} of the picture", "总量的一半集中在画面的 {area:percent} 上")
SPOT = Both(
    "the strongest spot is at x\u00a0{x:count}, y\u00a0{y:count} ({right:percent} from the left, {down:percent} from the top)",
    "最强处在 x\u00a0{x:count}、y\u00a0{y:count}（距左边 {right:percent}，距上边 {down:percent}）",
)
ON_MASK = Both("{share:percent} of all lies on {mask}", "总量的 {share:percent} 位于{mask}")
NOTHING_FOR = Both("Nothing in this map speaks for it.", "图中没有支持它的证据。")
BALANCE = Both("Of all evidence, {share:percent} speaks against.", "全部证据中有 {share:percent} 是反对的。")


def sentence(
    attribution: Attribution,
    image: int = 0,
    *,
    mask: NDArray | None = None,
    mask_name: Text = "",
) -> Both:
    """What one map says, in both languages.

    Parameters
    ----------
    attribution, image
        The method's answer, and which of its images.
    mask, mask_name
        bool (H, W) and what it covers ("the animal", "the background"): the sentence then says how much lies on it.
    """
    numbers = evidence_of(attribution.map[image], signed=attribution.signed, seen=attribution.seen[image], mask=mask)
    return sentence_from(numbers, attribution.target[image], influence=is_influence(attribution), mask_name=mask_name)


def sentence_from(numbers: Evidence, target: Target, *, influence: bool = False, mask_name: Text = "") -> Both:
    """What `Evidence` says about a target, in both languages; ``influence`` where a map tells reactions, not votes."""
    label = plain(target.label)
    if numbers.flat:
        return _flat(numbers, label)
    side, what = numbers.support, INFLUENCE if influence else EVIDENCE_FOR
    tail: list[Both] = []
    if numbers.against and not side.total:
        side, what, tail = numbers.against, EVIDENCE_AGAINST, [NOTHING_FOR]
    elif numbers.against:
        tail = [BALANCE.fill(share=numbers.share_against)]
    return _join([_places(side, numbers.size, what.fill(label=label), mask_name), *tail])


def _flat(numbers: Evidence, label: str) -> Both:
    if not numbers.finite:
        return NOT_FINITE.fill(label=label)
    if not numbers.total:
        return EMPTY.fill(label=label, sides=FOR_OR_AGAINST if numbers.against else FOR)
    return CONSTANT.fill(label=label)


def _places(side: Side, size: tuple[int, int], what: Both, mask_name: Text) -> Both:
    if side.spot is None:
        raise ValueError("a side without evidence has no places")
    height, width = size
    right, down = (side.spot.x + 0.5) / width, (side.spot.y + 0.5) / height
    spot = SPOT.fill(x=side.spot.x, y=side.spot.y, right=right, down=down)
    half = HALF.fill(area=side.half_area)
    if side.region == EVERYWHERE:
        where = SPREAD.fill(what=what)
    else:
        where = PLACE.fill(share=side.share, what=what, region=REGIONS[side.region])
    parts = [where, spot, half]
    if side.on_mask is not None:
        parts.append(ON_MASK.fill(share=side.on_mask, mask=both(mask_name)))
    return Both("; ".join(part.en for part in parts) + ".", "；".join(part.zh for part in parts) + "。")


def _join(sentences: Sequence[Both]) -> Both:
    return Both(" ".join(s.en for s in sentences), "".join(s.zh for s in sentences))
