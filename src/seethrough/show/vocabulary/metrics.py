"""Metrics of explanations, in words."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both
from seethrough.show.vocabulary.entry import MethodWords

METRICS: Mapping[str, MethodWords] = {
    "deletion": MethodWords(
        Both("Deletion", "删除"),
        Both(
            "How much of the answer is left, on average, while the places that the map ranks first are taken away.",
            "按图的排序逐步去掉最重要的位置时，答案平均还剩多少。",
        ),
    ),
    "insertion": MethodWords(
        Both("Insertion", "插入"),
        Both(
            "How much of the answer is there, on average, while the places that the map ranks first are given back.",
            "按图的排序逐步放回最重要的位置时，答案平均恢复多少。",
        ),
    ),
    "pixel_flipping": MethodWords(
        Both("Pixel flipping", "像素翻转"),
        Both(
            "How much of the answer is left while the first fifth of the places is flipped, the largest first.",
            "从最大值起翻转前五分之一的位置时，答案平均还剩多少。",
        ),
    ),
    "selectivity": MethodWords(
        Both("Selectivity", "选择性"),
        Both(
            "How much of the answer is left while square patches are taken away, that with the largest sum first.",
            "从总和最大的方块起逐块去掉时，答案平均还剩多少。",
        ),
    ),
    "irof": MethodWords(
        Both("IROF", "IROF"),
        Both(
            "How much of the answer is lost while segments are taken away, that with the largest mean first.",
            "从均值最大的分割区域起逐个去掉时，答案平均失去多少。",
        ),
    ),
    "road": MethodWords(
        Both("ROAD", "ROAD"),
        Both(
            "What is left without the least relevant places, less what is left without the most relevant.",
            "去掉最不相关位置后的答案，减去去掉最相关位置后的答案。",
        ),
    ),
    "average_drop": MethodWords(
        Both("Average drop", "平均下降"),
        Both(
            "What part of the answer is lost where only what the map marks is left of the picture.",
            "图片只保留图所标出的部分时，答案失去的比例。",
        ),
    ),
    "average_increase": MethodWords(
        Both("Increase in confidence", "置信度上升"),
        Both(
            "How often the answer rises where only what the map marks is left of the picture.",
            "图片只保留图所标出的部分时，答案上升的频率。",
        ),
    ),
    "faithfulness_correlation": MethodWords(
        Both("Faithfulness correlation", "忠实度相关"),
        Both(
            "Whether what the map says of some places together goes with what the answer loses without them.",
            "图对若干位置之和的说法，与去掉它们后答案的损失是否一致。",
        ),
    ),
    "sensitivity_n": MethodWords(
        Both("Sensitivity-n", "Sensitivity-n"),
        Both(
            "The same over sets of one size after the other, from few places to most.",
            "同上，但依次取从少到多的各种大小的位置集合。",
        ),
    ),
    "infidelity": MethodWords(
        Both("Infidelity", "不忠实度"),
        Both(
            "How far what the map says a square costs is from what its removal really costs; 0 is exact.",
            "图所说的方块代价与真正去掉它的代价相差多少；0 表示完全一致。",
        ),
    ),
    "monotonicity": MethodWords(
        Both("Monotonicity", "单调性"),
        Both(
            "At how many steps the answer doesn't fall while places come back, the least important first.",
            "从最不重要的位置起逐步放回时，有多少步答案没有下降。",
        ),
    ),
    "pointing_game": MethodWords(
        Both("Pointing game", "指向游戏"),
        Both("How often the map's largest value lies on the object.", "图的最大值落在物体上的频率。"),
    ),
    "attribution_localisation": MethodWords(
        Both("Evidence inside", "物体内证据"),
        Both("The share of the evidence for the answer that lies on the object.", "支持答案的证据中落在物体上的比例。"),
    ),
    "relevance_mass": MethodWords(
        Both("Mass inside", "物体内总量"),
        Both(
            "The share of all that the map says, for or against, that lies on the object.",
            "图中正负全部数值的绝对量落在物体上的比例。",
        ),
    ),
    "energy_pointing": MethodWords(
        Both("Energy pointing", "能量指向"),
        Both("The share of the map, scaled to 0…1, that lies on the object.", "把图缩放到 0…1 后落在物体上的比例。"),
    ),
    "relevance_rank": MethodWords(
        Both("Rank accuracy", "排序准确率"),
        Both(
            "Of as many of the map's largest places as the object has pixels, the share that lies on it.",
            "取与物体像素数相同的最大位置，其中落在物体上的比例。",
        ),
    ),
    "top_k_intersection": MethodWords(
        Both("Top-k intersection", "前 k 交集"),
        Both("Of the map's largest places, the share that lies on the object.", "图中最大的若干位置落在物体上的比例。"),
    ),
    "auc": MethodWords(
        Both("AUC", "AUC"),
        Both(
            "How often a pixel of the object has a larger value than one beside it; chance is 0.5.",
            "物体上的像素数值大于物体外像素的概率；随机为 0.5。",
        ),
    ),
    "iou": MethodWords(
        Both("IoU", "交并比"),
        Both(
            "How well the places above a fifth of the largest value cover the object.",
            "大于最大值五分之一的位置与物体重合的程度。",
        ),
    ),
    "max_sensitivity": MethodWords(
        Both("Max-sensitivity", "最大敏感度"),
        Both("How much the map changes at most when the picture hardly does.", "图片几乎不变时，图最多变化多少。"),
    ),
    "avg_sensitivity": MethodWords(
        Both("Average sensitivity", "平均敏感度"),
        Both("How much the map changes on average when the picture hardly does.", "图片几乎不变时，图平均变化多少。"),
    ),
    "local_lipschitz": MethodWords(
        Both("Local Lipschitz", "局部 Lipschitz"),
        Both(
            "The map's largest change for each unit that the picture changes.",
            "图片每变化一个单位时图的最大变化。",
        ),
    ),
    "mprt": MethodWords(
        Both("MPRT", "MPRT"),
        Both(
            "How alike the map stays while the network's weights are drawn anew; 1: it doesn't look at them.",
            "逐层重抽网络权重时图保持相似的程度；1 表示方法不看权重。",
        ),
    ),
    "smprt": MethodWords(
        Both("Smooth MPRT", "平滑 MPRT"),
        Both(
            "The same, of maps averaged over noisy pictures.",
            "同上，但图是在加噪图片上的平均。",
        ),
    ),
    "emprt": MethodWords(
        Both("Efficient MPRT", "高效 MPRT"),
        Both(
            "How much more complex the map becomes without what the network has learned.",
            "去掉网络学到的权重后，图的复杂度上升多少。",
        ),
    ),
    "random_logit": MethodWords(
        Both("Random logit", "随机 logit"),
        Both(
            "How alike the map is to that of another class; 1: it doesn't depend on what was asked.",
            "图与另一个类别的图的相似程度；1 表示与所问无关。",
        ),
    ),
    "sparseness": MethodWords(
        Both("Sparseness", "稀疏度"),
        Both("Into how few places the map puts what it says (Gini index).", "图把内容集中在多少位置上（基尼系数）。"),
    ),
    "entropy_complexity": MethodWords(
        Both("Complexity", "复杂度"),
        Both("Over how many places the map spreads (entropy, in nats).", "图分散在多少位置上（熵，单位 nat）。"),
    ),
    "effective_complexity": MethodWords(
        Both("Effective complexity", "有效复杂度"),
        Both("How many places have more than a hundredth of the largest value.", "数值超过最大值百分之一的位置数。"),
    ),
    "completeness": MethodWords(
        Both("Completeness gap", "完备性差距"),
        Both(
            "What is missing when the map is added up to the answer's rise from the baseline; 0 is nothing.",
            "图的总和与答案相对基线的上升相差多少；0 表示没有差距。",
        ),
    ),
    "non_sensitivity": MethodWords(
        Both("Non-sensitivity", "非敏感性"),
        Both(
            "The share of squares named although nothing changes without them, or passed over although it does.",
            "去掉也无变化却被标出，或有变化却被忽略的方块比例。",
        ),
    ),
    "input_invariance": MethodWords(
        Both("Input invariance", "输入不变性"),
        Both(
            "How much the map changes when a constant is added to the picture and the network takes it off again.",
            "给图片加一个常数、网络再减去它时，图变化多少。",
        ),
    ),
}

FAMILIES: Mapping[str, Both] = {
    "faithfulness": Both("Faithfulness", "忠实度"),
    "localisation": Both("Localisation", "定位"),
    "robustness": Both("Robustness", "稳健性"),
    "randomisation": Both("Randomisation", "随机化"),
    "complexity": Both("Complexity", "复杂度"),
    "axiomatic": Both("Axioms", "公理"),
}

BETTER: Mapping[str, Both] = {
    "higher": Both("higher is better", "越高越好"),
    "lower": Both("lower is better", "越低越好"),
}

NULLS: Mapping[str, MethodWords] = {
    "random": MethodWords(Both("Noise", "噪声"), Both("A map of noise.", "一张噪声图。")),
    "blurred": MethodWords(
        Both("Blurred noise", "模糊噪声"), Both("Noise as smooth as a heat map.", "像热图一样平滑的噪声。")
    ),
    "centre": MethodWords(Both("Centre", "中心"), Both("A hill in the centre.", "中心的一个小丘。")),
    "edges": MethodWords(Both("Edges", "边缘"), Both("The picture's own edges.", "图片自身的边缘。")),
}
"""Maps that know nothing of the network."""

TITLE = Both("How good are the explanations of {network}?", "{network} 的解释有多好？")
EYEBROW = Both("Evaluation", "评测")
LEAD = Both(
    "{methods:count} methods by {metrics:count} metrics over {images:count} pictures.",
    "{methods:count} 种方法，{metrics:count} 项指标，{images:count} 张图片。",
)
BEST = Both("Best by {metric}: {method} ({value:value}).", "按{metric}最好：{method}（{value:value}）。")
NO_BETTER = Both(
    "By {metric} no method is better than a map that knows nothing of the network ({null}: {value:value}).",
    "按{metric}，没有方法好于对网络一无所知的图（{null}：{value:value}）。",
)
PASSED = Both("{count:count} pictures could not be read: {names}.", "{count:count} 张图片无法读取：{names}。")

METHOD, METRIC, FAMILY, WAY, SAYS = (
    Both("Method", "方法"),
    Both("Metric", "指标"),
    Both("Family", "类别"),
    Both("Better", "方向"),
    Both("What it says", "含义"),
)
SECONDS, PASSES_COLUMN = Both("s / picture", "秒/张"), Both("passes", "传播次数")
BEST_METHOD, BEST_NULL = Both("Best method", "最好的方法"), Both("Best map that knows nothing", "最好的一无所知的图")
MEANS, MEANINGS = Both("Means over the pictures", "各图片的平均"), Both("What the metrics say", "指标含义")
NULL_MARK = Both("{name} (knows nothing)", "{name}（一无所知）")
ERRORS = Both("Behind ± stands the standard error of the mean.", "± 后为平均值的标准误。")

KINDS: Mapping[str, Both] = {
    "convolutions": Both("a network of convolutions", "卷积网络"),
    "attention": Both("a network in which places attend to one another", "各位置相互注意的网络"),
    "attention within windows": Both(
        "a network in which places attend to one another within windows", "各位置在窗口内相互注意的网络"
    ),
    "no layers that can be looked at": Both("a network without layers that can be looked at", "无法查看内部层的网络"),
    "no gradient": Both("a network without a gradient", "没有梯度的网络"),
    "no places": Both("a network whose input has no places", "输入没有空间位置的网络"),
}

NOTES: Mapping[str, Both] = {
    "metric_refused": Both("{metric} was left out: {reason}", "未计算 {metric}：{reason}"),
    "evaluated_few": Both(
        "These are only {images:count} pictures; which method is best may be chance. Look at the standard errors.",
        "只有 {images:count} 张图片，哪种方法最好可能出于偶然；请看标准误。",
    ),
    "recommended_where": Both("It answers where the evidence is.", "它回答证据在哪里。"),
    "recommended_adds_up": Both(
        "It says what each place adds, so that it adds up to the answer.", "它说明每个位置贡献多少，总和即为答案。"
    ),
    "recommended_lost": Both(
        "It measures what is really lost when a place is covered.", "它实测遮住某处时真正失去多少。"
    ),
    "recommended_kind": Both(
        "This is {kind}: of the methods of this kind it stands first, or next to those that say less here.",
        "这是{kind}：在适合此类网络的方法中，它排在最前，或仅次于在此说明较少者。",
    ),
    "recommended_checks": Both(
        "Its {of:count} maps here: {carries_weight:count} carrying weight, {with_care:count} with care, {says_nothing:count} "
        "saying nothing.",
        "它在此的 {of:count} 张图：{carries_weight:count} 张可以采信，{with_care:count} 张需谨慎，{says_nothing:count} 张说明不了什么。",
    ),
    "recommended_no_rectifiers": Both(
        "The network has no rectifiers, so guided backpropagation and DeconvNet are the plain gradient here.",
        "该网络没有整流单元，因此导向反向传播和反卷积网络在此等同于普通梯度。",
    ),
    "tuned_better": Both(
        "On {images:count} pictures that didn't choose them, the best of {tried:count} settings of {method} beat its defaults "
        "by {gain:value} ± {error:value}.",
        "在 {images:count} 张未参与选择的图片上，{method} 的 {tried:count} 组设置中最好的一组比默认设置高 {gain:value} ± {error:value}。",
    ),
    "tuned_no_better": Both(
        "On {images:count} pictures that didn't choose them, the best of {tried:count} settings of {method} is no surer than "
        "its defaults ({gain:value} ± {error:value}): the defaults stay.",
        "在 {images:count} 张未参与选择的图片上，{method} 的 {tried:count} 组设置中最好的一组并不确定优于默认设置（{gain:value} ± {error:value}）：保留默认。",
    ),
}
