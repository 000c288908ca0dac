"""What memory use says in words, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.anatomy.figures import size_in_words
from seethrough.anatomy.memory import MemoryUse
from seethrough.show.language import Both, plain, share

PARTS: Mapping[str, Both] = {
    "parameters": Both("parameters", "参数"),
    "buffers": Both("buffers", "缓冲区"),
    "gradients": Both("gradients", "梯度"),
    "optimizer": Both("optimizer state", "优化器状态"),
    "input": Both("input", "输入"),
    "activations": Both("activations", "激活"),
    "other": Both("activations and temporaries", "激活与临时数据"),
}
"""What memory is for, in the order in which it is told."""

PHASES: Mapping[str, Both] = {
    "forward": Both("forward", "前向"),
    "backward": Both("walk back", "反向"),
    "recomputation": Both("computed again", "重新计算"),
    "optimizer step": Both("optimizer's step", "优化器更新"),
}

PURPOSES: Mapping[str, Both] = {"training": Both("Training", "训练"), "inference": Both("Running", "推理")}

TITLE = Both("{purpose} {source}: memory", "{purpose} {source} 所需内存")
ASKED = Both("batches of {batch:count}", "批大小 {batch:count}")
SEGMENTS = Both("{n:count} layers computed again on the way back", "{n:count} 个层在反向时重新计算")
SAID = Both(
    "It takes {peak} at its peak, in the {phase} of {layer}; {most} of that is {what}.",
    "峰值 {peak}，出现在{layer}的{phase}；其中 {most} 是{what}。",
)
WORKSPACE = Both(
    "Up to {size} may come on top: buffers of convolution kernels, copies within the optimizer's step.",
    "另外最多可能需要 {size}：卷积核的工作缓冲区，以及优化器更新中的副本。",
)
ITSELF = Both("the network's own forward", "网络自身的前向")
AT_PEAK = Both("At the peak", "峰值时")
OVER_TIME = Both("Operation by operation", "逐个运算")
BY_LAYER = Both("Layer by layer", "逐层")
HERE = Both("{size} in {layer}", "{size}，位于{layer}")
LAYER, CLASS, TOGETHER, TAKES, WHAT = (
    Both("layer", "层"),
    Both("class", "类"),
    Both("together", "合计"),
    Both("takes", "占用"),
    Both("what", "用途"),
)
PEAK, ON_TOP = Both("peak", "峰值"), Both("on top, at most", "额外，最多")


def title(use: MemoryUse) -> Both:
    """What was looked at."""
    return TITLE.fill(purpose=PURPOSES[use.purpose], source=plain(use.source))


def asked(use: MemoryUse) -> Both:
    """How it was asked, in a line."""
    words = [ASKED.fill(batch=use.batch), *(use.settings[k] for k in ("optimizer", "precision") if k in use.settings)]
    segments = use.settings.get("checkpointing", ())
    if segments:
        words.append(SEGMENTS.fill(n=len(segments)))
    parts = [w if isinstance(w, Both) else Both(w, w) for w in words]
    return Both(" · ".join(p.en for p in parts), " · ".join(p.zh for p in parts))


def said(use: MemoryUse) -> Both:
    """The answer in a sentence or two: how much, where, and what most of it is."""
    role = max(use.at_peak, key=lambda r: use.at_peak[r])
    text = SAID.fill(
        peak=size_in_words(use.peak),
        phase=PHASES[use.peak_phase],
        layer=plain(use.peak_layer) or ITSELF,
        most=share(use.at_peak[role] / max(1, use.peak)),
        what=PARTS[role],
    )
    if not use.workspace[1]:
        return text
    more = WORKSPACE.fill(size=size_in_words(use.workspace[1]))
    return Both(f"{text.en} {more.en}", text.zh + more.zh)


def parts_of(use: MemoryUse) -> list[tuple[Both, int]]:
    """Sizes by what they are for, those that there are."""
    names = ("parameters", "buffers", "gradients", "optimizer", "input", "activations")
    return [(PARTS[name], size) for name in names if (size := getattr(use, name))]
