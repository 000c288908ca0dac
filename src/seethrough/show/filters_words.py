"""Filters in words: what a layer's kernels are, what is drawn of them, and what is to be noticed, in both languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from seethrough.anatomy.filter_findings import FilterFinding
from seethrough.anatomy.filters import Filters, LayerFilters
from seethrough.show.filter_finding_words import joined, name_of, sizes, steps
from seethrough.show.language import LANGUAGES, Both, count, measured, percent, plain, share

EYEBROW = Both("Filters", "滤波器")
SEVERAL = Both("Filters of {layers:count} layers", "{layers:count} 层的滤波器")
ONE = Both("Filters of {layer}", "{layer} 的滤波器")

FORMS: Mapping[str, Both] = {
    "convolution": Both(
        "{filters:count} filters of {places}, each over {slices:count} input channels",
        "{filters:count} 个 {places} 的滤波器，每个作用于 {slices:count} 个输入通道",
    ),
    "pointwise": Both(
        "{filters:count} filters of one place, each a weighted sum of {slices:count} input channels: no shapes, only which inputs are mixed",
        "{filters:count} 个单点（1×1）滤波器，各为 {slices:count} 个输入通道的加权和：没有形状，只有混合哪些输入",
    ),
    "depthwise": Both(
        "{filters:count} depthwise filters of {places}, each over an input channel of its own, so that their sizes and likeness are not compared",
        "{filters:count} 个 {places} 的逐通道滤波器，各自只看一个输入通道，因此不比较大小与相似度",
    ),
    "grouped": Both(
        "{filters:count} filters of {places} in {groups:count} groups, each over the {slices:count} input channels of its group",
        "{filters:count} 个 {places} 的滤波器，分为 {groups:count} 组，每个作用于本组的 {slices:count} 个输入通道",
    ),
    "transposed": Both(
        "{filters:count} kernels of {places} of a transposed convolution: what each of {slices:count} input channels paints",
        "转置卷积的 {filters:count} 个 {places} 核：{slices:count} 个输入通道各自画出的图样",
    ),
    "linear": Both(
        "{filters:count} units of a linear layer, each a weighted sum of {slices:count} inputs",
        "线性层的 {filters:count} 个单元，各为 {slices:count} 个输入的加权和",
    ),
    "pixels": Both(
        "{filters:count} units of a linear layer on the picture’s pixels, {places}",
        "直接作用于 {places} 图片像素的线性层的 {filters:count} 个单元",
    ),
}
"""What a layer's kernels are; ``"pixels"`` is a linear layer on the picture."""

STEPS = Both("a step of {stride}", "步长 {stride}")
DILATED = Both("{dilation} places apart", "间隔 {dilation}")
NORMALISED = Both(
    "Shown are the layer’s own weights; the batch normalisation behind them is not folded in, but sizes count its factor.",
    "所示为该层自身的权重；其后的批归一化未并入，但大小已计入其系数。",
)
OWN = Both("Shown are the layer’s own weights.", "所示为该层自身的权重。")

IN_COLOUR = Both(
    "Zero is mid-grey; a channel is full at ±{limit:value}, the same for the whole layer.",
    "零为中灰；通道在 ±{limit:value} 处饱和，全层同一刻度。",
)
SIGNED = Both(
    "Orange is positive, blue negative, pale is zero; colours end at ±{limit:value}, the same for the whole layer.",
    "橙色为正，蓝色为负，浅色为零；颜色止于 ±{limit:value}，全层同一刻度。",
)
CLIPPED = Both("The largest weight is {largest:value}.", "最大权重为 {largest:value}。")
SLICES = Both(
    "Of each filter its {shown:count} strongest input channels, the strongest first; their numbers stand below.",
    "每个滤波器显示其最强的 {shown:count} 个输入通道，由强到弱；编号在下方。",
)
ROWS = Both("One square for each input channel, row by row from channel 0.", "每个输入通道一格，从通道 0 起逐行排列。")
LINES = Both(
    "A row for each of the {shown:count} strongest input channels, the strongest first.",
    "最强的 {shown:count} 个输入通道各占一行，由强到弱。",
)
DEPTHS = Both(
    "The strongest input channel of each filter, its depth steps side by side.",
    "每个滤波器最强的输入通道，各深度并排显示。",
)
COMPOSED_EXACT = Both(
    "On the left what each filter looks at in the picture, exactly: nothing but sums and factors lie below, through {layers}.",
    "左侧为每个滤波器在图片上所看的内容，精确：其下（经 {layers}）只有求和与系数。",
)
COMPOSED = Both(
    "On the left the linear part of what each filter looks at in the picture, composed through {layers} as if its rectifier let every "
    "channel through alike: a guide, not the whole. On average {kept:percent} of the weight remains where positive and negative cancel.",
    "左侧为每个滤波器在图片上所看内容的线性部分，经 {layers} 合成，仿佛整流单元对各通道同等放行：仅供参考，并非全部。正负抵消后平均保留权重的 {kept:percent}。",
)
OWN_SCALES = Both("Each composed kernel has a scale of its own.", "合成核各用自己的刻度。")
FIRST = Both(
    "The first {shown:count} of {all:count} are drawn; name others with channels.",
    "只画出 {all:count} 个中的前 {shown:count} 个；可用 channels 指定其他。",
)
FIRST_LAYERS = Both(
    "{shown:count} of {all:count} layers are drawn; the page and the .npz have them all.",
    "只画出 {all:count} 层中的 {shown:count} 层；网页与 .npz 含全部。",
)
NOTHING = Both(
    "Nothing stands out: no dead, near-duplicate or dominating filter.", "没有异常：没有失活、近似重复或独大的滤波器。"
)
NOTHING_COMPARED = Both("Nothing stands out: no filter is dead.", "没有异常：没有失活的滤波器。")
TOTAL, TO_LOOK_AT = Both("{filters:count} filters.", "共 {filters:count} 个滤波器。"), Both("To look at:", "值得注意：")
RANDOM = Both("Those on the picture look as drawn at random.", "作用于图片的滤波器看起来如同随机。")
SIZES = Both("size of each filter, median = 1", "各滤波器的大小，中位数 = 1")
PAGE: Mapping[str, Both] = {
    "skip": Both("Skip to the filters", "跳到滤波器"),
    "sort": Both("Sorted by", "排序"),
    "only": Both("Only those to look at", "只看值得注意的"),
    "own": Both("Each on its own scale", "各用自己的刻度"),
    "numbers": Both("All numbers", "全部数值"),
    "reads": Both("reads most", "主要读取"),
    "left_out": Both(
        "Not drawn here: a page holds {most:count} filters. Ask for this layer alone.",
        "未在此绘制：一页最多 {most:count} 个滤波器。请单独查看该层。",
    ),
}
"""What the page says beside."""

MEASURES: Mapping[str, Both] = {
    "number": Both("number", "编号"),
    "relative": Both("size", "大小"),
    "cosine": Both("likeness", "相似度"),
    "low": Both("coarse", "低频"),
    "middle": Both("middle", "中频"),
    "high": Both("fine", "高频"),
    "checkerboard": Both("checkerboard", "棋盘纹"),
    "beyond": Both("beyond the step", "超出步长"),
    "unevenness": Both("unevenness", "不均匀"),
    "total": Both("sum", "总和"),
    "kept": Both("linear part", "线性部分"),
}
"""What the measures are called, for headings and for sorting."""

READING = Both(
    "Size: RMS of the weights times the factor of the normalisation behind, over the layer’s median. Likeness: cosine with the filter most like "
    "it, or most opposite, among those that read the same channels. Coarse, middle, fine: shares of energy under 1/8, to 1/4, and from 1/4 "
    "cycles per pixel of the layer’s input (white noise: 5 %, 15 %, 80 %); small kernels tell neighbouring bands apart only roughly. Sum: of "
    "the weights, over that of their absolutes; 0 ignores a constant input. Beyond the step: share of energy finer than the layer’s own step "
    "carries. Reads most: input channels with their share of the energy, under the sign of their weights’ sum.",
    "大小：权重 RMS 乘以其后归一化系数，除以该层中位数。相似度：与读取相同通道的滤波器中最相似（或最相反）者的余弦。低、中、高频：频率低于 1/8、到 1/4、"
    "从 1/4 周期/像素（该层输入）起的能量占比（白噪声：5%、15%、80%）；小核只能粗略区分相邻频段。总和：权重之和除以绝对值之和；0 表示忽略恒定输入。"
    "超出步长：比该层步长所能承载更细的能量占比。主要读取：输入通道及其能量占比，符号为其权重之和的符号。",
)

MOST_READ = 4


def title(filters: Filters) -> Both:
    """The heading."""
    only = next(iter(filters))
    return ONE.fill(layer=plain(only, 60)) if len(filters) == 1 else SEVERAL.fill(layers=len(filters))


def said(filters: Filters) -> Both:
    """The whole in a sentence or two: how many filters, and what stands out."""
    total = sum(layer.kernels.count for layer in filters.values())
    warned = [f for f in filters.findings if f.level == "warning"]
    opening = TOTAL.fill(filters=total)
    random = RANDOM if any(f.name == "unstructured" for f in filters.findings) else Both("", "")
    if not warned:
        compared = any(layer.kernels.shared for layer in filters.values())
        return joined(opening, NOTHING if compared else NOTHING_COMPARED, random)
    tallies = {name: sum(_tally(f) for f in warned if f.name == name) for name in dict.fromkeys(f.name for f in warned)}
    told = [Both(f"{count(k)} {name_of(n).en}", f"{name_of(n).zh} {count(k)} 处") for n, k in tallies.items()]
    return joined(opening, TO_LOOK_AT, Both(*(_ended(told, language) for language in LANGUAGES)), random)


def form(layer: LayerFilters) -> Both:
    """What a layer's kernels are, in a sentence."""
    kernels = layer.kernels
    on_pixels = kernels.form == "linear" and kernels.source.pixels is not None
    text = FORMS["pixels" if on_pixels else kernels.form].fill(
        filters=kernels.count,
        places=sizes(kernels.places),
        slices=kernels.weights.shape[1],
        groups=kernels.groups,
    )
    more = []
    if max(kernels.stride) > 1:
        more.append(STEPS.fill(stride=steps(kernels.stride)))
    if max(kernels.dilation) > 1:
        more.append(DILATED.fill(dilation=steps(kernels.dilation)))
    en, zh = "; ".join([text.en, *(m.en for m in more)]), "；".join([text.zh, *(m.zh for m in more)])
    return joined(Both(en + ".", zh + "。"), OWN if kernels.gain is None else NORMALISED)


def numbers_of(layer: LayerFilters, k: int) -> Iterator[tuple[str, float, Both]]:
    """The measures of a filter that mean something: a key of `MEASURES`, the number, and as it is written."""
    m = layer.measures
    yield "relative", float(m.relative[k]), _same(measured(float(m.relative[k])))
    if m.like[k] >= 0 and m.rms[k] > 0:
        text, like = measured(float(m.cosine[k])), int(m.like[k])
        yield "cosine", float(m.cosine[k]), Both(f"{text} (filter {like})", f"{text}（滤波器 {like}）")
    shares = dict(zip(("low", "middle", "high"), map(float, m.bands[k])))
    shares |= {
        "checkerboard": float(m.checkerboard[k]),
        "beyond": float(m.beyond[k]),
        "unevenness": float(m.unevenness[k]),
    }
    yield from ((name, part, share(part)) for name, part in shares.items() if np.isfinite(part))
    yield "total", float(m.total[k]), _same(measured(float(m.total[k])))
    if layer.composed is not None:
        yield "kept", float(layer.composed.kept[k]), share(float(layer.composed.kept[k]))


def reads_of(layer: LayerFilters, k: int) -> Both:
    """The input channels that a filter reads most, with their shares of its energy and the sign of their sum."""
    told = [(f"{'−' if part < 0 else '+'}{channel}", abs(part)) for channel, part in layer.reads(k, MOST_READ) if part]
    return Both(*(", ".join(f"{name} ({percent(part, lang)})" for name, part in told) for lang in LANGUAGES))


def _ended(texts: Sequence[Both], language: str) -> str:
    """A list as a sentence."""
    link, stop = ("; ", ".") if language == "en" else ("；", "。")
    return link.join(text.in_(language) for text in texts) + stop


def _tally(finding: FilterFinding) -> int:
    return finding.numbers["redundant"] if finding.name == "duplicate" else max(1, len(finding.filters))


def _same(text: str) -> Both:
    return Both(text, text)
