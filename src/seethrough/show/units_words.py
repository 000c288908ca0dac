"""Units in words: what one fires on, how often, for which classes; and the words of their page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from seethrough.features.unit_best import NOBODY
from seethrough.features.unit_crops import shows_field
from seethrough.features.unit_layers import UnitLayer
from seethrough.features.unit_search import Found
from seethrough.features.units import LayerUnits, Units
from seethrough.show.language import Both, Text, measured, percent, plain

SILENT = Both("Fires on none of these {images:count} pictures.", "在这 {images:count} 张图片上从不激活。")
FIRES = Both("Fires on {share:percent} of the pictures", "在 {share:percent} 的图片上激活")
ABOVE = Both("Is above zero on {share:percent} of the pictures", "在 {share:percent} 的图片上大于零")
OF_BEST = Both(
    "of its {shown:count} best, {count:count} are “{label}”", "最强的 {shown:count} 张中有 {count:count} 张是“{label}”"
)
NO_CLASS = Both("no two of its {shown:count} best are of one class", "最强的 {shown:count} 张分属不同类别")
SELECTIVE = Both(
    " It prefers “{label}”: selectivity {found:value}, by chance up to {chance:value}.",
    "偏好“{label}”：选择性 {found:value}（随机情况下至多 {chance:value}）。",
)
CEILING = Both(
    " {count:count} pictures reach its ceiling of {top:value}; those shown are the first of them.",
    "有 {count:count} 张图片达到上限 {top:value}；这里只显示其中最前面的几张。",
)
STRONGLY = Both(
    ", strongly (above half of its largest) on {share:percent}", "，其中强烈激活（超过最大值一半）占 {share:percent}"
)
EVERY = Both("Fires on every picture", "在每张图片上都激活")
STOP = Both(".", "。")
AND = Both("; ", "；")

LEAD = Both(
    "{units:count} units of {layer}, on {images:count} pictures: {silent:count} never fire, {rare:count} fire strongly (above half "
    "of their largest) on fewer than one picture in twenty.",
    "{layer} 的 {units:count} 个单元，{images:count} 张图片：{silent:count} 个从不激活，{rare:count} 个只在不到二十分之一的图片上"
    "强烈激活（超过其最大值一半）。",
)
PREFERRING = Both(
    " {count:count} prefer a class more than chance would make them.",
    "其中 {count:count} 个对某一类的偏好超出随机水平。",
)
FIELDS = Both(
    "Each crop is exactly what the unit could see, {height:count} × {width:count} pixels of the network's input, around the place "
    "where it fired most; grey lies beyond the picture.",
    "每个小图恰好是该单元能看到的范围：网络输入中 {height:count} × {width:count} 像素，以激活最强处为中心；灰色部分在图片之外。",
)
WHOLE = Both(
    "In theory each unit sees a large part of the picture, so the picture is shown, bright where the unit's activation is above "
    "half of its largest there.",
    "理论上每个单元都能看到图片的很大一部分，因此显示整张图片；激活超过该图最大值一半的地方保持明亮。",
)
PLACELESS = Both(
    "These units have no places: each is one number a picture, and the whole picture is shown.",
    "这些单元没有位置：每张图片只有一个数，因此显示整张图片。",
)
BEST_WAY = Both(
    "Best: the pictures with the largest activation at any place.",
    "最强：任意位置上激活最大的图片。",
)
RELEVANT_WAY = Both(
    " Relevant: those where activation × gradient of the answer, summed over the places, is largest, so where the unit did "
    "most for the answer (a first-order share).",
    "最相关：激活 × 对回答的梯度、按位置求和后最大的图片，即该单元对回答贡献最大之处（一阶近似）。",
)
SELECTIVITY_WAY = Both(
    " Selectivity: (μ₁ − μ₂) / (μ₁ + μ₂), with μ₁ the mean of the largest activation over the pictures of the class that it "
    "likes best, μ₂ over the other classes; {classes:count} classes with at least 5 pictures count, by {by}.",
    "选择性：(μ₁ − μ₂) / (μ₁ + μ₂)，μ₁ 为其最偏好类别的图片上最大激活的均值，μ₂ 为其余类别的均值；"
    "至少有 5 张图片的 {classes:count} 个类别参与计算，类别来自{by}。",
)
BY = {
    True: Both("the class that each picture really has", "图片的真实类别"),
    False: Both("the network's answer", "网络的回答"),
}

PAGE: Mapping[str, Both] = {
    "eyebrow": Both("Units", "单元"),
    "title_one": Both("What each unit of {layer} looks for", "{layer} 的每个单元在寻找什么"),
    "title": Both("What each unit looks for", "每个单元在寻找什么"),
    "unit": Both("Unit", "单元"),
    "best": Both("Best pictures", "激活最强的图片"),
    "relevant": Both("Most relevant, and not among the best", "最相关、但不在最强之列"),
    "shared": Both(
        "{count:count} of its most relevant are among the best.", "其最相关的图片中有 {count:count} 张也在最强之列。"
    ),
    "maximized": Both("Maximized picture", "最大化图片"),
    "reaches": Both(
        "Maximized picture: reaches {made:value}, the best of the real ones {real:value}.",
        "最大化图片：达到 {made:value}，真实图片最大为 {real:value}。",
    ),
    "falls_short": Both(
        "Maximized picture: reaches {made:value}, and real ones up to {real:value}; so it says little about the unit.",
        "最大化图片：达到 {made:value}，而真实图片可达 {real:value}；因此对该单元说明不了什么。",
    ),
    "classes": Both("Classes it fires on most", "激活最强的类别"),
    "class": Both("class", "类别"),
    "mean": Both("mean", "均值"),
    "pictures": Both("pictures", "图片数"),
    "spread": Both("Largest activation in a picture, over the pictures", "每张图片最大激活的分布"),
    "spread_said": Both(
        "from {low:value} to {high:value}, mean {mean:value}; heights as square roots",
        "从 {low:value} 到 {high:value}，均值 {mean:value}；高度为平方根",
    ),
    "passed": Both("Pictures that could not be read", "无法读取的图片"),
    "how": Both("How to read this", "如何阅读"),
    "answered": Both("answered", "回答"),
    "filter": Both("Find: a unit's number, or a class", "查找：单元编号或类别"),
    "sort": Both("Sort by", "排序"),
    "by_number": Both("number", "编号"),
    "by_fires": Both("how often it fires", "激活频率"),
    "by_rare": Both("how rarely it fires strongly", "强烈激活的稀少程度"),
    "by_selectivity": Both("selectivity", "选择性"),
    "by_largest": Both("largest activation", "最大激活"),
    "shown": Both("{shown} of {all} units", "{all} 个单元中的 {shown} 个"),
    "keys": Both(
        "[ and ] go to the unit before and behind; Esc closes it.", "[ 和 ] 切换到前一个和后一个单元；Esc 关闭。"
    ),
    "smaller": Both(
        "To keep this page small, crops are {side:count} pixels wide and {best:count} of each unit are carried.",
        "为控制页面大小，每个小图宽 {side:count} 像素，每个单元保留 {best:count} 张。",
    ),
}

FOUND = Both(
    "fires at {activation:value}; {rarer:percent} of the pictures reach that, {deviations:value} standard deviations from its mean",
    "激活 {activation:value}；{rarer:percent} 的图片能达到，与均值相差 {deviations:value} 个标准差",
)


def reached_words(made: float, real: float) -> Both:
    """What a maximized picture reaches, beside the best of real ones: one that falls short of them says little."""
    return PAGE["reaches" if made >= real else "falls_short"].fill(made=float(made), real=float(real))


def unit_words(units: Units, layer: LayerUnits, row: int) -> Both:
    """What one unit is, in a sentence or three."""
    spread = layer.spread
    if spread.silent[row]:
        return SILENT.fill(images=units.images)
    way = ABOVE if not layer.layer.rectified else EVERY if spread.fires[row] == 1 else FIRES
    strongly = STRONGLY.fill(share=spread.strong[row])
    said = _joined(way.fill(share=spread.fires[row]), strongly, AND, _best_classes(units, layer, row), STOP)
    if layer.preferences.selective[row]:
        label = layer.preferences.classes[layer.preferences.favourite[row]]
        found, chance = layer.preferences.selectivity[row], layer.preferences.by_chance[row]
        said = _joined(said, SELECTIVE.fill(label=plain(label), found=found, chance=chance))
    if spread.at_largest[row] > layer.best.items.shape[1]:
        said = _joined(said, CEILING.fill(count=spread.at_largest[row], top=spread.largest[row]))
    return said


def best_items(layer: LayerUnits, row: int) -> list[int]:
    """The positions among a unit's best where it really fires."""
    best = layer.best
    return [k for k in range(best.items.shape[1]) if best.items[row, k] != NOBODY and best.values[row, k] > 0]


def _best_classes(units: Units, layer: LayerUnits, row: int) -> Both:
    shown = best_items(layer, row)
    names = Counter(units.classes[layer.best.items[row, k]] for k in shown)
    names.pop(None, None)
    label, count = names.most_common(1)[0] if names else ("", 0)
    if count < 2:
        return NO_CLASS.fill(shown=len(shown))
    return OF_BEST.fill(shown=len(shown), count=count, label=plain(label))


def layer_words(units: Units, layer: LayerUnits) -> Both:
    """What is true of a layer's units together."""
    silent = int(layer.spread.silent.sum())
    said = LEAD.fill(
        units=len(layer),
        layer=plain(layer.path),
        images=units.images,
        silent=silent,
        rare=int(((layer.spread.strong < 0.05) & (layer.spread.fires > 0)).sum()),
    )
    if len(layer.preferences.classes) > 1:
        said = _joined(said, PREFERRING.fill(count=int(layer.preferences.selective.sum())))
    return said


def crops_words(layer: UnitLayer) -> Both:
    """What the crops of a layer's units show."""
    if not shows_field(layer):
        return WHOLE if layer.size else PLACELESS
    assert layer.receptive is not None
    height, width = (size or n for size, n in zip(layer.receptive.size, layer.input_size))
    return FIELDS.fill(height=height, width=width)


def reading_words(units: Units) -> Both:
    """How the numbers and pictures are to be read."""
    layer = next(iter(units.values()))
    said = BEST_WAY
    if layer.relevant is not None:
        said = _joined(said, RELEVANT_WAY)
    if len(layer.preferences.classes) > 1:
        said = _joined(said, SELECTIVITY_WAY.fill(classes=len(layer.preferences.classes), by=BY[units.by_truth]))
    return said


def found_words(found: Found) -> Both:
    """How a unit fires on the picture that was searched with."""
    return FOUND.fill(activation=found.activation, rarer=found.rarer, deviations=found.deviations)


def item_words(units: Units, item: int) -> Both:
    """A picture: its name, its class or the network's answer, with the probability."""
    name = plain(units.collection[item].name, longest=60)
    truth = units.classes[item] if units.by_truth else None
    answer, chance = units.answers.indices[item], float(units.answers.chances[item])
    parts: list[Text] = [name]
    if truth is not None:
        parts.append(plain(truth))
    if answer >= 0:
        label = plain(units.name_of(int(answer)))
        sure = Both("", "") if np.isnan(chance) else Both(f" {percent(chance, 'en')}", f" {percent(chance, 'zh')}")
        parts.append(_joined(PAGE["answered"], Both(f" {label}", f" {label}"), sure))
    return Both(*(" · ".join(p if isinstance(p, str) else p.in_(language) for p in parts) for language in ("en", "zh")))


def short_class(units: Units, item: int) -> str:
    """What stands under a crop: the class it counts for."""
    return plain(units.classes[item] or "", longest=28)


def number(value: float) -> str:
    """A measured number, as it stands under a crop."""
    return measured(float(value))


def _joined(*texts: Both) -> Both:
    return Both("".join(text.en for text in texts), "".join(text.zh for text in texts))
