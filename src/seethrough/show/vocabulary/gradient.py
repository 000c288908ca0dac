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
    "smoothgrad_squared": MethodWords(
        Both("SmoothGrad²", "平滑梯度平方"),
        Both(
            "The squared gradient averaged over noisy copies: where the answer is sensitive in either direction.",
            "对加噪图片的梯度平方取平均：无论正负，答案在哪里敏感。",
        ),
    ),
    "vargrad": MethodWords(
        Both("VarGrad", "梯度方差"),
        Both(
            "How much the gradient varies over noisy copies of the picture; bright along what the answer hangs on.",
            "图片加噪后梯度变化的程度；答案所依赖的结构处较亮。",
        ),
    ),
    "forgrad": MethodWords(
        Both("FORGrad", "低通梯度（FORGrad）"),
        Both(
            "Saliency without its fine grain, which comes from pooling and strides rather than from the picture.",
            "去除细碎噪点的显著图；这些噪点多来自池化和步长，而非图片本身。",
        ),
    ),
    "fullgrad": MethodWords(
        Both("FullGrad", "完全梯度（FullGrad）"),
        Both(
            "What pixels add and what every unit's bias adds, put back in place; smooth, and says nothing of for or against.",
            "像素的贡献加上各层偏置的贡献，放回原位；图像平滑，不区分支持与反对。",
        ),
    ),
}

NOTES: Mapping[str, Both] = {
    "full_gradient": Both(
        "Before layers are brought to one height, pixels' and biases' parts sum to {sum:value} ({biases:value} of it from "
        "biases), and the answer is {score:value}: a gap of {gap:percent}.",
        "在各层归一之前，像素与偏置的贡献之和为 {sum:value}（其中偏置 {biases:value}），答案为 {score:value}：缺口为 {gap:percent}。",
    ),
}
