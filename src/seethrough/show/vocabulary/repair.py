"""The words of a repair: ways to mend, why one wasn't tried, what it lacks; plain enough for somebody who has never trained a
network.
"""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both

NOTES: Mapping[str, Both] = {
    "repair_unproven": Both(
        "Finding {finding:count} is not proven, so mending it may change little, or cost something for nothing.",
        "第 {finding:count} 项并未证实，修复它可能作用不大，甚至白白付出代价。",
    ),
    "repair_few_counter_examples": Both(
        "Only {count:count} of the pictures surely go against finding {finding:count}, and {least:count} are needed to learn from "
        "them. So it was learned from pictures put together for that, in which it says nothing of the class.",
        "能确定与第 {finding:count} 项相反的图片只有 {count:count} 张，而要从中学习至少需要 {least:count} 张。因此改用专门拼合的"
        "图片来学习，在这些图片里它与类别无关。",
    ),
    "repair_out_of_time": Both(
        "The time was over before all ways were tried ({count:count} are left, the first is “{rung}”). The same command with more "
        "time goes on from here.",
        "时间用完，还有 {count:count} 种方法没有尝试（第一种是“{rung}”）。给更多时间再运行同一命令，会从这里继续。",
    ),
    "repair_in_float32": Both(
        "The network computed in less than single precision; the repaired one is in single precision.",
        "原网络的计算精度低于单精度；修复后的网络为单精度。",
    ),
}

RUNGS: Mapping[str, Both] = {
    "subtraction": Both(
        "what it adds to the answer is taken off again, without any training",
        "不训练，直接减去它对回答的影响",
    ),
    "reweighted": Both(
        "the last layer learned again, with more weight on the pictures that were answered badly",
        "重新学习最后一层，更看重答得不好的图片",
    ),
    "grouped": Both(
        "the last layer learned again, on as many pictures that go against it as pictures that go with it",
        "重新学习最后一层，与之相反的图片和与之一致的图片各占一半",
    ),
    "prototypes": Both(
        "instead of the last layer, typical pictures of each class to compare with",
        "不用最后一层，改为与各类别的典型图片比较",
    ),
    "exchanged": Both(
        "the last layer learned again, on pictures in which it was exchanged at random",
        "重新学习最后一层，所用图片中它被随机交换",
    ),
    "block": Both(
        "the last layers trained a little, on pictures in which it was exchanged at random",
        "稍微训练最后几层，所用图片中它被随机交换",
    ),
    "guided": Both(
        "the last layers trained a little, and kept from looking at it",
        "稍微训练最后几层，同时限制网络看它",
    ),
    "whole": Both(
        "all layers trained on, on pictures in which it was exchanged at random",
        "继续训练所有层，所用图片中它被随机交换",
    ),
}
"""By name: what a way does about “it”, which is what the answers go by and shouldn't."""

WHY_NOT: Mapping[str, Both] = {
    "not_allowed": Both(
        "left out: it would change how the answer is computed, and not the network's weights (--allow-wrapper)",
        "未尝试：它改变的是回答的计算方式，而不是网络的权重（--allow-wrapper）",
    ),
    "no_time": Both("not tried: the time was over", "未尝试：时间用完"),
    "no_head": Both("not tried: the network has no last layer of its own", "未尝试：网络没有单独的最后一层"),
    "no_block": Both(
        "not tried: what comes before the last layer can't be trained here", "未尝试：这里无法训练最后一层之前的部分"
    ),
    "too_long": Both(
        "not tried: on this machine it would take more than half an hour", "未尝试：在这台机器上要半小时以上"
    ),
    "few_counter_examples": Both(
        "not tried: too few pictures go against what is to be mended", "未尝试：与之相反的图片太少"
    ),
}
"""By code: why a way wasn't tried."""

LACKS: Mapping[str, Both] = {
    "usual": Both("it answers too many usual pictures worse", "平常图片答错的变多"),
    "groups": Both("some kind of picture is still answered much worse than the rest", "仍有一类图片明显答得更差"),
    "effect": Both("the answers still go by it", "回答仍然看它"),
}
"""By code: which bar wasn't passed."""
