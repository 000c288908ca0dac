"""Gradient methods, in words."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both
from seethrough.show.vocabulary.entry import MethodWords

METHODS: Mapping[str, MethodWords] = {
    "saliency": MethodWords(
        Both("Saliency", "显著图"),
        Both(
            "How strongly the answer reacts to a small change of each pixel; bright means sensitive, not in favour.",
            "每个像素微小变化时答案的反应强度；亮表示敏感，不表示支持。",
        ),
    ),
    "input_x_gradient": MethodWords(
        Both("Input × gradient", "输入 × 梯度"),
        Both(
            "Each pixel's value times its gradient: a first-order guess at what the pixel adds to the answer.",
            "像素值乘以其梯度：对该像素给答案贡献多少的一阶估计。",
        ),
    ),
    "guided_backprop": MethodWords(
        Both("Guided backpropagation", "导向反向传播"),
        Both(
            "Fine structures that excite the units on the way to the answer; depends little on the class asked for.",
            "激发通往答案的神经元的细节结构；与所问的类别关系不大。",
        ),
    ),
    "deconvnet": MethodWords(
        Both("DeconvNet", "反卷积网络"),
        Both(
            "The answer projected back through rectified layers; shows structures, and depends little on the class.",
            "将答案经整流层投影回像素；显示结构，与类别关系不大。",
        ),
    ),
    "smoothgrad": MethodWords(
        Both("SmoothGrad", "平滑梯度"),
        Both(
            "The gradient averaged over noisy copies of the picture, so that what stays is less grainy.",
            "对加噪图片的梯度取平均，保留下来的部分颗粒更少。",
        ),
    ),
}

NOTES: Mapping[str, Both] = {}
