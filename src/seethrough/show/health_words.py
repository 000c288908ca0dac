"""Health in words: what was found, what an engineer would do about it, and how that could be wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seethrough.condition.advice import ADVICE
from seethrough.condition.findings import Finding
from seethrough.condition.health import Health
from seethrough.show.language import Both, plain

NAMED = 6
"""Units that are named before the rest is counted."""

LEVELS: Mapping[str, Both] = {
    "error": Both("Wrong", "错误"),
    "warning": Both("Worth mending", "值得修"),
    "info": Both("Good to know", "可留意"),
}

NAMES: Mapping[str, Both] = {
    "bad_numbers": Both("Values that are no numbers", "非数值"),
    "dead": Both("Dead units", "死单元"),
    "always_on": Both("Rectifiers that never close", "从不关闭的整流单元"),
    "duplicates": Both("The same filter several times", "重复的滤波器"),
    "alike_weights": Both("Alike filters with other thresholds", "权重相似、阈值不同的滤波器"),
    "alike_activations": Both("Units that respond alike", "响应相似的单元"),
    "dominating": Both("Filters that dominate", "占主导的滤波器"),
    "low_rank": Both("Few directions used", "只用到少数方向"),
    "aliasing": Both("Aliasing at the stride", "步幅处的混叠"),
    "saturation": Both("Saturated units", "饱和的单元"),
    "exploding": Both("Values out of proportion", "数值大小失衡"),
    "half_precision": Both("Too large for 16 bits", "超出 16 位精度"),
}

SENTENCES: Mapping[str, Both] = {
    "bad_numbers": Both(
        "{values:count} values of {units:count} of the {channels:count} units are NaN or infinite; nothing behind them means "
        "anything.",
        "{channels:count} 个单元中有 {units:count} 个给出 {values:count} 个 NaN 或无穷值；其后的一切都没有意义。",
    ),
    "dead": Both(
        "{units:count} of {channels:count} units never {verb} on any of the {images:count} pictures ({which}). If they do at all, "
        "it is on fewer than {may_fire:percent} of pictures like these (95 % confidence).",
        "在 {images:count} 张图片上，{channels:count} 个单元中有 {units:count} 个从未{verb}（{which}）。"
        "即便会，也只发生在这类图片的不到 {may_fire:percent}（95% 置信度）。",
    ),
    "always_on": Both(
        "{units:count} of {channels:count} units are above zero at practically every place of the {images:count} pictures: their "
        "rectifier never closes, so the layer is nearly linear there.",
        "{channels:count} 个单元中有 {units:count} 个在 {images:count} 张图片的几乎所有位置都大于零：整流从不关闭，该层近乎线性。",
    ),
    "duplicates": Both(
        "{spare:count} of {channels:count} units repeat another one: {pairs}. Their weights point the same way (cosine up to "
        "{cosine:value}) and they respond alike (correlation up to {correlation:value}).",
        "{channels:count} 个单元中有 {spare:count} 个重复了另一个：{pairs}。权重方向相同（余弦至多 {cosine:value}），"
        "响应也相同（相关系数至多 {correlation:value}）。",
    ),
    "alike_weights": Both(
        "{spare:count} of {channels:count} units have the weights of another one up to their strength ({pairs}; cosine up to "
        "{cosine:value}), but fire at other places: their thresholds differ.",
        "{channels:count} 个单元中有 {spare:count} 个与另一个的权重仅强度不同（{pairs}；余弦至多 {cosine:value}），"
        "但在不同位置激活：阈值不同。",
    ),
    "alike_activations": Both(
        "{spare:count} of {channels:count} units respond like another one (correlation up to {correlation:value}) though their "
        "weights differ: {pairs}.",
        "{channels:count} 个单元中有 {spare:count} 个的响应与另一个相似（相关系数至多 {correlation:value}），尽管权重不同：{pairs}。",
    ),
    "dominating": Both(
        "{which}: weights up to {weights:value} times and values up to {values:value} times those of the layer's median unit.",
        "{which}：权重至多为该层中位单元的 {weights:value} 倍，数值至多为 {values:value} 倍。",
    ),
    "low_rank": Both(
        "{directions:count} of {possible:count} possible directions hold 99 % of what the layer says about these pictures "
        "(participation ratio {participation:value}, from {vectors:count} activation vectors).",
        "在 {possible:count} 个可能的方向中，{directions:count} 个就包含了该层对这些图片所表达内容的 99%"
        "（参与比 {participation:value}，基于 {vectors:count} 个激活向量）。",
    ),
    "aliasing": Both(
        "The stride of {step:count} can't keep {lost:percent} of what the layer responds to: detail finer than {period:count} "
        "places comes back as coarse structure that isn't in the picture. Worst is unit {worst} with {lost_of_worst:percent}.",
        "步幅 {step:count} 无法保留该层响应中的 {lost:percent}：细于 {period:count} 个位置的细节会变成图片中并不存在的粗结构。"
        "最严重的是单元 {worst}，为 {lost_of_worst:percent}。",
    ),
    "saturation": Both(
        "{units:count} of {channels:count} units ({which}) stand at an end of {activation} at {share:percent} of all places: "
        "there they tell nothing apart and learn nothing.",
        "{channels:count} 个单元中有 {units:count} 个（{which}）在 {share:percent} 的位置处于 {activation} 的端点：在那里既分辨不了、也学不到东西。",
    ),
    "exploding": Both(
        "The layer's values are {rms:value} on average (root mean square), where {usual:value} is usual in this network.",
        "该层数值的均方根为 {rms:value}，而该网络通常为 {usual:value}。",
    ),
    "half_precision": Both(
        "Values reach {largest:value}; 16-bit floating point ends at {limit:value} and would give infinity.",
        "数值达到 {largest:value}；16 位浮点数止于 {limit:value}，会变成无穷大。",
    ),
}

FIRES, CHANGES = Both("fire", "激活"), Both("change", "变化")
NO_WEIGHTS = Both(
    "{n:count} of them have next to no weights: training has switched them off.",
    "其中 {n:count} 个几乎没有权重：训练已将其关闭。",
)
HAS_WEIGHTS = Both(
    "They have weights, but never reach their threshold.",
    "它们有权重，但从未达到阈值。",
)
SKIPS = Both(
    "Its windows reach {reach:count} places and move by {step:count}, so that {skipped:percent} of the pixels are never looked at.",
    "其窗口覆盖 {reach:count} 个位置、每次移动 {step:count}，因此有 {skipped:percent} 的像素从未被看到。",
)

DO: Mapping[str, Both] = {
    "find_first_bad": Both(
        "Go to the first layer that has them: look for a division, a logarithm, or weights that are NaN.",
        "找到第一个出现它们的层：检查除法、对数或为 NaN 的权重。",
    ),
    "prune_dead": Both(
        "Remove them, with the weights of the next layer that read them: the answers stay the same.",
        "删除它们，连同下一层读取它们的权重：回答不变。",
    ),
    "train_without_dying": Both(
        "If you train again: a lower learning rate, He initialisation, normalisation before the rectifier, or a leaky one.",
        "若重新训练：降低学习率、使用 He 初始化、在整流前归一化，或改用带泄漏的整流。",
    ),
    "check_shift": Both(
        "See whether the shift (bias, or β of the normalisation) pushes them up; a smaller one gives the rectifier work to do.",
        "检查偏移（偏置或归一化的 β）是否把它们推高；减小后整流才起作用。",
    ),
    "merge_twins": Both(
        "Keep one of each family and add up the next layer's weights for it; or train on with one of them started anew.",
        "每组保留一个，并把下一层对应的权重相加；或重新初始化其中一个后继续训练。",
    ),
    "narrower_layer": Both(
        "Make the layer narrower: a cheaper network should do as well.",
        "把该层变窄：更省的网络应当同样好。",
    ),
    "merge_by_threshold": Both(
        "Where their thresholds are near, they can be merged.",
        "若阈值相近，可以合并。",
    ),
    "more_pictures": Both(
        "Look again with more and more varied pictures before anything is removed.",
        "在删除任何东西之前，用更多、更多样的图片再看一次。",
    ),
    "clip_rms": Both(
        "Bound each filter's root mean square in training, as Zeiler & Fergus did (0.1 in their first layer).",
        "训练时限制每个滤波器的均方根，如 Zeiler 与 Fergus 所做（其第一层为 0.1）。",
    ),
    "renormalise_and_train": Both(
        "Scale it back to its siblings' strength, and train on for a little.",
        "把它缩回到同层其他滤波器的强度，再稍作训练。",
    ),
    "factorise": Both(
        "Factorise the layer: a thin one before it, or a low-rank pair in its place.",
        "对该层作分解：在其前加一个窄层，或用低秩的两层代替。",
    ),
    "smaller_stride": Both(
        "Halve the stride, with a smaller kernel: 4 → 2 and 11×11 → 7×7 took AlexNet from 18.1 to 16.5 % top-5 error.",
        "步幅减半并用更小的卷积核：4→2、11×11→7×7 使 AlexNet 的 top-5 错误率由 18.1% 降到 16.5%。",
    ),
    "blur_before": Both(
        "Blur before the stride (BlurPool): convolve with stride 1, then a fixed 3×3 or 5×5 low-pass filter that strides.",
        "在步幅之前模糊（BlurPool）：先用步幅 1 卷积，再用带步幅的固定 3×3 或 5×5 低通滤波。",
    ),
    "scale_down_before": Both(
        "Normalise what goes into it, or start with smaller weights.",
        "对其输入作归一化，或用更小的初始权重。",
    ),
    "other_activation": Both(
        "Take an activation without an upper end.",
        "改用没有上端的激活函数。",
    ),
    "normalise_between": Both(
        "Put a normalisation before or behind it, and start the layer with other weights.",
        "在其前或后加归一化，并换用别的初始化。",
    ),
    "keep_float32": Both(
        "Keep this layer in 32 bits when the rest is made half precision.",
        "其余部分改为半精度时，让该层保持 32 位。",
    ),
}
"""What to do, by the advice's name."""

WRONG_IF: Mapping[str, Both] = {
    "picture_at_fault": Both(
        "a broken picture or wrong preprocessing brought them in.", "问题来自损坏的图片或错误的预处理。"
    ),
    "class_not_among_pictures": Both(
        "they serve classes or conditions that aren't among these pictures; look again with pictures of every class.",
        "它们服务于这些图片中没有的类别或情形；请用涵盖所有类别的图片再看。",
    ),
    "capacity_to_spare": Both(
        "the network has units to spare: then their silence costs computing time and no accuracy.",
        "网络的单元本就富余：那么它们沉默只浪费计算，不损失准确率。",
    ),
    "linear_on_purpose": Both(
        "the layer hands something on (colours, a residual stream) and is meant to be linear.",
        "该层本来就用于传递信息（颜色、残差流），有意保持线性。",
    ),
    "differ_elsewhere": Both(
        "they differ on pictures that aren't here; compare the answers before and after on held-out pictures.",
        "它们在这里没有的图片上有差别；请在留出的图片上比较合并前后的回答。",
    ),
    "twins_as_insurance": Both(
        "twins keep each other in place in training (with dropout above all), and a narrower network trains worse.",
        "重复单元在训练中互为保障（尤其配合 dropout），更窄的网络反而更难训练。",
    ),
    "thresholds_matter": Both(
        "two thresholds on one filter tell weak from strong, which one of them can't.",
        "同一滤波器的两个阈值能区分强弱，单独一个做不到。",
    ),
    "pictures_too_alike": Both(
        "it is the pictures that hold nothing in which these units differ; with few classes the last layers need few directions.",
        "是这些图片中没有能区分它们的内容；类别少时，最后几层本来只需要少数方向。",
    ),
    "evened_out_behind": Both(
        "what comes behind evens it out (normalisation, small weights), so that nothing is drowned.",
        "其后的部分会抵消（归一化、较小的权重），并不会淹没其他单元。",
    ),
    "strong_for_a_reason": Both(
        "it carries what matters most; measure the accuracy before you keep the change.",
        "它承载着最重要的信息；保留改动之前请测量准确率。",
    ),
    "rank_of_the_pictures": Both(
        "the pictures vary little, or there are few classes: a network that tells two classes apart needs few directions at its end.",
        "图片变化少，或类别少：只区分两类的网络在末端本就只需要少数方向。",
    ),
    "small_directions_decide": Both(
        "rare classes live in the weak directions, which hold little variance and yet decide.",
        "少见类别存在于方差小、却起决定作用的弱方向里。",
    ),
    "cost_of_places": Both(
        "four times the places must be paid for in every layer until the next stride.",
        "在下一个步幅之前，每层都要为四倍的位置付出计算。",
    ),
    "detail_wanted": Both(
        "the task lives on fine texture, which a blur takes away; the gain is steadiness under small shifts first of all.",
        "任务依赖细纹理，而模糊会把它去掉；其收益首先是对微小平移的稳定。",
    ),
    "gates_are_meant_to": Both(
        "these are gates, which are meant to be open or closed.", "这些是门控单元，本就应当全开或全关。"
    ),
    "clip_is_for_bits": Both(
        "the end is there for the sake of 8-bit arithmetic on the device.", "该端点是为设备上的 8 位运算而设。"
    ),
    "undone_behind": Both(
        "the next layer undoes it; it matters in training, and where few bits are used.",
        "下一层会将其抵消；它只在训练时和使用低精度时才重要。",
    ),
    "bfloat16_holds_it": Both("you use bfloat16, which holds such numbers.", "你使用 bfloat16，它能表示这样的数。"),
}
"""How advice could be wrong, by its name; ends the sentence that `ADVISED` begins."""

ADVISED = Both("→ {do} Wrong if {reason}", "→ {do}以下情况例外：{reason}")
MORE_UNITS = Both("{units} and {more:count} more", "{units} 等另外 {more:count} 个")
UNIT, UNITS = Both("unit {units}", "单元 {units}"), Both("units {units}", "单元 {units}")

MEASURES: Mapping[str, Both] = {
    "dead": Both("dead", "死单元"),
    "always_on": Both("always on", "常开"),
    "alike": Both("repeated", "重复"),
    "rank": Both("directions used", "所用方向"),
    "saturated": Both("saturated", "饱和"),
    "selectivity": Both("selectivity", "选择性"),
    "frequency": Both("fires at", "激活频率"),
    "rms": Both("size (RMS)", "大小（均方根）"),
    "lost": Both("aliasing", "混叠"),
}
"""Headings of the table's columns."""

LAYER, UNITS_HEAD = Both("Layer", "层"), Both("Units", "单元数")
TITLE = Both("Health of {network}", "{network} 的健康状况")
EYEBROW = Both("Health", "健康检查")
FOUND = Both("What is to be noticed", "值得注意的")
BY_LAYER = Both("Every layer, from the input on", "从输入开始的每一层")
STRIDES = Both("What each stride throws away", "每个步幅丢弃的部分")
STRIDE_HEAD = (
    Both("Layer", "层"), Both("Stride", "步幅"), Both("Window", "窗口"), Both("Power that can't be kept", "无法保留的功率"),
    Both("Of the worst unit", "最严重的单元"),
)  # fmt: skip
NOTHING = Both("Nothing is to be noticed.", "没有值得注意之处。")
SUMMARY = Both(
    "{images:count} pictures, {layers:count} layers, {units:count} units: {told}.",
    "{images:count} 张图片、{layers:count} 层、{units:count} 个单元：{told}。",
)
COUNTS: Mapping[str, Both] = {
    "error": Both("{n:count} wrong", "{n:count} 处错误"),
    "warning": Both("{n:count} worth mending", "{n:count} 处值得修"),
    "info": Both("{n:count} good to know", "{n:count} 处可留意"),
}
MORE_FINDINGS = Both("And {n:count} more; -o health.html shows all.", "另有 {n:count} 项；用 -o health.html 查看全部。")
CLEAN = Both("nothing to be noticed", "没有值得注意之处")
ORDER_OF_COLUMNS = Both(
    "Shares of each layer's units, directions and places; size is the root mean square of its values.",
    "各层单元、方向与位置的份额；大小为其数值的均方根。",
)
PASSED = Both(
    "{n:count} pictures were passed by; the first: {name} ({reason}).",
    "{n:count} 张图片被跳过；第一张：{name}（{reason}）。",
)

WHAT, TOLD, FURTHER = Both("What", "内容"), Both("Found", "发现"), Both("Further findings", "其余发现")

COMPARED = Both("Beside {other}", "与 {other} 对比")
COMPARISON = Both(
    "{matched:count} layers stand beside each other, {alone:count} have no counterpart there and {other_alone:count} none here. "
    "{gone:count} findings are gone, {new:count} are new.",
    "{matched:count} 层相互对应；{alone:count} 层在那边没有对应，{other_alone:count} 层在这边没有对应。"
    "消失 {gone:count} 项，新增 {new:count} 项。",
)
GONE, NEW = Both("Gone in {other}", "在 {other} 中消失"), Both("New in {other}", "在 {other} 中新增")
ARROW = Both("{first} → {second}", "{first} → {second}")

KERNELS = Both("Kernels of {which}, each on its own scale.", "{which} 的卷积核，各用自己的刻度。")
MAPS = Both("What {which} give on {picture}, each on its own scale.", "{which} 在 {picture} 上的激活，各用自己的刻度。")
ALIASED = Both(
    "Unit {unit} on {picture}: the map before the stride; what the stride keeps of it; what it would keep had the map been blurred.",
    "单元 {unit} 在 {picture} 上：步幅之前的图；步幅所保留的；若先模糊则会保留的。",
)
SPECTRUM = Both(
    "Power by frequency before the stride, zero in the middle; what lies outside of the box can't be kept.",
    "步幅之前各频率的功率，零频在中央；方框之外的无法保留。",
)

COLUMNS_OF_UNITS = Both(
    "Each column is a layer, each line in it a unit, sorted by how often it fires: from never (black) to everywhere (yellow). Red: "
    "dead.",
    "每列是一层，其中每条线是一个单元，按激活频率排序：从不（黑）到处处（黄）。红色：死单元。",
)


def sentence(finding: Finding) -> Both:
    """A finding in a sentence or two."""
    numbers: dict[str, Any] = dict(finding.numbers)
    numbers["which"] = which(finding.units)
    more = Both("", "")
    if finding.name == "dead":
        numbers["verb"] = FIRES if numbers["rectified"] else CHANGES
        more = _why_dead(numbers)
    if "pairs" in numbers:
        numbers["pairs"] = _pairs(numbers["pairs"])
    if finding.name == "aliasing":
        numbers["period"] = 2 * numbers["step"]
        more = SKIPS.fill(**numbers) if numbers["skipped"] > 0 else more
    first = SENTENCES[finding.name].fill(**numbers)
    return Both(f"{first.en} {more.en}".strip(), first.zh + more.zh)


def advice(finding: Finding) -> tuple[Both, ...]:
    """What to do about a finding, each with how that could be wrong."""
    return tuple(ADVISED.fill(do=DO[a.name], reason=WRONG_IF[a.wrong_if]) for a in ADVICE[finding.name])


def heading(finding: Finding) -> Both:
    """What was found, and where."""
    name, layer = NAMES[finding.name], plain(finding.layer)
    return Both(f"{name.en}: {layer}", f"{name.zh}：{layer}")


def which(units: Sequence[int]) -> Both:
    """Units by their numbers, the first of many."""
    listed = ", ".join(map(str, units[:NAMED]))
    more = len(units) - NAMED
    said = MORE_UNITS.fill(units=listed, more=more) if more > 0 else Both(listed, listed)
    return (UNIT if len(units) == 1 else UNITS).fill(units=said)


def title(health: Health) -> Both:
    """The page's and figure's heading."""
    return TITLE.fill(network=name_of(health))


def name_of(health: Health) -> str:
    """What the network is called, of a file its name alone."""
    return plain(health.network.replace("\\", "/").rpartition("/")[2] or health.network)


def said(health: Health) -> Both:
    """The whole in a sentence."""
    levels = [f.level for f in health.findings]
    told = [COUNTS[level].fill(n=levels.count(level)) for level in COUNTS if level in levels] or [CLEAN]
    joined = Both(", ".join(t.en for t in told), "、".join(t.zh for t in told))
    units = sum(layer.channels for layer in health.layers)
    return SUMMARY.fill(images=health.images, layers=len(health.layers), units=units, told=joined)


def compared(health: Health) -> Both:
    """What differs from the other network, in numbers; empty where there is none."""
    beside = health.comparison
    if beside is None:
        return Both("", "")
    names = ("matched", "alone", "other_alone", "gone", "new")
    return COMPARISON.fill(**{name: len(getattr(beside, name)) for name in names})


def passed(health: Health) -> Both:
    """How many pictures couldn't be read; empty where all could."""
    if not health.passed:
        return Both("", "")
    first = health.passed[0]
    return PASSED.fill(n=len(health.passed), name=plain(first.name), reason=plain(first.reason))


def _why_dead(numbers: Mapping[str, Any]) -> Both:
    if numbers["no_weights"]:
        return NO_WEIGHTS.fill(n=numbers["no_weights"])
    return HAS_WEIGHTS if numbers["has_weights"] else Both("", "")


def _pairs(pairs: Sequence[Sequence[int]]) -> Both:
    listed = ", ".join(f"{a} ≈ {b}" for a, b in pairs[:NAMED])
    more = len(pairs) - NAMED
    return MORE_UNITS.fill(units=listed, more=more) if more > 0 else Both(listed, listed)
