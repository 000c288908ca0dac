"""How far to believe a map, in words: verdicts, figures, families of methods, and where two of them disagree.

The sentences of reasons stand in `seethrough.show.vocabulary.trust`, as those of all notes.
"""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both, plain
from seethrough.show.vocabulary.trust import VERDICTS

MARKS: Mapping[str, str] = {"carries_weight": "●", "with_care": "◐", "says_nothing": "○"}
"""A sign for each where there is only text: full, half, empty."""

NOT_ASKED = Both(
    "How far to believe these maps was not checked. Ask for it: seethrough explain … --trust, or explain(…, trust=True).",
    "没有检查这些图有多可信。如需检查：seethrough explain … --trust，或 explain(…, trust=True)。",
)

TRUST: Mapping[str, Both] = {
    "why": Both("Why this verdict", "判断依据"),
    "verdict": Both("How far to believe it", "可信程度"),
    "agreement": Both("How the methods agree", "各方法是否一致"),
    "agreement_is": Both(
        "Rank correlation of each two maps: 1 means the same order of places, 0 none in common, −1 the reverse.",
        "每两张图的秩相关：1 表示各处先后顺序相同，0 表示毫无共同之处，−1 表示相反。",
    ),
    "agreement_drawn": Both(
        "Rank correlation of each two maps, in the order of the list: the darker, the more alike; white is 0 and below.",
        "每两张图的秩相关，顺序同列表：颜色越深越一致；白色表示 0 及以下。",
    ),
    "rivals": Both(
        "Insertion less deletion, of this map and of maps that know nothing of the network",
        "插入减删除：本图，以及对网络一无所知的图",
    ),
}
"""What the page says of trust."""

FAMILIES: Mapping[str, Both] = {
    "gradient": Both("Gradients", "梯度"),
    "path": Both("Paths from a baseline", "从基线出发的路径"),
    "relevance": Both("Relevance", "相关性传播"),
    "class activation": Both("Class activation maps", "类激活图"),
    "attention": Both("Attention", "注意力"),
    "perturbation": Both("Covering and changing", "遮挡与改动"),
    "layer": Both("Layers and neurons", "层与神经元"),
}

COUNTED: Mapping[str, Both] = {
    "carries_weight": Both("{count:count} carry weight", "{count:count} 种可以采信"),
    "with_care": Both("{count:count} with care", "{count:count} 种谨慎参考"),
    "says_nothing": Both("{count:count} say nothing", "{count:count} 种不说明问题"),
}
"""So many methods have this verdict."""

# --- figures ----------------------------------------------------------------------------------------------------------

GROUPS: Mapping[str, Both] = {
    "sanity": Both("With the weights drawn anew", "权重重新随机后"),
    "faithfulness": Both("Covering what the map points at", "遮住图所指的地方"),
    "stability": Both("Small changes of the picture", "图片的微小变化"),
    "completeness": Both("What should add up", "应当相加相等的量"),
    "conservation": Both("What should add up", "应当相加相等的量"),
    "agreement": Both("With the other methods", "与其他方法相比"),
}

FIGURES: Mapping[str, Both] = {
    "sanity.similarity": Both("how like this map one without the weights is", "权重随机后的图与本图的相似度"),
    "sanity.rise": Both("how much more complex one without the weights is", "权重随机后复杂度的增加"),
    "sanity.pictures": Both("pictures this was measured on", "为此测量的图片数"),
    "faithfulness.insertion": Both("insertion: area under the rising answer", "插入：答案上升曲线下的面积"),
    "faithfulness.deletion": Both("deletion: area under the falling answer", "删除：答案下降曲线下的面积"),
    "faithfulness.gain": Both("insertion less deletion", "插入减删除"),
    "faithfulness.patches": Both("correlation with what covering places costs", "与遮挡各处的代价的相关"),
    "faithfulness.infidelity": Both("share of that cost left unexplained", "其中未被解释的份额"),
    "faithfulness.beaten": Both("share of its own shifted copies that it beats", "优于自身平移副本的份额"),
    "stability.noise": Both("rank correlation under noise", "加噪后的秩相关"),
    "stability.shift": Both("rank correlation when shifted by a pixel", "平移一像素后的秩相关"),
    "stability.least": Both("the smaller of them", "两者中较小者"),
    "completeness.gap": Both("gap to what it should add up to", "与应有总和的差距"),
    "conservation.gap": Both("gap to what it should add up to", "与应有总和的差距"),
}
"""A figure that is not here goes by its own name."""

NULLS: Mapping[str, Both] = {
    "random": Both("random map", "随机图"),
    "blurred": Both("blurred random map", "模糊随机图"),
    "centre": Both("middle of the picture", "图片中央"),
    "edges": Both("edges", "边缘"),
}
"""Maps that know nothing of the network; what a method's is measured against."""

THIS_MAP = Both("this map", "本图")

# --- agreement --------------------------------------------------------------------------------------------------------

DISAGREE = Both(
    "{first} and {second} both carry weight and disagree (rank correlation {correlation:value}), most of all {region}: "
    "{first} puts {one:percent} of its evidence there, {second} {other:percent}.",
    "{first}与{second}都可以采信，却不一致（秩相关 {correlation:value}），差别最大的地方在{region}："
    "{first}有 {one:percent} 的证据在那里，{second}有 {other:percent}。",
)
DISAGREE_NOWHERE = Both(
    "{first} and {second} both carry weight and order the places differently (rank correlation {correlation:value}), though "
    "no part of the picture stands out.",
    "{first}与{second}都可以采信，但对各处的排序不同（秩相关 {correlation:value}），没有哪一部分特别突出。",
)
LIKE_MOST = Both(
    "Most alike are {first} and {second} ({correlation:value}).", "最一致的是{first}与{second}（{correlation:value}）。"
)
LIKE_LEAST = Both(
    "Least alike are {first} and {second} ({correlation:value}).",
    "最不一致的是{first}与{second}（{correlation:value}）。",
)

MORE_MAPS = Both(
    "{shown:count} of {all:count} methods are drawn here; save the result as .html to see all.",
    "这里画出 {all:count} 种方法中的 {shown:count} 种；保存为 .html 可查看全部。",
)


def verdict_words(verdict: str) -> Both:
    """A verdict in words; an unknown one goes by its identifier."""
    return VERDICTS.get(verdict) or _own_name(verdict)


def family_words(family: str) -> Both:
    """A family of methods in words."""
    return FAMILIES.get(family) or _own_name(family)


def group_words(group: str) -> Both:
    """What a group of figures is about: the part of their names before the first point."""
    return GROUPS.get(group) or _own_name(group)


def figure_words(name: str) -> Both:
    """A figure in words; one that is unknown goes by its own name, without its group's."""
    return FIGURES.get(name) or _own_name(name.partition(".")[2] or name)


def _own_name(name: str) -> Both:
    said = plain(name).replace("_", " ").replace(".", ", ")
    return Both(said, said)
