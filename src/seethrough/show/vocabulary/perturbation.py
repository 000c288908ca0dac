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
    "rise": MethodWords(
        Both("RISE", "RISE"),
        Both(
            "How far the mean answer over random masks that leave a place to be seen lies above the mean over all masks.",
            "在随机掩膜下，某处可见时答案的平均值比全部掩膜的平均值高出多少。",
        ),
    ),
    "lime": MethodWords(
        Both("LIME", "LIME"),
        Both(
            "The slopes of a linear model that imitates the network near this picture, by parts of it that are left or covered.",
            "在这张图片附近用线性模型模仿网络，以各部分保留或遮住为变量；图中为其系数。",
        ),
    ),
    "kernel_shap": MethodWords(
        Both("Kernel SHAP", "Kernel SHAP"),
        Both(
            "Each part's fair share of the answer (Shapley value), by a weighted regression over coalitions of parts; the shares add up.",
            "图片各部分在答案中应得的份额（沙普利值），由各部分组合上的加权回归求得；份额之和等于总变化。",
        ),
    ),
    "shapley_sampling": MethodWords(
        Both("Shapley values by sampling", "沙普利值（抽样）"),
        Both(
            "What each part adds to the answer when it joins the others, averaged over random orders; the shares add up.",
            "各部分按随机次序加入时给答案带来的增量的平均值；份额之和等于总变化。",
        ),
    ),
    "partition_shap": MethodWords(
        Both("Partition SHAP", "Partition SHAP"),
        Both(
            "Shares of the answer among halves, quarters and so on down to cells (Owen values); finest where most is to be shared.",
            "把图片一再对半划分，逐级分配答案的份额（欧文值）；份额大的地方分得最细。",
        ),
    ),
    "sobol": MethodWords(
        Both("Sobol’ indices", "Sobol 指数"),
        Both(
            "How much of the answer's variation under random masks a cell has a hand in; not whether it speaks for or against.",
            "随机遮挡下答案的变化有多少与某个单元有关；不区分支持还是反对。",
        ),
    ),
    "hsic": MethodWords(
        Both("HSIC", "HSIC"),
        Both(
            "How strongly the answer depends on whether a cell is covered, in any way; not whether it speaks for or against.",
            "答案在多大程度上依赖于某个单元是否被遮住（任何形式的依赖）；不区分支持还是反对。",
        ),
    ),
    "extremal_perturbation": MethodWords(
        Both("Extremal perturbation", "极值扰动"),
        Both(
            "Smooth masks of a few given areas that keep as much of the answer as they can; bright is what was needed first.",
            "在给定的几种面积下，尽可能保住答案的平滑掩膜；越亮表示越先需要。",
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
    "efficiency": Both(
        "The parts' values add up to {sum:value}; from the covered picture to this one the answer rises by {rise:value}: a gap of "
        "{gaps:percent}, after {asked:count} coalitions.",
        "各部分数值之和为 {sum:value}；从全部遮住到这张图片，答案上升 {rise:value}：缺口为 {gaps:percent}，共询问了 {asked:count} 种组合。",
    ),
    "all_coalitions": Both(
        "All {count:count} coalitions of the parts are known, so the values are exact.",
        "各部分的全部 {count:count} 种组合都已知，因此数值是精确的。",
    ),
    "sampling_error": Both(
        "Chance alone makes up about {share:percent} of this map's variation with {samples:count} samples; four times as many "
        "halve it.",
        "在 {samples:count} 个样本下，图中变化约有 {share:percent} 只是偶然；样本增至四倍可使其减半。",
    ),
    "linear_fit": Both(
        "The linear model accounts for {share:percent} of how the answers vary over {samples:count} covered pictures.",
        "该线性模型解释了 {samples:count} 张遮挡图片上答案变化的 {share:percent}。",
    ),
    "resolved": Both(
        "With {asked:count} coalitions, {share:percent} of what was to be shared came down to single cells; the rest is shared equally "
        "within its part.",
        "询问 {asked:count} 种组合后，应分配的份额有 {share:percent} 已落到单个单元；其余在所属部分内平均分配。",
    ),
    "enough": Both(
        "Where the best {area:percent} of the picture are left the answer is {answer:value}; it is {whole:value} for the whole "
        "picture and {covered:value} where all is covered.",
        "只留下图片中最关键的 {area:percent} 时答案为 {answer:value}；整张图片为 {whole:value}，全部遮住为 {covered:value}。",
    ),
}
