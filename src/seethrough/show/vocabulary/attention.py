"""Attention methods, in words."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both
from seethrough.show.vocabulary.entry import MethodWords

METHODS: Mapping[str, MethodWords] = {
    "attention_rollout": MethodWords(
        Both("Attention rollout", "注意力展开"),
        Both(
            "From which places information flows to the answer through all attentions; the same for every answer.",
            "信息经所有注意力层从哪些位置流向答案；无论问哪个答案都相同。",
        ),
    ),
    "generic_attention": MethodWords(
        Both("Generic attention", "通用注意力解释"),
        Both(
            "What flows through the attentions, counted only where more of it would raise the answer.",
            "经各注意力层流动的信息，只计入增加它会提高答案之处。",
        ),
    ),
    "attention_gradcam": MethodWords(
        Both("Attention Grad-CAM", "注意力 Grad-CAM"),
        Both(
            "Where the heads of the last attention look that speak for the answer; earlier layers are left out.",
            "最后一层注意力中支持该答案的各头所看之处；不计更早的层。",
        ),
    ),
    "legrad": MethodWords(
        Both("LeGrad", "LeGrad"),
        Both(
            "Places that raise the answer when a block attends to them more, averaged over the blocks.",
            "某块对其多加注意会提高答案的位置，对各块取平均。",
        ),
    ),
    "vit_cx": MethodWords(
        Both("ViT-CX", "ViT-CX"),
        Both(
            "How much of the answer is there when only parts that the features tell apart are seen.",
            "只看特征所区分出的各部分时，答案还剩多少。",
        ),
    ),
}

NOTES: Mapping[str, Both] = {}
