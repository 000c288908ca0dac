"""A rehearsal in words: which advice was tried, what came of it, and what wasn't tried."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from seethrough.remedies.rehearsal.rehearse import BETTER, NO_DIFFERENCE, WORSE, Rehearsal, Tried
from seethrough.show.health_words import DO, NAMES
from seethrough.show.language import Both, measured, plain, share

TITLE = Both("Advice, tried: {network}", "试行建议：{network}")
EYEBROW = Both("Rehearsal", "预演")

BY_NAME: Mapping[str, Both] = {
    "smaller_stride": Both("half the stride, a smaller kernel", "步幅减半、卷积核变小"),
    "blur_before": Both("a blur before the stride", "在步幅之前模糊"),
    "clip_rms": Both("a bound on each filter", "限制每个滤波器"),
    "train_without_dying": Both("He's initialisation, a lower learning rate", "He 初始化、较低的学习率"),
    "scale_down_before": Both("normalisation before it", "在其前归一化"),
    "other_activation": Both("a rectifier for its activation", "激活函数改为整流"),
    "normalise_between": Both("normalisation behind it", "在其后归一化"),
    "factorise": Both("two thin layers in its place", "用两个窄层代替"),
}
"""Each change in a few words."""

VERDICTS: Mapping[str, Both] = {
    BETTER: Both("better", "更好"),
    WORSE: Both("worse", "更差"),
    NO_DIFFERENCE: Both("no difference seen", "看不出差别"),
}

SAID: Mapping[str, Both] = {
    BETTER: Both(
        "With {what} at {layer} the network learns more: {difference} of 100 pictures more are answered rightly "
        "(between {low} and {high}).",
        "在 {layer} 处采用“{what}”后，网络学得更好：每 100 张图片多答对 {difference} 张（{low} 至 {high}）。",
    ),
    WORSE: Both(
        "With {what} at {layer} the network learns less: {difference} of 100 pictures fewer are answered rightly "
        "(between {low} and {high}).",
        "在 {layer} 处采用“{what}”后，网络学得更差：每 100 张图片少答对 {difference} 张（{low} 至 {high}）。",
    ),
    NO_DIFFERENCE: Both(
        "Whether {what} at {layer} helps can't be told: the difference lies between {low} and {high} of 100 pictures.",
        "看不出在 {layer} 处采用“{what}”是否有用：每 100 张图片的差别在 {low} 至 {high} 之间。",
    ),
}
FAULT = Both(
    "{finding}: {without} of the layer without it, {with_it} with it. Training took {times} times as long.",
    "{finding}：不采用时占该层的 {without}，采用后占 {with_it}。训练时间为原来的 {times} 倍。",
)
HOW = Both(
    "Trained from the beginning {seeds:count} times each, {steps:count} steps at {side:count} pixels a side on {learned:count} pictures, "
    "asked about {held:count} others; both from the same weights, on the same pictures in the same order.",
    "每种各从头训练 {seeds:count} 次，每次 {steps:count} 步、边长 {side:count} 像素，用 {learned:count} 张图片学习，"
    "再问另外 {held:count} 张；两者起始权重相同，图片及顺序也相同。",
)
SMALL = Both(
    "This is a small training: it tells the direction, not what a full one would reach.",
    "这只是小规模训练：它给出方向，而不是完整训练所能达到的结果。",
)
NOTHING = Both(
    "Nothing was tried: what the network's health shows asks for no change that a training could tell more about.",
    "没有试行任何改动：健康检查所见不需要通过训练来判断的改动。",
)
UNTRIED: Mapping[str, Both] = {
    "not_a_change": Both(
        "it trims a network that is trained already, or asks for other pictures",
        "它针对已训练好的网络作修剪，或需要别的图片",
    ),
    "budget": Both("there was no time for it; give more minutes", "时间不够；请给更多分钟"),
}
"""Why an advice wasn't tried; what isn't here is what the network said."""

HEAD = (
    Both("Change", "改动"), Both("Layer", "层"), Both("Because of", "原因"), Both("Right without", "不采用时正确率"),
    Both("Right with it", "采用后正确率"), Both("Difference, points", "差别（百分点）"), Both("Verdict", "结论"),
)  # fmt: skip
UNTRIED_HEAD = (Both("Advice", "建议"), Both("Layer", "层"), Both("Why not", "原因"))
REST = Both("Not tried", "没有试行")


def title(found: Rehearsal) -> Both:
    """The page's heading."""
    return TITLE.fill(network=plain(Path(found.network).name))


def name_of(advice: str) -> Both:
    """An advice in a few words."""
    return BY_NAME.get(advice) or DO.get(advice) or Both(plain(advice), plain(advice))


def said(tried: Tried) -> Both:
    """What came of one change, in a sentence."""
    d = tried.difference
    shown = -d.value if tried.verdict == WORSE else d.value
    low, high = (-d.high, -d.low) if tried.verdict == WORSE else (d.low, d.high)
    return SAID[tried.verdict].fill(
        what=name_of(tried.advice), layer=plain(tried.layer), difference=measured(shown, 2), low=measured(low, 2),
        high=measured(high, 2),
    )  # fmt: skip


def fault(tried: Tried) -> Both:
    """Whether what health found is gone, and what it cost."""
    without, with_it = (sum(each) / len(each) for each in (tried.fault_without, tried.fault_with))
    return FAULT.fill(
        finding=NAMES[tried.finding], without=share(without), with_it=share(with_it), times=measured(tried.times, 2)
    )


def how(found: Rehearsal) -> Both:
    """What was done, in a sentence."""
    return HOW.fill(
        seeds=found.seeds, steps=found.steps, side=found.side, learned=found.learned, held=found.held
    )  # fmt: skip


def row(tried: Tried) -> tuple[Both | str, ...]:
    """One change as a row of `HEAD`."""
    d = tried.difference
    return (
        name_of(tried.advice), plain(tried.layer), NAMES[tried.finding], _mean(tried.without), _mean(tried.with_it),
        f"{measured(d.value, 2)} ({measured(d.low, 2)} … {measured(d.high, 2)})", VERDICTS[tried.verdict],
    )  # fmt: skip


def untried(found: Rehearsal) -> list[tuple[Both | str, ...]]:
    """Rows of `UNTRIED_HEAD`."""
    return [(name_of(a), plain(layer), UNTRIED.get(why) or plain(why, 300)) for a, layer, why in found.untried]


def _mean(each: tuple[float, ...]) -> Both:
    return share(sum(each) / len(each))
