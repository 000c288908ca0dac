"""What a check found, in words: names of claims, what is, and a sentence for each finding that says what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seethrough.anatomy.findings import Claim, Finding
from seethrough.show.language import Both, measured, plain

FIRST = 4
"""Layers and sizes that are named before the rest is counted."""

CLAIMS: Mapping[str, Both] = {
    "frozen": Both("frozen", "冻结"),
    "trainable": Both("trainable", "可训练"),
    "input": Both("input", "输入"),
    "outputs": Both("outputs", "输出"),
    "classes": Both("classes", "类别"),
    "ending": Both("ends with", "末端"),
    "weights": Both("weights", "权重"),
    "wiring": Both("wiring", "连接"),
    "training": Both("training", "训练"),
}

FOUND: Mapping[str, Both] = {
    "frozen": Both(
        "{training_layers:count} of {layers:count} layers train: {training_parameters:count} of {parameters:count} "
        "parameters",
        "{layers:count} 层中有 {training_layers:count} 层在训练：{parameters:count} 个参数中的 {training_parameters:count} 个",
    ),
    "trainable": Both(
        "{training_layers:count} of {layers:count} layers train: {training_parameters:count} of {parameters:count} "
        "parameters",
        "{layers:count} 层中有 {training_layers:count} 层在训练：{parameters:count} 个参数中的 {training_parameters:count} 个",
    ),
    "input": Both("{size} is taken", "接受 {size}"),
    "outputs": Both("{outputs:count}", "{outputs:count} 个"),
    "classes": Both(
        "{names:count} names for {outputs:count} outputs", "{names:count} 个名称对应 {outputs:count} 个输出"
    ),
    "ending": Both("{activation}", "{activation}"),
    "weights": Both(
        "{parameters:count} parameters in {arrays:count} arrays", "{arrays:count} 个数组，共 {parameters:count} 个参数"
    ),
    "wiring": Both("{used:count} of {layers:count} layers are used", "{layers:count} 层中用到 {used:count} 层"),
    "training": Both(
        "batch normalisation × {normalisations:count}, dropout × {dropouts:count}",
        "批归一化 × {normalisations:count}，dropout × {dropouts:count}",
    ),
}

REFUSED = Both("{size} is refused", "拒绝 {size}")
LOGITS = Both("raw numbers (logits)", "原始数值（logit）")

VERDICTS: Mapping[str, Both] = {
    "holds": Both("yes", "是"),
    "doubtful": Both("doubtful", "存疑"),
    "fails": Both("no", "否"),
    "unchecked": Both("not checked", "未检查"),
}

LEVELS: Mapping[str, Both] = {
    "error": Both("error", "错误"),
    "warning": Both("warning", "警告"),
    "info": Both("info", "提示"),
}

UNCHECKED: Mapping[str, Both] = {
    "no_size": Both(
        "nobody said how large an input is; say it with input=(3, 224, 224), on the command line --input 3x224x224",
        "没有说明输入的大小；请用 input=(3, 224, 224) 说明，命令行用 --input 3x224x224",
    ),
    "input_refused": Both("no input size is known that the network takes", "不知道网络接受的任何输入大小"),
    "boxes": Both(
        "a detection network gives boxes, as many as it finds, and no output for each class",
        "检测网络给出找到的若干个框，而不是每个类别一个输出",
    ),
    "several_inputs": Both(
        "nobody said how large the other inputs are; say each by its name when opening",
        "没有说明其他输入的大小；请在打开时按名称逐一说明",
    ),
}
"""Why something couldn't be checked; another reason is the graph's own sentence."""

NOT_CHECKED = Both("Not checked ({claim}): {reason}.", "未检查（{claim}）：{reason}。")

HEAD = (Both("", ""), Both("Meant", "期望"), Both("Is", "实际"), Both("As meant", "相符"))

PASSED = Both("All is as meant.", "一切符合期望。")
PASSED_BUT = Both("All is as meant, with {warnings}.", "符合期望，但有{warnings}。")
FAILED = Both("Not as meant: {faults}.", "不符合期望：{faults}。")
ERRORS = (Both("1 error", "1 个错误"), Both("{n:count} errors", "{n:count} 个错误"))
WARNINGS = (Both("1 warning", "1 个警告"), Both("{n:count} warnings", "{n:count} 个警告"))
LEFT = (Both("1 claim not checked", "1 项未检查"), Both("{n:count} claims not checked", "{n:count} 项未检查"))

FINDINGS: Mapping[str, Both] = {
    # --- frozen and trainable
    "pattern_fits_nothing": Both(
        "No layer's path fits “{pattern}” among {all:count}{nearest}.",
        "{all:count} 个层中没有路径符合“{pattern}”{nearest}。",
    ),
    "pattern_without_parameters": Both(
        "“{pattern}” names only layers without parameters ({layers}), so that it says nothing.",
        "“{pattern}”只指向没有参数的层（{layers}），因此没有意义。",
    ),
    "meant_both": Both(
        "Meant to be frozen and to train at once: {layers}; make one of the patterns narrower.",
        "既要冻结又要训练：{layers}；请缩小其中一个模式的范围。",
    ),
    "frozen_trains": Both(
        "Meant to be frozen, {layers} would train, with {parameters:count} parameters; set requires_grad_(False), in "
        "Keras layer.trainable = False.",
        "本应冻结的 {layers} 仍会训练，共 {parameters:count} 个参数；请设 requires_grad_(False)，Keras 中设 "
        "layer.trainable = False。",
    ),
    "frozen_shared": Both(
        "A layer that is meant to be frozen shares {parameters:count} parameters with one that isn't ({layers}); they "
        "can only be frozen together.",
        "要冻结的层与不冻结的层共用 {parameters:count} 个参数（{layers}）；只能一起冻结。",
    ),
    "trainable_frozen": Both(
        "Meant to train, {layers} would not change, with {parameters:count} parameters; set requires_grad_(True), in "
        "Keras layer.trainable = True.",
        "本应训练的 {layers} 不会改变，共 {parameters:count} 个参数；请设 requires_grad_(True)，Keras 中设 "
        "layer.trainable = True。",
    ),
    "unnamed_train": Both(
        "No pattern names {layers}, which would train, with {parameters:count} parameters.",
        "没有模式提到 {layers}，它们会训练，共 {parameters:count} 个参数。",
    ),
    "unnamed_frozen": Both(
        "No pattern names {layers}, which would not train, with {parameters:count} parameters.",
        "没有模式提到 {layers}，它们不会训练，共 {parameters:count} 个参数。",
    ),
    # --- what goes in and comes out
    "input_refused": Both(
        "The network doesn't take an input of {size} (“{reason}”); {takes}.",
        "网络不接受 {size} 的输入（“{reason}”）；{takes}。",
    ),
    "input_axes": Both(
        "The network doesn't take an input of {size}: its axes stand in another order, so that it takes {turned}.",
        "网络不接受 {size} 的输入：轴的顺序不同，应为 {turned}。",
    ),
    "input_differs": Both(
        "The network was made for an input of {own}; {size} is taken as well, but objects then look larger or smaller to "
        "it than in training.",
        "网络是为 {own} 的输入制作的；也接受 {size}，但物体看起来会比训练时大或小。",
    ),
    "outputs_other": Both(
        "Meant were {meant:count} outputs, and the network has {outputs:count}; replace its last layer.",
        "期望 {meant:count} 个输出，网络有 {outputs:count} 个；请更换最后一层。",
    ),
    "classes_other": Both(
        "{names:count} names of classes were given for {outputs:count} outputs; one name an output is wanted.",
        "给出 {names:count} 个类别名称，而网络有 {outputs:count} 个输出；每个输出需要一个名称。",
    ),
    # --- weights
    "weights_not_made": Both(
        "The weights of {layers} don't exist before the first call; call the network once on a batch of images.",
        "{layers} 的权重在第一次调用之前不存在；请先用一批图片调用一次网络。",
    ),
    "weights_without_data": Both(
        "The weights of {layers} have a shape and no numbers (device “meta”); load them first.",
        "{layers} 的权重只有形状没有数值（设备“meta”）；请先加载。",
    ),
    "weights_not_finite": Both(
        "The weights of {layers} hold {nan:count} NaN and {infinite:count} infinite numbers, so that every answer is "
        "spoilt; train again with a smaller step, or load an earlier state.",
        "{layers} 的权重含有 {nan:count} 个 NaN 和 {infinite:count} 个无穷值，所有回答都不可用；请减小步长重新训练，或加载更早的状态。",
    ),
    "weights_zero": Both(
        "The weights of {layers} are all zero, so that the layer gives the same whatever it is given.",
        "{layers} 的权重全为零，无论输入什么输出都一样。",
    ),
    "weights_constant": Both(
        "The weights of {layers} are all the same number ({value:value}), so that all its channels are alike.",
        "{layers} 的权重全是同一个数（{value:value}），所有通道都一样。",
    ),
    "weights_random": Both(
        "The weights are random: none were loaded, so that only the architecture was checked.",
        "权重是随机的：没有加载，因此只检查了结构。",
    ),
    "weights_all_as_drawn": Both(
        "No layer whose beginning is known was ever trained: the weights of {layers} still are as they were drawn; load "
        "the trained ones.",
        "凡能判断初始分布的层都未训练过：{layers} 的权重仍是初始抽取的值；请加载训练好的权重。",
    ),
    "weights_as_drawn": Both(
        "The weights of {layers} still are as they were drawn at random, while other layers are trained; were they left "
        "out when weights were loaded?",
        "{layers} 的权重仍是随机抽取的初始值，而其他层已训练；加载权重时是否遗漏了它们？",
    ),
    "statistics_untouched": Both(
        "The running statistics of {layers} still are mean 0 and variance 1, so that training never touched them; in "
        "inference they will be used as they are.",
        "{layers} 的滑动统计仍是均值 0、方差 1，训练从未改动过；推理时将照此使用。",
    ),
    "weights_huge": Both(
        "The weights of {layers} are {times:value} times as large as is usual in this network.",
        "{layers} 的权重是该网络通常大小的 {times:value} 倍。",
    ),
    "weights_tiny": Both(
        "The weights of {layers} are {times:value} times as large as is usual in this network: next to nothing.",
        "{layers} 的权重只有该网络通常大小的 {times:value} 倍：几乎为零。",
    ),
    "types_mixed": Both(
        "The weights are of several types ({types}); other than {common}, as most are: {layers}.",
        "权重有多种类型（{types}）；不同于多数所用的 {common}：{layers}。",
    ),
    "devices_several": Both(
        "The weights lie on several devices ({devices}); elsewhere than on {common}, as most are: {layers}.",
        "权重分布在多个设备上（{devices}）；不在多数所在的 {common} 上：{layers}。",
    ),
    "weights_shared": Both(
        "{parameters:count} parameters are shared by {layers}, and change there together.",
        "{layers} 共用 {parameters:count} 个参数，一起改变。",
    ),
    # --- wiring
    "layers_not_used": Both(
        "Never called: {layers}, with {parameters:count} parameters; remove what is not needed, or call it in forward.",
        "从未被调用：{layers}，含 {parameters:count} 个参数；请删除不需要的，或在 forward 中调用。",
    ),
    "layers_not_used_empty": Both(
        "Never called, without parameters: {layers}.",
        "从未被调用，不含参数：{layers}。",
    ),
    "layers_of_training": Both(
        "Called in training alone: {layers}, with {parameters:count} parameters.",
        "只在训练时调用：{layers}，含 {parameters:count} 个参数。",
    ),
    "dead_branch": Both(
        "Computed for nothing, since no output depends on it: {layers} ({parameters:count} parameters).",
        "白白计算，没有输出依赖它：{layers}（{parameters:count} 个参数）。",
    ),
    "weights_not_used": Both(
        "No output depends on {names} of {layers} ({parameters:count} parameters), so that they can't be trained.",
        "没有输出依赖 {layers} 的 {names}（{parameters:count} 个参数），因此无法训练。",
    ),
    "outputs_without_image": Both(
        "{names}: the same whatever the image, since no path leads there from the input.",
        "{names}：无论图片是什么都一样，因为没有从输入到它的路径。",
    ),
    "answers_alike": Both(
        "The network gave the same answer to two different images of noise.", "网络对两张不同的噪声图片给出相同的回答。"
    ),
    "ends_twice": Both(
        "The network ends with {before} and then {last} ({layers}), which flattens its probabilities; take one away.",
        "网络以 {before} 再加 {last} 结尾（{layers}），概率会被压平；请去掉一个。",
    ),
    "ends_in_rectifier": Both(
        "The network ends with {activation} ({layers}): a class that would fall below zero has no gradient, and never "
        "learns.",
        "网络以 {activation} 结尾（{layers}）：低于零的类别没有梯度，学不到东西。",
    ),
    "softmax_of_one": Both(
        "The network ends with a softmax of a single output ({layers}), which is always 1; take a sigmoid.",
        "网络以单个输出的 softmax 结尾（{layers}），结果总是 1；请改用 sigmoid。",
    ),
    "ends_in_logits": Both(
        "The network ends without softmax or sigmoid: its loss must take raw numbers (from_logits=True in Keras).",
        "网络末端没有 softmax 或 sigmoid：损失函数须接受原始数值（Keras 中 from_logits=True）。",
    ),
    # --- training
    "frozen_statistics_move": Both(
        "Frozen, with running statistics that move all the same in training mode: {layers}; put these into eval() after "
        "train(), in Keras freeze the whole layer.",
        "已冻结，但滑动统计在训练模式下仍会变化：{layers}；请在 train() 之后对其调用 eval()，Keras 中冻结整个层。",
    ),
    "batch_statistics": Both(
        "Without running statistics, so that an answer depends on the other images of its batch: {layers}.",
        "不保存滑动统计，因此回答取决于同一批中的其他图片：{layers}。",
    ),
    "stays_in_eval": Both(
        "The network stands in training mode, {layers} in inference; that is right for frozen layers, and train() undoes "
        "it.",
        "网络处于训练模式，而 {layers} 处于推理模式；对冻结的层是对的，但 train() 会将其撤销。",
    ),
    "stays_in_train": Both(
        "The network stands in inference, and {layers} in training mode: answers change from call to call or with the "
        "batch; call eval().",
        "网络处于推理模式，而 {layers} 处于训练模式：回答会随调用或批次变化；请调用 eval()。",
    ),
    "left_in_train": Both(
        "The network stands in training mode ({normalisations:count} batch normalisations, {dropouts:count} dropouts "
        "active); call eval() before asking it. Seethrough looks at it as in inference.",
        "网络处于训练模式（{normalisations:count} 个批归一化、{dropouts:count} 个 dropout 起作用）；使用前请调用 eval()。Seethrough 按推理模式查看。",
    ),
    "training_differs": Both(
        "Training differs from inference in {normalisations:count} batch normalisations and {dropouts:count} dropouts.",
        "训练与推理的区别在于 {normalisations:count} 个批归一化和 {dropouts:count} 个 dropout。",
    ),
}

TAKES = Both("it takes {sizes}", "它接受 {sizes}")
TAKES_STEP = Both(
    "it takes sides that are multiples of {step:count}, from {least} on, such as {sizes}",
    "它接受边长为 {step:count} 的倍数、不小于 {least} 的输入，例如 {sizes}",
)
TAKES_FROM = Both(
    "it takes {sizes}, and {least} at the least of what was tried", "它接受 {sizes}，试过的最小者为 {least}"
)
TAKES_NONE = Both("none of {tried:count} other sizes went", "试过的其他 {tried:count} 种大小都不行")
NEAREST = Both("; nearest: {names}", "；最接近的：{names}")
MORE = Both(" and {n:count} more", " 等共 {all:count} 个")


def sentence(finding: Finding) -> Both:
    """A finding as a sentence in both languages."""
    words: dict[str, Any] = {**finding.numbers, "layers": listed(finding.layers)}
    for name in ("size", "own", "turned"):
        if isinstance(words.get(name), (list, tuple)):
            words[name] = by(words[name])
    if finding.name == "input_refused":
        words["takes"] = _takes(finding.numbers)
    if finding.name == "pattern_fits_nothing":
        words["nearest"] = NEAREST.fill(names=words["nearest"]) if words["nearest"] else Both("", "")
    text = FINDINGS.get(finding.name)
    return text.fill(**words) if text is not None else Both(*(_plainly(finding),) * 2)


def is_now(claim: Claim) -> Both:
    """What is, for the table; a dash where nobody can know."""
    if not claim.found:
        return Both("—", "—")
    if claim.name == "input":
        text = FOUND["input"] if claim.found["taken"] else REFUSED
        return text.fill(size=by(claim.found["size"]))
    if claim.name == "ending" and not claim.found["activation"]:
        return LOGITS
    try:
        return FOUND[claim.name].fill(**claim.found)
    except KeyError:  # a part of it couldn't be checked
        return Both("—", "—")


def meant(claim: Claim) -> str:
    """What the person said."""
    if claim.meant is None:
        return "—"
    if claim.name == "input":
        return by(claim.meant)
    return ", ".join(map(plain, claim.meant)) if isinstance(claim.meant, tuple) else f"{claim.meant:,}"


def unchecked(claim: Claim) -> Both:
    """Why a claim couldn't be checked."""
    reason = claim.unchecked or ""
    known = UNCHECKED.get(reason) or Both(*(plain(reason.rstrip("."), longest=300),) * 2)
    return NOT_CHECKED.fill(claim=CLAIMS[claim.name], reason=known)


def by(size: Sequence[int]) -> str:
    """``224×224×3``."""
    return "×".join(map(str, size))


def listed(names: Sequence[str]) -> Both:
    """The first few names, and how many more there are."""
    shown = [plain(name) for name in names[:FIRST]]
    rest = len(names) - len(shown)
    more = MORE.fill(n=rest, all=len(names)) if rest else Both("", "")
    return Both(", ".join(shown) + more.en, "、".join(shown) + more.zh)


def _takes(numbers: Mapping[str, Any]) -> Both:
    """Which sizes a network takes, from what was tried."""
    sizes = [by(size) for size in numbers["takes"]]
    if not sizes:
        return TAKES_NONE.fill(tried=numbers["tried"])
    text = Both(", ".join(sizes), "、".join(sizes))
    if numbers["least"] is None:
        return TAKES.fill(sizes=text)
    least = by(numbers["least"])
    if numbers["step"] is not None:
        return TAKES_STEP.fill(step=numbers["step"], least=least, sizes=text)
    return TAKES.fill(sizes=text) if least in sizes else TAKES_FROM.fill(sizes=text, least=least)


def _plainly(finding: Finding) -> str:
    numbers = "; ".join(
        f"{plain(k)}: {measured(v) if isinstance(v, float) else plain(v)}" for k, v in finding.numbers.items()
    )
    return f"{finding.name.replace('_', ' ')} ({numbers})" if numbers else finding.name.replace("_", " ")
