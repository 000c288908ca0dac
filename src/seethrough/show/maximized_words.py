"""What maximized pictures say in words, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seethrough.features.maximized import Maximized
from seethrough.show.language import Both, measured, plain

TITLES: Mapping[str, Both] = {
    "maximize": Both("What excites {what}", "最能激发{what}的图片"),
    "accentuate": Both("More of {what} in a picture", "在图片中强化{what}"),
    "invert": Both("What {what} keeps of a picture", "{what}保留了图片的哪些内容"),
    "caricature": Both("A caricature as {what} sees it", "{what}眼中的夸张画"),
    "deepdream": Both("What {what} dreams into a picture", "{what}在图片中“梦见”的内容"),
}
"""By the way that pictures were made."""

ITS_OUTPUTS = Both("the outputs", "各输出")
EYEBROW = Both("Maximization", "激活最大化")

FROM_NOISE = Both(
    "{count:count} pictures for {source}, {size} pixels, each found in {steps:count} steps from noise ({parametrization}).",
    "为 {source} 生成的 {count:count} 张图片，{size} 像素，各由噪声经 {steps:count} 步得到（{parametrization}）。",
)
ONE_FROM_NOISE = Both(
    "A picture for {source}, {size} pixels, found in {steps:count} steps from noise ({parametrization}).",
    "为 {source} 生成的一张图片，{size} 像素，由噪声经 {steps:count} 步得到（{parametrization}）。",
)
FROM_PICTURE = Both(
    "Made for {source}, {size} pixels, in {steps:count} steps from the picture given ({parametrization}).",
    "为 {source} 生成，{size} 像素，从给出的图片出发经 {steps:count} 步得到（{parametrization}）。",
)
BEATS_ALL = Both(
    "All of them excite the network at least as much as the best of {real:count} real pictures.",
    "它们对网络的激发都不低于 {real:count} 张真实图片中的最佳者。",
)
BEATS_SOME = Both(
    "{beats:count} of {count:count} excite it at least as much as the best of {real:count} real pictures; the others say "
    "little about what their units look for.",
    "{count:count} 张中有 {beats:count} 张的激发不低于 {real:count} 张真实图片中的最佳者；其余的几乎说明不了其单元在寻找什么。",
)
BEATS_GIVEN = Both(
    "{beats:count} of {count:count} reach at least the best of real pictures.",
    "{count:count} 张中有 {beats:count} 张不低于真实图片中的最佳者。",
)
READ_IT = Both(
    "Such a picture shows what excites a unit most, which real pictures need not contain; it is no example of what the unit "
    "usually answers to. Compare it with the unit's best real pictures before naming the unit.",
    "这样的图片展示最能激发某个单元的东西，真实图片未必含有它；它也不是该单元通常响应的例子。给单元命名之前，请与它的最佳真实图片对照。",
)
WAY_THERE = Both("The way there", "生成过程")
AFTER = Both("after steps {steps}", "在第 {steps} 步之后")
NUMBERS = Both("Numbers", "数值")
PICTURE, REACHED, STRONGEST, BEST, BEST_NAME = (
    Both("picture", "图片"),
    Both("reached (mean over places)", "达到（各位置平均）"),
    Both("strongest place", "最强位置"),
    Both("best real", "真实最佳"),
    Both("which one", "哪一张"),
)
REAL_BEST = Both("best real {value}", "真实最佳 {value}")
SILENT = Both("never fires", "从不激活")
BELOW = Both("below the best real", "低于真实最佳")
STARTED = Both("the picture given", "给出的图片")
ONLY_SHOWN = Both(
    "The first {shown:count} of {count:count} are drawn.", "仅绘出 {count:count} 张中的前 {shown:count} 张。"
)


def title(result: Maximized) -> Both:
    """What was sought."""
    what = ", ".join(plain(layer) for layer in result.layers)
    return TITLES[result.way].fill(what=what or ITS_OUTPUTS)


def made(result: Maximized) -> Both:
    """How it was made, in a sentence."""
    text = FROM_PICTURE if result.started is not None else ONE_FROM_NOISE if len(result) == 1 else FROM_NOISE
    return text.fill(
        count=len(result),
        source=plain(result.provenance.get("network", "")),
        size=" × ".join(map(str, result.pictures.shape[1:3])),
        steps=len(result.trajectory),
        parametrization=plain(result.settings.get("parametrization", "")),
    )


def said(result: Maximized) -> Both:
    """How it was made, and whether it means something beside real pictures."""
    text, beats = made(result), result.beats_real
    if beats is None:
        return text
    numbers = {"beats": int(np.sum(beats)), "count": len(result), "real": result.real_count}
    more = BEATS_GIVEN if not result.real_count else BEATS_ALL if beats.all() else BEATS_SOME
    judged = more.fill(**numbers)
    return Both(f"{text.en} {judged.en}", text.zh + judged.zh)


def short_name(result: Maximized, k: int) -> str:
    """A picture's name without the layer that all share."""
    name = result.names[k]
    shared = f"{result.layers[0]}:" if len(result.layers) == 1 else ""
    return plain(name.removeprefix(shared) if shared else name, longest=40)


def verdict(result: Maximized, k: int) -> Both | None:
    """What is wrong with a picture; None where nothing is."""
    if result.way == "maximize" and not result.fires[k]:
        return SILENT
    return BELOW if result.beats_real is not None and not result.beats_real[k] else None


def number(value: float) -> str:
    """A measured number, or a dash for none."""
    return "–" if np.isnan(value) else measured(value)
