"""Path methods, in words."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both
from seethrough.show.vocabulary.entry import MethodWords

METHODS: Mapping[str, MethodWords] = {
    "integrated_gradients": MethodWords(
        Both("Integrated Gradients", "积分梯度"),
        Both(
            "What each pixel adds to the answer on the way from an empty picture; all values sum to the difference.",
            "从空白图片走到这张图片，每个像素给答案增加了多少；全部相加等于两者之差。",
        ),
    ),
    "idgi": MethodWords(
        Both("IDGI", "IDGI"),
        Both(
            "Integrated gradients that count only what moves the answer at each step of the way, so with less noise.",
            "只计入路径每一步中真正改变答案的部分的积分梯度，噪声更少。",
        ),
    ),
    "expected_gradients": MethodWords(
        Both("Expected Gradients", "期望梯度"),
        Both(
            "Integrated gradients averaged over several kinds of empty picture, so that none alone decides what counts as nothing.",
            "对多种“空白图片”的积分梯度取平均，不由其中某一种决定何为“无”。",
        ),
    ),
    "blur_ig": MethodWords(
        Both("Blur-IG", "模糊积分梯度"),
        Both(
            "What comes in as the picture goes from strongly blurred to sharp; the values sum to the answer's rise on the way.",
            "图片从强烈模糊到清晰的过程中加入了什么；数值之和等于答案在途中的上升。",
        ),
    ),
    "guided_ig": MethodWords(
        Both("Guided IG", "引导积分梯度"),
        Both(
            "Integrated gradients on a way that avoids steep places, where noise would be gathered.",
            "沿着避开陡峭处的路径做积分梯度，以免积累噪声。",
        ),
    ),
    "agi": MethodWords(
        Both("AGI", "对抗梯度积分"),
        Both(
            "What would have to change for the network to give one of its next answers instead; needs no empty picture.",
            "要让网络改答其他最可能的类别，需要改变什么；不需要空白图片。",
        ),
    ),
    "xrai": MethodWords(
        Both("XRAI", "XRAI"),
        Both(
            "Regions of the picture, ranked by what they add to the answer on average; each pixel has its region's mean.",
            "按平均贡献排序的图片区域；每个像素取其所在区域的平均值。",
        ),
    ),
    "deeplift": MethodWords(
        Both("DeepLIFT", "DeepLIFT"),
        Both(
            "What each pixel adds to the answer compared with an empty picture, shared out layer by layer; all values sum "
            "to the difference.",
            "与空白图片相比，每个像素给答案增加了多少，逐层分配；全部相加等于两者之差。",
        ),
    ),
    "deeplift_revcancel": MethodWords(
        Both("DeepLIFT RevCancel", "DeepLIFT RevCancel"),
        Both(
            "As DeepLIFT, but what speaks for and what speaks against is followed apart, so that evidence which cancels "
            "out is still seen.",
            "与 DeepLIFT 相同，但支持与反对的部分分开追踪，因此相互抵消的证据仍然可见。",
        ),
    ),
    "deepshap": MethodWords(
        Both("DeepSHAP", "DeepSHAP"),
        Both(
            "DeepLIFT averaged over several baselines, so that the map does not hang on one idea of an empty picture.",
            "对多个基线的 DeepLIFT 取平均，因此结果不依赖于某一种“空白图片”。",
        ),
    ),
}

NOTES: Mapping[str, Both] = {
    "summation_to_delta": Both(
        "The map's values sum to {sum:value}, and the answer rose by {rise:value} above the baseline's: a gap of "
        "{gaps:percent}.",
        "图中数值之和为 {sum:value}，答案比基线高出 {rise:value}：缺口为 {gaps:percent}。",
    ),
}
