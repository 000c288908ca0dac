"""What activations say in words, in both languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seethrough.features.activations import Activations, LayerActivations
from seethrough.show.language import Both, Text, plain, share

EYEBROW = Both("Activations", "激活")
TITLE = Both("Inside {network}: {name}", "{network} 内部：{name}")
TITLE_MANY = Both("Inside {network}: {count:count} pictures", "{network} 内部：{count:count} 张图片")
COUNTED = Both(
    "{layers:count} layers with {channels:count} channels in all.", "共 {layers:count} 层、{channels:count} 个通道。"
)
COUNTED_ONE = Both("{layer} has {channels:count} channels.", "{layer} 有 {channels:count} 个通道。")
SPARSER = Both(
    "The share of exact zeros rises from {before} in {first} to {after} in {last}: deeper units answer to fewer places.",
    "精确为零的值所占份额从 {first} 的 {before} 升至 {last} 的 {after}：越深的单元，响应的位置越少。",
)
SILENT = Both(
    "{dead:count} channels are zero everywhere on {what}, most of them in {layer} ({most:count} of {all:count}).",
    "有 {dead:count} 个通道在{what}上处处为零，其中最多的是 {layer}（{all:count} 个中的 {most:count} 个）。",
)
ONE_SILENT = Both(
    "One channel is zero everywhere on {what}, in {layer}.", "有 1 个通道在{what}上处处为零，位于 {layer}。"
)
NONE_SILENT = Both("No channel is zero everywhere on {what}.", "没有通道在{what}上处处为零。")
THIS_PICTURE = Both("this picture", "这张图片")
ALL_PICTURES = Both("every one of the {count:count} pictures", "全部 {count:count} 张图片")

MADE_OF = Both("{kind}: {count:count} channels of {size}", "{kind}：{count:count} 个通道，{size}")
NUMBERS = Both("{kind}: {count:count} numbers", "{kind}：{count:count} 个数值")
KEPT = Both("{kept:count} of them shown", "显示其中 {kept:count} 个")
HALF = Both(
    "Half of all activation comes from {few:count} of {count:count} channels.",
    "全部激活的一半来自 {count:count} 个通道中的 {few:count} 个。",
)
ZEROS = Both("{zeros} of the values are held at zero by {function}", "{function} 使 {zeros} 的值为零")
DEAD = Both("silent here: {dead:count} of {count:count} channels", "{count:count} 个通道中有 {dead:count} 个在此处静默")
SATURATED = Both("{saturated} are at an end of {function}", "{saturated} 处于 {function} 的端点")
SEES = Both("a unit sees {height} × {width} pixels of the input", "一个单元可见输入的 {height} × {width} 像素")
SEES_ALL = Both("a unit sees the whole picture", "一个单元可见整张图片")
AT_RIM = Both(
    "{count:count} channels answer mostly to the border, where the padding is ({which})",
    "有 {count:count} 个通道主要响应有填充的边缘（{which}）",
)
ONE_AT_RIM = Both(
    "channel {which} answers mostly to the border, where the padding is", "通道 {which} 主要响应有填充的边缘"
)
NOT_FINITE = Both("{share} of its values are no finite numbers", "{share} 的值不是有限数")

STRENGTH, PEAK, SPARSITY, ENDS, VARIES, NUMBER = (
    Both("strength", "强度"),
    Both("largest value", "最大值"),
    Both("share of zeros", "零值份额"),
    Both("share at an end", "端点份额"),
    Both("spread over the pictures", "图片间的离散"),
    Both("number", "编号"),
)
MEAN_FRAME = Both("mean of {count:count} pictures", "{count:count} 张图片的均值")
SPREAD_FRAME = Both("spread of {count:count} pictures (standard deviation)", "{count:count} 张图片的离散（标准差）")
SILENT_TILE = Both("silent", "静默")
RIM_TILE = Both("{rim} on the border", "{rim} 在边缘")
ZERO_TILE = Both("{zeros} zeros", "{zeros} 为零")
SATURATED_TILE = Both("{saturated} at an end", "{saturated} 在端点")

LAYER, CLASS, CHANNELS, PLACES, MEAN, LARGEST, ZERO, SILENT_COLUMN, SATURATED_COLUMN = (
    Both("layer", "层"),
    Both("class", "类"),
    Both("channels", "通道"),
    Both("places", "位置"),
    Both("mean", "均值"),
    Both("largest", "最大"),
    Both("zeros", "零值"),
    Both("silent channels", "静默通道"),
    Both("at an end", "在端点"),
)
HOW_TO_READ = Both(
    "Each tile is one channel. Strength is the mean of |value| over its places. Zeros are exact. A silent channel is zero "
    "everywhere on the picture. At an end: where the layer's function goes flat, so that the unit tells no difference. The "
    "colours of a layer end at its largest value, or at the 99.5th percentile where a few places stand far out. This page "
    "carries values in 8 bits; save as .npz for all of them.",
    "每个小图是一个通道。强度是各位置 |值| 的均值。零指精确为零。静默通道在图片上处处为零。端点：该层函数变平之处，单元在那里"
    "不再区分。一层的颜色止于其最大值；若少数位置远超其余，则止于第 99.5 百分位。本页数值为 8 位精度；完整数值请保存为 .npz。",
)
SCALE: Mapping[str, Both] = {
    "unit": Both("Each tile's colours end at its own largest value.", "每个小图的颜色止于自身的最大值。"),
    "layer": Both(
        "Colours end at each layer's largest value, given beside it, or at the 99.5th percentile where a few places stand far "
        "out.",
        "颜色止于各层的最大值（见层名旁）；若少数位置远超其余，则止于第 99.5 百分位。",
    ),
    "network": Both(
        "All layers share one scale of colours, which ends at {limit:value}.",
        "所有层共用同一颜色刻度，止于 {limit:value}。",
    ),
}
MORE_LAYERS = Both(
    "{shown:count} of {all:count} layers are drawn; save the result as .html to see all.",
    "此处绘制 {all:count} 层中的 {shown:count} 层；保存为 .html 可查看全部。",
)
FEW_FRAMES = Both(
    "{shown:count} of {all:count} pictures can be looked at one by one; mean and spread are of all.",
    "{all:count} 张图片中有 {shown:count} 张可逐一查看；均值与离散取自全部图片。",
)

MOSTLY = 0.5
"""A channel with more of its activation than this on the outermost ring of places answers to the border, if the ring is small."""

SMALL_RIM = 0.25
"""A ring with up to this share of the places is small: on a 14 × 14 map it has 0.27, on 28 × 28 0.14."""

NAMED = 5
"""Channels that a sentence names."""

RISE = 0.05
"""By how much the share of zeros must rise from the first layer to the last to be worth a sentence."""


def title(found: Activations) -> Both:
    """What was looked at."""
    network = plain(str(found.provenance.get("network", "")).replace("\\", "/").rpartition("/")[2])
    if len(found.pictures) == 1:
        return TITLE.fill(network=network, name=plain(found.pictures[0].name))
    return TITLE_MANY.fill(network=network, count=len(found.pictures))


def said(found: Activations) -> Both:
    """The answer in a few sentences: how much was looked at, how sparse it is, how much of it is silent."""
    layers = list(found.values())
    channels = sum(layer.count for layer in layers)
    parts = [
        COUNTED_ONE.fill(layer=plain(layers[0].path) or layers[0].kind, channels=channels)
        if len(layers) == 1
        else COUNTED.fill(layers=len(layers), channels=channels)
    ]
    parts += _sparser([layer for layer in layers if layer.rectified])
    parts += _silent(layers, len(found.pictures))
    return sentences(parts)


def _sparser(layers: Sequence[LayerActivations]) -> list[Both]:
    if len(layers) < 2:
        return []
    first, last = layers[0], layers[-1]
    before, after = zeros_of(first), zeros_of(last)
    if after - before < RISE:
        return []
    return [SPARSER.fill(before=share(before), first=plain(first.path), after=share(after), last=plain(last.path))]


def _silent(layers: Sequence[LayerActivations], images: int) -> list[Both]:
    """Where nothing is silent, that is worth saying of rectifiers alone."""
    what = THIS_PICTURE if images == 1 else ALL_PICTURES.fill(count=images)
    dead = [dead_of(layer) for layer in layers]
    if not sum(dead):
        return [NONE_SILENT.fill(what=what)] if any(layer.rectified for layer in layers) else []
    at = int(np.argmax(dead))
    name = plain(layers[at].path) or layers[at].kind
    if sum(dead) == 1:
        return [ONE_SILENT.fill(what=what, layer=name)]
    return [SILENT.fill(dead=sum(dead), what=what, layer=name, most=dead[at], all=layers[at].count)]


def caption(layer: LayerActivations, drawn: int | None = None) -> Both:
    """What is to be noticed in one layer, of which so many channels are drawn; by default all that were kept."""
    return sentences(list(_noticed(layer, min(len(layer.channels), drawn or layer.count))))


def _noticed(layer: LayerActivations, drawn: int) -> Iterator[Both]:
    kept = [KEPT.fill(kept=drawn)] if drawn < layer.count else []
    yield listed([_made_of(layer), *kept, *_sees(layer)])
    few = half_from(layer)
    if layer.spread_out and few:
        yield HALF.fill(few=few, count=layer.count)
    noticed = list(_counted(layer))
    if noticed:
        yield listed(noticed)


def _made_of(layer: LayerActivations) -> Both:
    kind = plain(layer.kind)
    if not layer.spread_out:
        return NUMBERS.fill(kind=kind, count=layer.count)
    return MADE_OF.fill(kind=kind, count=layer.count, size=" × ".join(str(n) for n in layer.places))


def _sees(layer: LayerActivations) -> list[Both]:
    if layer.field is None or len(layer.field.size) != 2:
        return []
    if layer.field.whole:
        return [SEES_ALL]
    height, width = ("∞" if n is None else str(n) for n in layer.field.size)
    return [SEES.fill(height=height, width=width)]


def _counted(layer: LayerActivations) -> Iterator[Both]:
    finite = float(layer.measures.finite.mean())
    if finite < 1:
        yield NOT_FINITE.fill(share=share(1 - finite))
    if layer.rectified:
        yield ZEROS.fill(function=layer.function or "", zeros=share(zeros_of(layer)))
    dead = dead_of(layer)
    if dead:
        yield DEAD.fill(dead=dead, count=layer.count)
    at_rim = rim_of(layer)
    if len(at_rim):
        which = ", ".join(str(c) for c in at_rim[:NAMED]) + ("…" if len(at_rim) > NAMED else "")
        yield (ONE_AT_RIM if len(at_rim) == 1 else AT_RIM).fill(count=len(at_rim), which=which)
    saturated = saturated_of(layer)
    if saturated:
        yield SATURATED.fill(saturated=share(saturated), function=layer.function or "")


def remarks(layer: LayerActivations) -> tuple[Both, ...]:
    """A few words about each kept channel."""
    measures = layer.measures
    zeros = measures.zeros.mean(0)
    saturated = None if measures.saturated is None else measures.saturated.mean(0)
    at_rim = set(rim_of(layer).tolist())

    def words(channel: int) -> Both:
        parts = []
        if zeros[channel] == 1:
            parts.append(SILENT_TILE)
        elif layer.rectified:
            parts.append(ZERO_TILE.fill(zeros=share(float(zeros[channel]))))
        if saturated is not None and saturated[channel] > 0:
            parts.append(SATURATED_TILE.fill(saturated=share(float(saturated[channel]))))
        if channel in at_rim and measures.rim is not None:
            parts.append(RIM_TILE.fill(rim=share(float(measures.rim[:, channel].mean()))))
        return listed(parts, end=False)

    return tuple(words(int(channel)) for channel in layer.channels)


# --- numbers of a layer over all its images ---------------------------------------------------------------------------


def zeros_of(layer: LayerActivations) -> float:
    """The share of exact zeros."""
    return float(layer.measures.zeros.mean())


def dead_of(layer: LayerActivations) -> int:
    """Channels that are zero everywhere on every image; 0 where a channel is one number, which may well be zero."""
    return int(layer.measures.dead.all(0).sum()) if layer.spread_out else 0


def saturated_of(layer: LayerActivations) -> float:
    """The share at an end of the layer's function; 0 where it has none."""
    return 0.0 if layer.measures.saturated is None else float(layer.measures.saturated.mean())


def rim_of(layer: LayerActivations) -> NDArray[np.intp]:
    """Channels that answer mostly to the border, the most so first; none where the border is much of the map."""
    if layer.measures.rim is None:
        return np.empty(0, np.intp)
    height, width = layer.places
    if 1 - (height - 2) * (width - 2) / (height * width) > SMALL_RIM:
        return np.empty(0, np.intp)
    rim = np.nan_to_num(layer.measures.rim.mean(0))
    order = np.argsort(-rim, kind="stable")
    return order[rim[order] > MOSTLY]


def half_from(layer: LayerActivations) -> int:
    """How many channels, the strongest, give half of the layer's whole |activation|; 0 where it gives nothing."""
    strength = np.sort(np.nan_to_num(layer.measures.strength.mean(0), posinf=0.0).astype(np.float64))[::-1]
    total = strength.sum()
    return int(np.searchsorted(strength.cumsum(), total / 2) + 1) if total > 0 else 0


def sorts(found: Activations, layer: LayerActivations) -> dict[Text, NDArray[np.floating]]:
    """By what a layer's kept channels may be sorted; the same headings for all layers."""
    kept, measures = layer.channels, layer.measures
    orders: dict[Text, NDArray[np.floating]] = {
        STRENGTH: measures.strength.mean(0)[kept],
        PEAK: measures.max.max(0)[kept],
        SPARSITY: measures.zeros.mean(0)[kept],
    }
    if any(other.measures.saturated is not None for other in found.values()):
        ends = np.zeros(len(kept)) if measures.saturated is None else measures.saturated.mean(0)[kept]
        orders[ENDS] = ends
    if len(found.pictures) > 1:
        orders[VARIES] = measures.mean.std(0)[kept]
    return orders


# --- joining ----------------------------------------------------------------------------------------------------------


def sentences(parts: Sequence[Both]) -> Both:
    """One behind the other; Chinese takes no space."""
    return Both(" ".join(p.en for p in parts), "".join(p.zh for p in parts))


def listed(parts: Sequence[Both], *, end: bool = True) -> Both:
    """As one sentence, its parts set apart."""
    if not parts:
        return Both("", "")
    stop = (".", "。") if end else ("", "")
    return Both("; ".join(p.en for p in parts) + stop[0], "；".join(p.zh for p in parts) + stop[1])
