"""How pictures are prepared for a network, in a sentence: a wrong preparation is the commonest way to a wrong answer."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.images import Preprocessing
from seethrough.show.language import Both

FITS: Mapping[str, Both] = {
    "crop": Both("shorter side to {goal} pixels, then the middle {size}", "短边缩放到 {goal} 像素，再取中央 {size}"),
    "stretch": Both("stretched to {goal}, then the middle {size}", "拉伸到 {goal}，再取中央 {size}"),
    "squash": Both("stretched to {size}", "拉伸到 {size}"),
    "pad": Both(
        "longer side to {goal} pixels, set in the middle of {size}", "长边缩放到 {goal} 像素，置于 {size} 中央"
    ),
    "whole": Both("shorter side to {goal} pixels, nothing cut off", "短边缩放到 {goal} 像素，不裁剪"),
}

ARITHMETIC: Mapping[str, Both] = {
    "caffe": Both("BGR, ImageNet's mean taken off (“caffe”)", "BGR，减去 ImageNet 均值（“caffe”）"),
    "tf": Both("numbers from −1 to 1 (“tf”)", "数值范围 −1 到 1（“tf”）"),
    "torch": Both("ImageNet's mean and deviation (“torch”)", "按 ImageNet 均值和标准差归一化（“torch”）"),
    "unit": Both("numbers from 0 to 1 (“unit”)", "数值范围 0 到 1（“unit”）"),
    "raw": Both("numbers from 0 to 255 (“raw”)", "数值范围 0 到 255（“raw”）"),
}

OWN = Both("{channels}, numbers from {low:value} to {high:value}", "{channels}，数值范围 {low:value} 到 {high:value}")

SENTENCE = Both(
    "Pictures were prepared so: {fit} ({interpolation}); {arithmetic}.",
    "图片的预处理：{fit}（{interpolation}）；{arithmetic}。",
)


def preparation_words(preprocessing: Preprocessing, size: tuple[int, int]) -> Both:
    """How a picture becomes an input, in both languages.

    Parameters
    ----------
    size
        (height, width) of the input.
    """
    arithmetic = ARITHMETIC.get(preprocessing.name)
    if arithmetic is None:
        low, high = preprocessing.interval
        arithmetic = OWN.fill(channels=preprocessing.channels, low=low, high=high)
    return SENTENCE.fill(
        fit=_fit_words(preprocessing, size), interpolation=preprocessing.interpolation, arithmetic=arithmetic
    )


def _fit_words(preprocessing: Preprocessing, size: tuple[int, int]) -> Both:
    goal, fit = preprocessing.resize_to, preprocessing.fit
    if goal is None:
        goal = round(size[0] * 8 / 7) if fit == "crop" else size
    if fit == "stretch":
        both = (goal, goal) if isinstance(goal, int) else goal
        return FITS["squash" if both == size else "stretch"].fill(goal=_sides(both), size=_sides(size))
    if isinstance(goal, tuple) and goal[0] == goal[1]:
        goal = goal[0]
    return FITS[fit].fill(goal=_sides(goal) if isinstance(goal, tuple) else goal, size=_sides(size))


def _sides(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"
