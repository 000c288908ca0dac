"""Layer forms, in words."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both
from seethrough.show.vocabulary.entry import MethodWords

METHODS: Mapping[str, MethodWords] = {
    "layer_gradient_x_activation": MethodWords(
        Both("Layer gradient × activation", "层的梯度 × 激活"),
        Both(
            "Each place of the layer: its activation times its gradient, a first-order guess at what it adds to the answer.",
            "该层每个位置的激活乘以其梯度：对其给答案贡献多少的一阶估计。",
        ),
    ),
    "layer_integrated_gradients": MethodWords(
        Both("Layer Integrated Gradients", "层积分梯度"),
        Both(
            "What each place of the layer adds as its value goes from an empty picture's to this one's.",
            "当该层的值从空白图片变到这张图片时，每个位置给答案增加了多少。",
        ),
    ),
    "layer_conductance": MethodWords(
        Both("Conductance", "传导度"),
        Both(
            "What flows through each place of the layer to the answer on the way from an empty picture to this one.",
            "从空白图片到这张图片的过程中，经由该层每个位置流向答案的部分。",
        ),
    ),
    "internal_influence": MethodWords(
        Both("Internal influence", "内部影响"),
        Both(
            "How strongly the answer reacts to each place of the layer, averaged from an empty picture to this one.",
            "从空白图片到这张图片，答案对该层每个位置的平均敏感程度。",
        ),
    ),
    "layer_deeplift": MethodWords(
        Both("Layer DeepLIFT", "层 DeepLIFT"),
        Both(
            "What each place of the layer adds to the answer compared with an empty picture, in one walk back.",
            "与空白图片相比，该层每个位置给答案增加了多少，一次反向即可得出。",
        ),
    ),
    "layer_occlusion": MethodWords(
        Both("Occlusion at a layer", "层遮挡"),
        Both(
            "How much the answer falls when what the layer found at a place is taken away; measured, not computed by gradient.",
            "去掉该层在某处的激活后答案下降多少；是实测值，不是由梯度算出的。",
        ),
    ),
}

NOTES: Mapping[str, Both] = {}
