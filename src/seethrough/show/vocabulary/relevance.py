"""Relevance methods, in words."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both
from seethrough.show.vocabulary.entry import MethodWords

METHODS: Mapping[str, MethodWords] = {
    "lrp_zero": MethodWords(
        Both("LRP-0", "LRP-0"),
        Both(
            "The answer handed down layer by layer, each input by its part; in deep networks a noisy picture.",
            "将答案逐层向下分配，每个输入按其贡献分得；在深层网络中噪声较大。",
        ),
    ),
    "lrp_epsilon": MethodWords(
        Both("LRP-ε", "LRP-ε"),
        Both(
            "The answer handed down layer by layer, each input by its part; what is weak and contradictory is left out.",
            "将答案逐层向下分配，每个输入按其贡献分得；微弱而矛盾的部分被略去。",
        ),
    ),
    "lrp_gamma": MethodWords(
        Both("LRP-γ", "LRP-γ"),
        Both(
            "The answer handed down layer by layer, with more weight for what speaks for it.",
            "将答案逐层向下分配，支持的部分权重更大。",
        ),
    ),
    "lrp_alpha_beta": MethodWords(
        Both("LRP-αβ", "LRP-αβ"),
        Both(
            "The answer handed down layer by layer, what speaks for and what speaks against it weighed apart.",
            "将答案逐层向下分配，支持与反对的部分分别加权。",
        ),
    ),
    "lrp_z_plus": MethodWords(
        Both("LRP-z⁺", "LRP-z⁺"),
        Both(
            "The answer handed down layer by layer, only to what speaks for it; steady, and depends little on the class.",
            "将答案逐层向下分配，只分给支持的部分；稳定，但与类别关系不大。",
        ),
    ),
    "lrp_z_box": MethodWords(
        Both("LRP-zᴮ", "LRP-zᴮ"),
        Both(
            "As LRP-ε; at the pixels it counts how far each is from the darkest and the brightest it could be.",
            "与 LRP-ε 相同；在像素层，计入每个像素与其可能的最暗和最亮值的距离。",
        ),
    ),
    "lrp_w_square": MethodWords(
        Both("LRP-w²", "LRP-w²"),
        Both(
            "The answer handed down by the weights alone, whatever the pixels are; where the network looks, not what it sees.",
            "仅按权重将答案向下分配，与像素取值无关；表示网络看向哪里，而不是看到什么。",
        ),
    ),
    "lrp_flat": MethodWords(
        Both("LRP-flat", "LRP-flat"),
        Both(
            "The answer spread evenly over all that each unit sees; a coarse hint at where it looks.",
            "将答案平均分给每个单元所见的全部输入；粗略提示网络看向哪里。",
        ),
    ),
    "lrp_epsilon_plus": MethodWords(
        Both("LRP-EpsilonPlus", "LRP-EpsilonPlus"),
        Both(
            "Which parts speak for the answer: z⁺ in the convolutions, ε in the linear layers.",
            "哪些部分支持该答案：卷积层用 z⁺ 规则，全连接层用 ε 规则。",
        ),
    ),
    "lrp_epsilon_plus_flat": MethodWords(
        Both("LRP-EpsilonPlusFlat", "LRP-EpsilonPlusFlat"),
        Both(
            "Which parts speak for the answer: z⁺ in the convolutions, ε in the linear layers, spread evenly at the pixels.",
            "哪些部分支持该答案：卷积层用 z⁺ 规则，全连接层用 ε 规则，在像素处平均分配。",
        ),
    ),
    "lrp_epsilon_gamma_box": MethodWords(
        Both("LRP-EpsilonGammaBox", "LRP-EpsilonGammaBox"),
        Both(
            "Which parts speak for and against the answer: γ in the convolutions, ε in the linear layers, the range of "
            "pixels at the image.",
            "哪些部分支持或反对该答案：卷积层用 γ 规则，全连接层用 ε 规则，在图像处考虑像素的取值范围。",
        ),
    ),
    "lrp_epsilon_alpha2_beta1": MethodWords(
        Both("LRP-EpsilonAlpha2Beta1", "LRP-EpsilonAlpha2Beta1"),
        Both(
            "What speaks for and against the answer, weighed two to one in the convolutions; grows unsteady with depth.",
            "支持与反对的部分，在卷积层按二比一加权；网络越深越不稳定。",
        ),
    ),
    "lrp_epsilon_alpha2_beta1_flat": MethodWords(
        Both("LRP-EpsilonAlpha2Beta1Flat", "LRP-EpsilonAlpha2Beta1Flat"),
        Both(
            "What speaks for and against the answer, weighed two to one in the convolutions, spread evenly at the pixels.",
            "支持与反对的部分，在卷积层按二比一加权，在像素处平均分配。",
        ),
    ),
    "lrp": MethodWords(
        Both("Relevance (LRP)", "相关性传播（LRP）"),
        Both(
            "The answer handed down layer by layer to the pixels, by the rules that suit this network.",
            "按适合该网络的规则，将答案逐层分配到像素。",
        ),
    ),
    "attnlrp": MethodWords(
        Both("AttnLRP", "AttnLRP"),
        Both(
            "Which patches of a transformer speak for and against the answer, handed down through attention itself.",
            "Transformer 的哪些图块支持或反对该答案，穿过注意力机制本身逐层分配。",
        ),
    ),
    "excitation_backprop": MethodWords(
        Both("Excitation backprop", "激励反向传播"),
        Both(
            "Where the units lie that excite the answer, and those that excite them; nothing that inhibits is shown.",
            "激发该答案的神经元，以及激发它们的神经元所在的位置；不显示起抑制作用的部分。",
        ),
    ),
    "contrastive_excitation_backprop": MethodWords(
        Both("Contrastive excitation backprop", "对比激励反向传播"),
        Both(
            "Where what excites this answer lies, less what would excite its opposite.",
            "激发该答案的部分所在的位置，减去会激发其对立面的部分。",
        ),
    ),
    "deep_taylor": MethodWords(
        Both("Deep Taylor decomposition", "深度泰勒分解"),
        Both(
            "Which pixels the answer stands on: steady, never negative, without contradictions.",
            "该答案依据哪些像素：稳定、非负、没有相互矛盾的部分。",
        ),
    ),
    "lrp_conditional": MethodWords(
        Both("Conditional relevance (CRP)", "条件相关性（CRP）"),
        Both(
            "The part of the answer that goes through chosen channels of one layer, handed down to the pixels.",
            "答案中经过某一层选定通道的部分，逐层分配到像素。",
        ),
    ),
}

NOTES: Mapping[str, Both] = {
    "taylor_biases": Both(
        "Deep Taylor has a root to expand at where a unit's bias is at most zero; {above:count} of {biases:count} biases are "
        "above zero, and there it is a rule without that reason.",
        "当神经元的偏置不大于零时，深度泰勒分解有可展开的根；{biases:count} 个偏置中有 {above:count} 个大于零，"
        "在那里它只是一条没有该依据的规则。",
    ),
    "conservation": Both(
        "The map's values sum to {sum:value}, and the answer is {score:value}: a ratio of {ratio:value}. What is missing "
        "or too much was absorbed or added by biases and stabilisers on the way.",
        "图中数值之和为 {sum:value}，答案为 {score:value}：比值 {ratio:value}。缺少或多出的部分由途中的偏置和稳定项吸收或添加。",
    ),
    "through_channels": Both(
        "Of the answer {score:value}, {through:value} goes through the chosen channels of “{layer}” ({channels}), and "
        "{sum:value} arrived at the pixels.",
        "在答案 {score:value} 中，有 {through:value} 经过“{layer}”的选定通道（{channels}），到达像素的为 {sum:value}。",
    ),
}
