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
