"""Perturbation methods, in words."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both
from seethrough.show.vocabulary.entry import MethodWords

METHODS: Mapping[str, MethodWords] = {
    "occlusion": MethodWords(
        Both("Occlusion", "遮挡"),
        Both(
            "How much the answer falls when a window of the picture is covered; measured, not computed by gradient.",
            "遮住图片的一个窗口后答案下降多少；是实测值，不是由梯度算出的。",
        ),
    ),
    "feature_ablation": MethodWords(
        Both("Feature ablation", "特征消融"),
        Both(
            "How much the answer falls when one whole part of the picture (a cell, a superpixel, a mask of yours) is covered.",
            "整块遮住图片的一部分（网格单元、超像素或你给的掩膜）后答案下降多少。",
        ),
    ),
}

NOTES: Mapping[str, Both] = {
    "uncovered": Both(
        "No window or mask covers {share:percent} of the picture; there the map is 0, which says nothing.",
        "图片有 {share:percent} 没有被任何窗口或掩膜遮到；那里图的值为 0，不说明任何问题。",
    ),
    "fill_out_of_range": Both(
        "{setting} runs from {smallest:value} to {largest:value}, far outside what this network is given ({low:value} for black "
        "or white to {high:value}): its answers there are to something that is no picture.",
        "{setting} 的取值为 {smallest:value} 到 {largest:value}，远在该网络的输入范围（黑与白之间：{low:value} 到 {high:value}）"
        "之外：网络所回答的已不是图片。",
    ),
}
