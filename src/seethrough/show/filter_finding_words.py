"""What is to be noticed in filters, in words: what each finding says, how sure it is, and what else it could be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seethrough.anatomy.filter_findings import DOMINATING, FilterFinding
from seethrough.show.language import LANGUAGES, Both, measured, percent

SURE: Mapping[str, Both] = {"certain": Both("Certain.", "确定。"), "likely": Both("Likely.", "很可能。")}


@dataclass(frozen=True, slots=True)
class FindingWords:
    """A finding: its name in a word or two, what it says, and what else it could be."""

    name: Both
    says: Both
    other: Both


FINDINGS: Mapping[str, FindingWords] = {
    "not_finite": FindingWords(
        Both("no numbers", "非数值"),
        Both("NaN or infinite weights: {filters}.", "权重含有 NaN 或无穷大：{filters}。"),
        Both("Training diverged, or the file is damaged.", "训练发散，或文件损坏。"),
    ),
    "dead": FindingWords(
        Both("dead", "失活"),
        Both(
            "Dead: {filters}; {how}. What comes out is next to constant, whatever the picture.",
            "失活：{filters}；{how}。无论图片如何，其输出几乎不变。",
        ),
        Both(
            "Could also be pruned or masked on purpose; a constant output still acts as a bias. They can go, once that constant is folded into the next layer.",
            "也可能是有意剪枝或屏蔽；恒定输出仍相当于偏置。把该常数并入下一层即可移除。",
        ),
    ),
    "duplicate": FindingWords(
        Both("near-duplicates", "近似重复"),
        Both(
            "{redundant:count} could go: the filters of each group point the same way, at cosines over {threshold:value}: {groups}.",
            "{redundant:count} 个可省：各组内滤波器方向相同，余弦大于 {threshold:value}：{groups}。",
        ),
        Both(
            "Could also be meant: with different biases behind them they answer at different strengths; and where pictures vary most, a small "
            "difference of weights may count. Photographs tell: their outputs should go together.",
            "也可能有用：其后偏置不同则在不同强度下响应；在图片变化最大的方向上，权重的小差异也可能重要。可用照片检验：其输出应同步变化。",
        ),
    ),
    "opposite": FindingWords(
        Both("opposite pairs", "反向成对"),
        Both(
            "{pairs:count} pairs are each other’s negative (cosine under −{threshold:value}): {groups}.",
            "{pairs:count} 对互为相反数（余弦小于 −{threshold:value}）：{groups}。",
        ),
        Both(
            "No fault before a rectifier, which lets each filter keep one sign only.",
            "在整流单元之前不是缺陷：整流后每个滤波器只保留一种符号。",
        ),
    ),
    "dominating": FindingWords(
        Both("dominating", "独大"),
        Both(
            "Dominating: {filters}, at {relative} times the size of the layer’s median filter.",
            "独大：{filters}，为该层中位滤波器大小的 {relative} 倍。",
        ),
        Both(
            "Could also be harmless where what follows scales it down; photographs tell. Zeiler and Fergus clipped such filters’ RMS.",
            "若其后被缩小则可能无害，可用照片检验。Zeiler 与 Fergus 对这类滤波器截断 RMS。",
        ),
    ),
    "uneven_overlap": FindingWords(
        Both("uneven overlap", "重叠不均"),
        Both(
            "The kernel of {kernel} is no whole number of steps of {stride}: some places are painted more often than others, a checkerboard.",
            "{kernel} 的核不是步长 {stride} 的整数倍：有些位置被画得更多，形成棋盘纹。",
        ),
        Both(
            "Weights can learn to balance it, rarely fully: here {unevenness:percent} of what a constant input paints is pattern. A kernel divisible "
            "by the step, or resizing before a convolution, avoids it.",
            "权重可能学会抵消，但很少完全：此处恒定输入所画内容的 {unevenness:percent} 是花纹。用可被步长整除的核，或先放大再卷积，可避免。",
        ),
    ),
    "uneven": FindingWords(
        Both("paints a pattern", "画出花纹"),
        Both(
            "Painting a pattern on a constant input ({unevenness:percent} of it), although overlaps are even: {filters}.",
            "尽管重叠均匀，对恒定输入仍画出花纹（占 {unevenness:percent}）：{filters}。",
        ),
        Both("Could also be what they are for: upsampling that adds texture.", "也可能正是其作用：上采样时添加纹理。"),
    ),
    "unfed": FindingWords(
        Both("reads dead channels", "读取失活通道"),
        Both(
            "Reading only channels of dead filters below: {filters}. Their weights do nothing.",
            "只读取下层失活滤波器的通道：{filters}。其权重不起作用。",
        ),
        Both("A dead channel still carries a constant, which acts as a bias.", "失活通道仍带有常数，相当于偏置。"),
    ),
    "aliasing": FindingWords(
        Both("aliasing", "混叠"),
        Both(
            "{beyond:percent} of what these kernels look at is finer than a step of {stride} can carry, and comes out as something coarser.",
            "这些核所看内容的 {beyond:percent} 比步长 {stride} 能承载的更细，会以更粗的样子出现。",
        ),
        Both(
            "The pictures may hold little so fine. Zeiler and Fergus gained by kernels of 7 instead of 11 and a step of 2 instead of 4.",
            "图片中可能本来很少有这么细的内容。Zeiler 与 Fergus 把 11 的核改为 7、步长 4 改为 2 而获益。",
        ),
    ),
    "checkerboard": FindingWords(
        Both("checkerboard", "棋盘纹"),
        Both(
            "Alternating from pixel to pixel, the finest pattern there is: {filters} (by {shares} of the energy).",
            "逐像素交替，即最细的图样：{filters}（占能量的 {shares}）。",
        ),
        Both(
            "Could be a detector of fine texture, or of the traces of JPEG and of enlarging.",
            "可能检测细纹理，或 JPEG 与放大的痕迹。",
        ),
    ),
    "unstructured": FindingWords(
        Both("as drawn at random", "如同随机"),
        Both(
            "As drawn at random: neighbouring weights go together no more than by chance ({places:value} standard errors), nor do colours "
            "({colours:value}).",
            "如同随机：相邻权重的一致程度不超过偶然（{places:value} 个标准误），各颜色之间亦然（{colours:value}）。",
        ),
        Both(
            "Kernels that were trained on pictures for long are smooth. This layer may hardly have moved from where it began: random weights, few "
            "steps, a small learning rate or frozen; few and small kernels may also hide a structure.",
            "在图片上充分训练的核是平滑的。该层可能几乎没有离开初始值：随机权重、步数少、学习率小或被冻结；核少而小时也可能掩盖结构。",
        ),
    ),
    "no_middle": FindingWords(
        Both("little between coarse and fine", "缺少中频"),
        Both(
            "On average {low:percent} of the kernels’ energy is coarse and {high:percent} fine, and only {middle:percent} between.",
            "核的能量平均有 {low:percent} 为低频、{high:percent} 为高频，中频仅 {middle:percent}。",
        ),
        Both(
            "Zeiler and Fergus saw this in AlexNet, and cured it with smaller kernels and a smaller step.",
            "Zeiler 与 Fergus 在 AlexNet 中见到此现象，用更小的核与步长解决。",
        ),
    ),
}

LINKED = Both(", ", "、")
AND_MORE = Both("{shown} and {more:count} more", "{shown} 等另 {more:count} 个")
FILTER, FILTERS = Both("filter {k}", "滤波器 {k}"), Both("filters {k}", "滤波器 {k}")
MOST_NAMED = 12


def sentence(finding: FilterFinding) -> Both:
    """A finding in words, with how sure it is."""
    words = FINDINGS[finding.name]
    return joined(words.says.fill(**_values(finding)), SURE[finding.sure])


def otherwise(finding: FilterFinding) -> Both:
    """What a finding could also be, and what to do."""
    return FINDINGS[finding.name].other.fill(**_values(finding))


def name_of(name: str) -> Both:
    """A finding's name in a word or two."""
    return FINDINGS[name].name


def sizes(places: Sequence[int]) -> str:
    """``3 × 3``."""
    return " × ".join(map(str, places))


def steps(each: Sequence[int]) -> str:
    """``2``, or ``2 × 1`` where the axes differ."""
    return str(each[0]) if len(set(each)) == 1 else sizes(each)


def _values(finding: FilterFinding) -> dict[str, object]:
    """What a finding's sentences may speak of."""
    n = finding.numbers
    return {
        **n,
        "filters": _filters(finding.filters),
        "groups": _groups(finding),
        "pairs": len(finding.groups),
        "how": _how_dead(finding),
        "relative": _listed([measured(float(r)) for r in n.get("relative", ())]),
        "shares": Both(
            *(_listed([percent(float(s), lang) for s in n.get("share", ())]).in_(lang) for lang in LANGUAGES)
        ),
        "kernel": sizes(n.get("kernel", ())),
        "stride": steps(n["stride"]) if "stride" in n else "",
        "times": DOMINATING,
    }


def _how_dead(finding: FilterFinding) -> Both:
    if "largest" not in finding.numbers:
        return _same("")
    zeros, largest = finding.numbers["zeros"], finding.numbers["largest"]
    if zeros == len(finding.filters):
        return Both("every weight is zero", "所有权重为零")
    if largest == 0:
        return Both("the normalisation behind multiplies by zero", "其后的归一化乘以零")
    told = Both("at most {largest:value} of the median size", "至多为中位大小的 {largest:value}")
    return told.fill(largest=largest)


def _filters(filters: Sequence[int]) -> Both:
    return (FILTER if len(filters) == 1 else FILTERS).fill(k=_listed(list(map(str, filters))))


def _groups(finding: FilterFinding) -> Both:
    link = " ∼ " if finding.name == "duplicate" else " ∼ −"
    return _listed([link.join(map(str, group)) for group in finding.groups])


def _listed(things: Sequence[str]) -> Both:
    shown = list(things[:MOST_NAMED])
    text = Both(LINKED.en.join(shown), LINKED.zh.join(shown))
    return text if len(things) <= MOST_NAMED else AND_MORE.fill(shown=text, more=len(things) - MOST_NAMED)


def _same(text: str) -> Both:
    return Both(text, text)


def joined(*texts: Both) -> Both:
    """Sentences one behind the other; empty ones are left out."""
    return Both(" ".join(t.en for t in texts if t.en), "".join(t.zh for t in texts if t.zh))
