"""Class activation maps, in words."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both
from seethrough.show.vocabulary.entry import MethodWords

METHODS: Mapping[str, MethodWords] = {
    "cam": MethodWords(
        Both("CAM", "CAM"),
        Both(
            "What each place of the last layer adds to the answer, read off the last weights; the mean is the answer.",
            "最后一层每个位置给答案增加多少，直接由最后的权重读出；其平均值就是答案。",
        ),
    ),
    "gradcam": MethodWords(
        Both("Grad-CAM", "Grad-CAM"),
        Both(
            "Which places of a deep layer speak for the answer; coarse, because that layer's grid is.",
            "深层特征中哪些位置支持该答案；较粗，因为该层的网格本来就粗。",
        ),
    ),
    "gradcam_pp": MethodWords(
        Both("Grad-CAM++", "Grad-CAM++"),
        Both(
            "Like Grad-CAM, but every instance of the thing counts, small ones too; weaker places are shown more.",
            "类似Grad-CAM，但同类物体的每一个都计入，小的也算；较弱的位置显得更明显。",
        ),
    ),
    "smooth_gradcam_pp": MethodWords(
        Both("Smooth Grad-CAM++", "平滑 Grad-CAM++"),
        Both(
            "Grad-CAM++ with gradients averaged over noisy copies of the picture.",
            "对加噪图片的梯度取平均后的Grad-CAM++。",
        ),
    ),
    "xgradcam": MethodWords(
        Both("XGrad-CAM", "XGrad-CAM"),
        Both(
            "Grad-CAM whose channels count by what they add to the answer, not by their gradient alone.",
            "类似Grad-CAM，但通道按其对答案的实际贡献加权，而不只看梯度。",
        ),
    ),
    "hirescam": MethodWords(
        Both("HiResCAM", "HiResCAM"),
        Both(
            "What each place of a layer adds to the answer, to first order; nothing is smeared between places.",
            "该层每个位置对答案的一阶贡献；不会在位置之间相互涂抹。",
        ),
    ),
    "layercam": MethodWords(
        Both("Layer-CAM", "Layer-CAM"),
        Both(
            "Places whose own gradient is positive; stays fine in early layers too.",
            "自身梯度为正的位置；在较浅的层上也保持精细。",
        ),
    ),
    "finercam": MethodWords(
        Both("Finer-CAM", "Finer-CAM"),
        Both(
            "What speaks for this answer and not for those most like it: the telling details.",
            "支持该答案、却不支持最相似答案的部分：起区分作用的细节。",
        ),
    ),
    "shapleycam": MethodWords(
        Both("Shapley-CAM", "Shapley-CAM"),
        Both(
            "Grad-CAM corrected for how the answer bends; differs where the network is nearly certain.",
            "按答案的弯曲程度修正的Grad-CAM；在网络几乎确信时与之不同。",
        ),
    ),
    "guided_gradcam": MethodWords(
        Both("Guided Grad-CAM", "导向 Grad-CAM"),
        Both(
            "Fine structures within the places that Grad-CAM marks; the structures themselves depend little on the class.",
            "Grad-CAM所标位置内的细节结构；结构本身与类别关系不大。",
        ),
    ),
    "scorecam": MethodWords(
        Both("Score-CAM", "Score-CAM"),
        Both(
            "Channels weighted by what the network answers when it sees only the places where they are active.",
            "只让网络看到某通道激活之处，按它给出的答案为该通道加权。",
        ),
    ),
    "sscam": MethodWords(
        Both("SS-CAM", "SS-CAM"),
        Both(
            "Score-CAM averaged over noisy masks, so that one mask's edges matter less.",
            "对加噪掩模取平均的Score-CAM，单个掩模的边缘影响更小。",
        ),
    ),
    "iscam": MethodWords(
        Both("IS-CAM", "IS-CAM"),
        Both(
            "Score-CAM averaged on the way from an empty picture to the masked one.",
            "从空白图片到被遮图片的路径上取平均的Score-CAM。",
        ),
    ),
    "groupcam": MethodWords(
        Both("Group-CAM", "Group-CAM"),
        Both(
            "What groups of channels show, weighted by how much of the answer comes back in a blurred picture.",
            "通道分组所显示之处，按其在模糊图片中恢复多少答案加权。",
        ),
    ),
    "ablationcam": MethodWords(
        Both("Ablation-CAM", "Ablation-CAM"),
        Both(
            "Channels weighted by what the answer really loses without them; no gradient is used.",
            "按去掉某通道后答案的实际损失加权；不使用梯度。",
        ),
    ),
    "reciprocam": MethodWords(
        Both("Recipro-CAM", "Recipro-CAM"),
        Both(
            "What each place of a layer says for or against the answer when it alone is left.",
            "该层只保留某一位置时，它支持或反对该答案的程度。",
        ),
    ),
    "eigencam": MethodWords(
        Both("Eigen-CAM", "Eigen-CAM"),
        Both(
            "What stands out in the layer at all; the same for every answer asked about.",
            "该层中最突出之处；无论问哪个答案都相同。",
        ),
    ),
    "eigengradcam": MethodWords(
        Both("EigenGrad-CAM", "EigenGrad-CAM"),
        Both(
            "The main pattern in what the layer's places add to the answer.",
            "该层各位置对答案贡献中的主要模式。",
        ),
    ),
    "fem": MethodWords(
        Both("FEM", "FEM"),
        Both(
            "Where the layer's features are unusually strong; the same for every answer asked about.",
            "该层特征异常强烈之处；无论问哪个答案都相同。",
        ),
    ),
}

NOTES: Mapping[str, Both] = {
    "pooled_head": Both(
        "The map's mean is {mean:value}, the answer {score:value}; what is between them is the bias.",
        "该图的平均值为 {mean:value}，答案为 {score:value}；两者之差是偏置。",
    ),
    "compared_with": Both("Compared with outputs {outputs}.", "与输出 {outputs} 比较。"),
}
