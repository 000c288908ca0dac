"""What the lower floors say as data, in words: methods, notes, regions, units, and the labels of the page's controls.

Every table goes from an identifier to its text in both languages. An identifier that no table knows is shown plainly,
with its numbers, so that nothing is hidden because somebody forgot to word it.
"""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.results import Attribution, Note, Target
from seethrough.show import vocabulary
from seethrough.show.language import Both, measured, plain
from seethrough.show.vocabulary import METHODS, MethodWords

NOTES: Mapping[str, Both] = {
    **vocabulary.NOTES,
    "wall_few": Both(
        "With {count:count} images neighbourhoods mean little, so they are laid out by PCA (fewer than {few:count}).",
        "只有 {count:count} 张图片，邻近关系意义不大，故用 PCA 排布（少于 {few:count} 张时如此）。",
    ),
    "wall_alike": Both(
        "All {count:count} images give the same numbers at this layer; where they hang says nothing.",
        "全部 {count:count} 张图片在该层给出相同的数值；它们的位置没有意义。",
    ),
    "truth_groups": Both(
        "The folders ({count:count}: {some}) are no classes of this network, so they are groups to look at, and nothing is "
        "called right or wrong.",
        "文件夹（{count:count} 个：{some}）不是该网络的类别，因此只作为分组，不判断对错。",
    ),
    "truth_unmatched": Both(
        "{count:count} of the classes given are none of the network's ({some}); their images are called neither right nor "
        "wrong.",
        "所给类别中有 {count:count} 个不是该网络的类别（{some}）；这些图片不判断对错。",
    ),
    "random_weights": Both(
        "The weights are random: nothing was learned, and the maps mean nothing.",
        "权重是随机的：网络没有学过任何东西，图没有意义。",
    ),
    "units_passed": Both(
        "{count:count} pictures could not be read and were passed by; the first is {name}: {reason}",
        "有 {count:count} 张图片无法读取，已跳过；第一张是 {name}：{reason}",
    ),
    "units_silent": Both(
        "{count:count} of {of:count} units of {layer} fire on none of these pictures: nothing is known of what they look for.",
        "{layer} 的 {of:count} 个单元中有 {count:count} 个在这些图片上从不激活：无法得知它们在寻找什么。",
    ),
    "units_not_rectified": Both(
        "The values of {layer} can be negative, so that zero isn't silence there; the layer behind its activation function "
        "tells more.",
        "{layer} 的值可以为负，零并不表示静默；激活函数之后的层更能说明问题。",
    ),
    "units_at_ceiling": Both(
        "{count:count} of {of:count} units of {layer} reach their largest value on more pictures than are shown (a ceiling, "
        "such as that of ReLU6): their best pictures are the first of those. The layer before the activation tells them apart.",
        "{layer} 的 {of:count} 个单元中有 {count:count} 个在多于所示数量的图片上达到最大值（上限，例如 ReLU6 的上限）："
        "所示只是其中最前面的几张。激活函数之前的层可以区分它们。",
    ),
    "units_behind_answer": Both(
        "The answer does not depend on {layer}, so that no unit of it is relevant for the answer.",
        "回答不依赖于 {layer}，因此它的单元与回答都不相关。",
    ),
    "units_without_classes": Both(
        "No two classes have at least 5 pictures each, so the selectivity of the units of {layer} can't be told.",
        "没有两个各含至少 5 张图片的类别，因此无法得知 {layer} 各单元的选择性。",
    ),
    "weights_not_finite": Both(
        "{layers:count} of the network's layers hold weights that are not numbers (the first is “{layer}”), so its "
        "answers and the maps mean nothing.",
        "网络有 {layers:count} 个层含有非数值的权重（第一个是“{layer}”），回答和图都没有意义。",
    ),
    "explained_in_float32": Both(
        "The network computes in {dtype} ({layers:count} layers); it is explained in a float32 copy with the same weights.",
        "网络以 {dtype} 计算（{layers:count} 个层）；此处用权重相同的 float32 副本来解释。",
    ),
    "state_dict_unwrapped": Both(
        "The weights were found under the key “{key}” of the file.", "权重取自文件中的键“{key}”。"
    ),
    "prefix_removed": Both(
        "The prefix “{prefix}” was taken off the names of the weights.", "已去掉权重名称的前缀“{prefix}”。"
    ),
    "torchvision_without_operators": Both(
        "The installed torchvision was compiled for another build of PyTorch: its own operators (non-maximum suppression, "
        "region pooling) are missing, which only networks that detect need.",
        "所安装的 torchvision 是为另一个 PyTorch 构建版本编译的：缺少其自带算子（非极大值抑制、区域池化），只有检测网络需要它们。",
    ),
    "assumed_preprocessing": Both(
        "Nobody said how this network wants its pictures; preprocessing “{preprocessing}” was assumed.",
        "没有说明该网络如何预处理图片；假定为“{preprocessing}”。",
    ),
    "half_precision": Both(
        "The file keeps its weights in half precision; they were computed with in single precision.",
        "文件中的权重为半精度；计算时使用单精度。",
    ),
    "not_checked": Both(
        "The network was not held against onnxruntime, which is not installed or can't take a network so large.",
        "未与 onnxruntime 核对：它没有安装，或无法载入这么大的网络。",
    ),
    "one_batch_size": Both(
        "The file was written for {batch:count} images at a time; more are sent through in parts.",
        "该文件按每次 {batch:count} 张图片编写；更多图片会分批送入。",
    ),
    "assumed_input_size": Both(
        "Nobody said how large this function wants its pictures; {side:count} × {side:count} pixels were assumed.",
        "没有说明该函数需要多大的图片；假定为 {side:count} × {side:count} 像素。",
    ),
    "answers_vary": Both(
        "Asked twice about the same picture, the function gave answers that differ by up to {difference:value}; maps of "
        "it hold as much chance.",
        "对同一张图片询问两次，该函数的回答相差可达 {difference:value}；图中含有同样程度的随机性。",
    ),
    "range_does_not_fit": Both(
        "The picture's numbers run from {low:value} to {high:value}, but the network expects {expected_low:value} to "
        "{expected_high:value}; its answer may mean nothing.",
        "图片数值范围为 {low:value} 到 {high:value}，而网络需要 {expected_low:value} 到 {expected_high:value}；回答可能没有意义。",
    ),
    "picture_from_tensor": Both(
        "A ready tensor was given; the picture was made of its numbers.", "给出的是张量；图片由其数值还原。"
    ),
    "stretched_to_pixels": Both(
        "Its numbers, from {low:value} to {high:value}, were stretched to the range of pixels to draw it.",
        "其数值（{low:value} 到 {high:value}）被拉伸到像素范围以便绘制。",
    ),
    "turned_by_exif": Both("The picture was turned upright as its EXIF data say.", "已按 EXIF 信息将图片转正。"),
    "transparency": Both(
        "The picture is transparent on {share:percent} of its area; it was laid on white.",
        "图片有 {share:percent} 的面积透明；已置于白色背景上。",
    ),
    "animated": Both(
        "The picture has {frames:count} frames; the first was taken.", "图片有 {frames:count} 帧；取第一帧。"
    ),
    "sixteen_bit": Both("16-bit values were scaled to 8 bits.", "16 位数值已缩放为 8 位。"),
    "float_pixels": Both(
        "The picture's numbers were scaled so that {white:value} is white.", "图片数值已缩放，使 {white:value} 为白色。"
    ),
    "converted": Both("The picture was converted from {mode} to RGB.", "图片已从 {mode} 转换为 RGB。"),
    "greyscale": Both("The picture is grey; its one channel was taken three times.", "图片为灰度；单通道重复三次。"),
    "colour_profile_ignored": Both(
        "The picture has the colour profile “{profile}”, which was not applied.",
        "图片带有颜色配置“{profile}”，未被应用。",
    ),
    "cropped": Both(
        "The network saw only a part of the picture; what it did not see is grey.",
        "网络只看到了图片的一部分；没有看到的部分为灰色。",
    ),
    "output_chosen": Both(
        "The network gives several outputs; “{output}” was taken, and there are also: {others}.",
        "该网络有多个输出；采用“{output}”，另有：{others}。",
    ),
    "mean_over_places": Both(
        "The network answers at each of {places} places; the scores shown are their means.",
        "该网络在 {places} 个位置分别作答；所示分数为其平均值。",
    ),
    "nan_output": Both("The network answered with values that are not numbers.", "网络给出的输出含有非数值。"),
    "nan_map": Both("The map holds values that are not numbers.", "图中含有非数值。"),
    "flat_map": Both("The map is zero everywhere.", "图处处为零。"),
    "completeness": Both(
        "The map's values sum to {sum:value}, and the answer rose by {rise:value} above the baseline's: a gap of "
        "{gaps:percent} after {steps:count} steps.",
        "图中数值之和为 {sum:value}，答案比基线高出 {rise:value}：{steps:count} 步后的缺口为 {gaps:percent}。",
    ),
    "path_sureness": Both(
        "By how its gradients differ from point to point of the path, the map's values are expected to be off by "
        "{off:percent} of their length.",
        "由路径上相邻各点梯度的差异估计，图中数值的误差约为其长度（范数）的 {off:percent}。",
    ),
    "layers_by_size": Both(
        "No layer was named, so the last one of each size of map is shown ({layers:count}).",
        "未指定层，因此显示每种特征图尺寸的最后一层（共 {layers:count} 层）。",
    ),
    "layers_left_out": Both(
        "{layers:count} of the layers that were named are left out, since they give nothing that depends on the picture "
        "({names}).",
        "所指定的层中有 {layers:count} 个被略去，因为它们不给出取决于图片的值（{names}）。",
    ),
    "activations_not_finite": Both(
        "{layers:count} layers give values that are not finite numbers (the first is “{layer}”); they are grey.",
        "{layers:count} 个层给出了非有限的数值（第一个是“{layer}”）；以灰色表示。",
    ),
    "kernels_in_bgr": Both(
        "The network takes blue, green, red; its kernels are drawn with red as red.",
        "该网络的输入顺序为蓝、绿、红；绘制时红色仍为红色。",
    ),
    "kernels_assumed_rgb": Both(
        "Nothing says how this network wants its pictures; its channels are taken as red, green, blue. If it takes blue first, say "
        "preprocessing='caffe' when opening it.",
        "没有信息说明该网络如何预处理图片；通道按红、绿、蓝理解。若蓝色在前，请在打开时指定 preprocessing='caffe'。",
    ),
    "layer_chosen": Both(
        "Layer “{layer}” was chosen: the last one with height and width.", "选用层“{layer}”：最后一个有高和宽的层。"
    ),
    "left_out": Both("{method} was left out: it needs {needs}.", "未使用{method}：它需要{needs}。"),
    "left_out_together": Both("{methods} were left out: they need {needs}.", "未使用{methods}：它们需要{needs}。"),
    "over_budget_together": Both(
        "{methods} were left out: even at their cheapest they take longer than the budget holds.",
        "未使用{methods}：即使取最省的设置也超出时间预算。",
    ),
    "no_rectifier": Both(
        "The network has no rectifier before its answer, so {method} is here no more than the plain gradient.",
        "网络在输出之前没有整流单元，因此{method}在此等同于普通梯度。",
    ),
    "other_activations": Both(
        "{method} changes rectifiers only; the network also has {activations}, which it leaves as they are.",
        "{method}只改变整流单元；网络还含有 {activations}，保持不变。",
    ),
    "softmax_looked_through": Both(
        "The question was put to the logits, before the final softmax.", "问题针对最后 softmax 之前的 logit。"
    ),
    "saturated_softmax": Both(
        "The softmax is saturated: its gradients nearly vanish, so maps of the probability say little.",
        "softmax 已饱和：梯度几乎消失，对概率求得的图说明不了什么。",
    ),
    "recorded_for_one_image": Both(
        "The network could not be written down for every image, so its operations on this one were ({reason}).",
        "该网络无法对任意图片记录，只记录了对这张图片的运算（{reason}）。",
    ),
    "smaller_batches": Both(
        "At most {together:count} images went through the network at once, so that it fits into {limit}.",
        "每次最多让 {together:count} 张图片通过网络，以便放入 {limit} 内存。",
    ),
    "folders_unreadable": Both(
        "Folders that can't be entered: {count:count} ({folders}); their pictures are missing.",
        "有 {count:count} 个文件夹无法进入（{folders}），其中的图片没有计入。",
    ),
    "labels_without_picture": Both(
        "Of {all:count} labels {count:count} belong to no picture here (for example {examples}).",
        "{all:count} 个标签中有 {count:count} 个找不到对应的图片（例如 {examples}）。",
    ),
    "pictures_without_label": Both(
        "Of {all:count} pictures {count:count} have no label (for example {examples}), so that their class is unknown.",
        "{all:count} 张图片中有 {count:count} 张没有标签（例如 {examples}），类别未知。",
    ),
    "few_images": Both(
        "Only {images:count} pictures were looked at; of fewer than {wanted:count} it isn't said which units never fire.",
        "只看了 {images:count} 张图片；少于 {wanted:count} 张时不判断哪些单元从不激活。",
    ),
    "maximized_range_assumed": Both(
        "Nobody said how this network wants its pictures; its input was taken to run from {low:value} to {high:value}.",
        "没有说明该网络如何预处理图片；假定其输入范围为 {low:value} 到 {high:value}。",
    ),
    "maximized_other_size": Both(
        "The pictures are of {size} pixels, the network's own size is {own}.",
        "图片为 {size} 像素，网络自身的尺寸为 {own}。",
    ),
    "maximized_rectifier": Both(
        "Where a rectifier was closed, {share:percent} of the gradient passed it on the way back, so that silent units can be "
        "woken; the numbers are the layer's own.",
        "在关闭的整流单元处，反向时让 {share:percent} 的梯度通过，以便唤醒沉默的单元；数值仍是该层自身的。",
    ),
    "maximized_silent": Both(
        "{count:count} could not be excited at all ({names}): nothing that was tried makes them fire.",
        "有 {count:count} 个完全无法激发（{names}）：所有尝试都没有让它们激活。",
    ),
    "maximized_below_real": Both(
        "{count:count} of {total:count} pictures reach less than the best real one ({names}); these say little about what "
        "their units look for. More steps, or fewer transforms, may help.",
        "{total:count} 张图片中有 {count:count} 张低于真实最佳（{names}），几乎说明不了其单元在寻找什么。可尝试更多步数或更少变换。",
    ),
    "maximized_one_octave": Both(
        "The network takes pictures of {size} alone, so it dreamt at that one size.",
        "该网络只接受 {size} 的图片，因此只在这一个尺寸上“做梦”。",
    ),
    "maximized_first_channels": Both(
        "The first {shown:count} of the layer's {total:count} channels are shown; others are made when they are named.",
        "展示该层 {total:count} 个通道中的前 {shown:count} 个；指定其他通道即可生成。",
    ),
    "black_box": Both("The network was called as a black box ({reason}).", "网络被当作黑箱调用（{reason}）。"),
}

NEEDS: Mapping[str, Both] = {
    "a gradient from the answer to the image": Both("a gradient from the answer to the image", "从答案到图像的梯度"),
    "inputs with height and width": Both("inputs with height and width", "有高和宽的输入"),
    "a layer with height and width": Both("a layer with height and width", "有高和宽的层"),
    "a layer": Both("a layer", "一个层"),
    "a network that can be written down, operation by operation": Both(
        "a network that can be written down, operation by operation", "可以逐个运算写下来的网络"
    ),
    "average pooling over the places of a layer, with one linear layer behind it": Both(
        "average pooling over the places of a layer, with one linear layer behind it",
        "对某层各位置做平均池化、其后只有一个线性层的网络",
    ),
    "attention among the picture's places": Both("attention among the picture's places", "图片各位置之间的注意力"),
}
"""What a method can't do without, as `attribution` names it."""

LEFT_OUT_COUNT = Both("{count:count} methods were left out", "未使用的方法：{count:count} 种")
LEFT_OUT_ONE = Both("1 method was left out", "未使用的方法：1 种")

REGIONS: Mapping[str, Both] = {
    "upper_left": Both("in the upper left ninth", "左上九分之一处"),
    "upper_centre": Both("in the upper middle ninth", "中上九分之一处"),
    "upper_right": Both("in the upper right ninth", "右上九分之一处"),
    "middle_left": Both("in the left middle ninth", "左侧居中九分之一处"),
    "centre": Both("in the central ninth", "正中九分之一处"),
    "middle_right": Both("in the right middle ninth", "右侧居中九分之一处"),
    "lower_left": Both("in the lower left ninth", "左下九分之一处"),
    "lower_centre": Both("in the lower middle ninth", "中下九分之一处"),
    "lower_right": Both("in the lower right ninth", "右下九分之一处"),
    "upper_left_quarter": Both("in the upper left quarter", "左上四分之一处"),
    "upper_right_quarter": Both("in the upper right quarter", "右上四分之一处"),
    "lower_left_quarter": Both("in the lower left quarter", "左下四分之一处"),
    "lower_right_quarter": Both("in the lower right quarter", "右下四分之一处"),
}

QUANTITIES: Mapping[str, Both] = {
    "logit": Both("logit", "logit"),
    "probability": Both("probability", "概率"),
    "output": Both("output", "输出"),
    "activation": Both("activation", "激活值"),
    "similarity": Both("cosine similarity", "余弦相似度"),
}

PER_INPUT = Both("{quantity} per unit of input", "每单位输入的 {quantity}")

NO_UNIT = Both("no unit: an order of places", "无单位：只表示位置的先后")

LEGEND_SIGNED = Both("against ← 0 → for", "反对 ← 0 → 支持")
LEGEND_EVIDENCE = Both("0 → evidence for", "0 → 支持证据")
LEGEND_INFLUENCE = Both("0 → influence", "0 → 影响")
LEGEND_CLIPPED = Both(
    "Colours end at {limit:value}, the 99.5th percentile; values run from {smallest:value} to {largest:value}.",
    "颜色止于 {limit:value}（第 99.5 百分位）；数值范围 {smallest:value} 到 {largest:value}。",
)
LEGEND_WHOLE = Both(
    "Colours end at the largest value; values run from {smallest:value} to {largest:value}.",
    "颜色止于最大值；数值范围 {smallest:value} 到 {largest:value}。",
)

WATERMARK = Both("RANDOM WEIGHTS", "随机权重")


NUMBERS: Mapping[str, Both] = {
    "score": Both("{quantity} of “{label}”", "“{label}”的 {quantity}"),
    "for": Both("sum of the map's positive values", "图中正值之和"),
    "against": Both("sum of the map's negative values", "图中负值之和"),
    "limits": Both("scale", "刻度"),
    "unit": Both("unit", "单位"),
    "layer": Both("layer", "层"),
    "seen": Both("seen by the network", "网络看到的部分"),
    "passes": Both("images sent through", "通过网络的图片数"),
    "passes_value": Both(
        "{forward:count} forward, {backward:count} walked back", "前向 {forward:count}，反向 {backward:count}"
    ),
    "check": Both("check", "检查"),
}
"""Names of the rows in the small table under a map."""


def method_words(method: str) -> MethodWords:
    """Name and one line for a method; one that the table does not know goes by its identifier."""
    return METHODS.get(method) or MethodWords(Both(plain(method), plain(method)), Both("", ""))


def note_words(note: Note) -> Both:
    """A note as a sentence in both languages; shown plainly where unknown, or without the numbers its text needs."""
    text = NOTES.get(note.name)
    if text is not None:
        try:
            return text.fill(**{key: _in_words(key, number) for key, number in note.numbers.items()})
        except (KeyError, TypeError, ValueError):
            pass  # its numbers are other ones than the text speaks of: all of them are shown instead
    shown = "; ".join(f"{plain(k)}: {_number(v)}" for k, v in note.numbers.items())
    name = plain(note.name).replace("_", " ")
    line = f"{name} ({shown})" if shown else name
    return Both(line, line)


def unit_words(attribution: Attribution, target: Target) -> Both:
    """The unit of a map's values: the target's, the target's per unit of input, or none."""
    quantity = QUANTITIES.get(target.quantity) or Both(plain(target.quantity), plain(target.quantity))
    measures = _measures(attribution.method)
    return PER_INPUT.fill(quantity=quantity) if measures == "slope" else NO_UNIT if measures == "rank" else quantity


def is_influence(attribution: Attribution) -> bool:
    """Whether the map tells how strongly the answer reacts, not what speaks for it: an unsigned map of gradients."""
    return not attribution.signed and _measures(attribution.method) == "slope"


def _measures(method: str) -> str:
    """What the numbers of a method's maps are (`Method.measures`)."""
    from seethrough.attribution import METHODS  # here, since it brings torch, which who shows words may not need

    return METHODS[method].measures if method in METHODS else "target"


def family_of(method: str) -> str:
    """The family of a method (`Method.family`); of an unknown one its own name."""
    from seethrough.attribution import METHODS  # here, as above

    return METHODS[method].family if method in METHODS else method


def legend_words(attribution: Attribution) -> Both:
    """What the two ends of the colours mean."""
    if attribution.signed:
        return LEGEND_SIGNED
    return LEGEND_INFLUENCE if is_influence(attribution) else LEGEND_EVIDENCE


def _in_words(key: str, number: object) -> object:
    """A note's number that is itself an identifier, as its words."""
    if key == "method" and isinstance(number, str):
        return method_words(number).name
    if key == "methods" and isinstance(number, list):
        names = [method_words(method).name for method in number]
        return Both(", ".join(name.en for name in names), "、".join(name.zh for name in names))
    if key == "needs" and isinstance(number, str):
        return NEEDS.get(number, number)
    if key == "kind" and isinstance(number, str):
        return vocabulary.metrics.KINDS.get(number, number)
    return number


def _number(thing: object) -> str:
    if isinstance(thing, float):
        return measured(thing)
    return plain(thing)
