"""What was asked, and what a time or the memory bought, in words."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both

NOTES: Mapping[str, Both] = {
    "budget_bought": Both(
        "Of the {budget} s for each picture the methods take about {seconds:value} s; bought: {settings}.",
        "每张图片的时间预算为 {budget} 秒，各方法约需 {seconds:value} 秒；换得的设置：{settings}。",
    ),
    "budget_exceeded": Both(
        "Even at their cheapest the methods you named take about {seconds:value} s for each picture, more than the {budget} s "
        "allowed ({settings}).",
        "即使取最省的设置，您点名的方法每张图片也约需 {seconds:value} 秒，超过允许的 {budget} 秒（{settings}）。",
    ),
    "over_budget": Both(
        "{method} was left out: at its cheapest it takes about {seconds:value} s for each picture, which the budget doesn't hold.",
        "未使用{method}：即使取最省的设置，每张图片也约需 {seconds:value} 秒，超出预算。",
    ),
    "constant_target": Both(
        "“{target}” is constant: no small change of the network's answer changes it, so there is nothing that a gradient "
        "could explain; ask about a number that follows the outputs.",
        "“{target}”是常数：网络答案的任何微小变化都不会改变它，因此梯度无从解释；请询问随输出变化的数。",
    ),
    "methods_chosen": Both(
        "Nobody named a method, and this network is {kind}: {methods}, which answer different questions, were asked.",
        "未指定方法；此网络为{kind}：因此使用了回答不同问题的{methods}。",
    ),
    "method_refused": Both("{method} was left out: {reason}", "未使用{method}：{reason}"),
    "only_changes_computed": Both(
        "Computed only where something changed: {fewer:value} times fewer multiplications than whole pictures take. "
        "{checked:count} of {positions:count} answers were checked against the whole network; they differ by up to "
        "{difference:value} of the largest number. Each counts as one picture sent through.",
        "只计算发生变化之处：乘法次数约为整图计算的 1/{fewer:value}。{positions:count} 个回答中有 {checked:count} 个"
        "与整个网络核对，差异至多为最大数值的 {difference:value}。每个回答计为通过网络一次。",
    ),
    "boxes_not_believed": Both(
        "Computing only where something changed did not give what the whole network gives ({reason}), so everything was "
        "computed from whole pictures.",
        "只计算变化之处所得与整个网络不一致（{reason}），因此全部改用整图计算。",
    ),
    "computed_in_bf16": Both(
        "{answers:count} answers to changed pictures were computed in bfloat16. {compared:count} of them were computed in "
        "float32 too: they are off by up to {difference:value}, where they moved by up to {moved:value}; bfloat16 took "
        "{time:percent} of float32's time here.",
        "对改动后图片的 {answers:count} 个回答以 bfloat16 计算。其中 {compared:count} 个也以 float32 计算：差异至多为 "
        "{difference:value}，而回答的变化至多为 {moved:value}；此处 bfloat16 用时为 float32 的 {time:percent}。",
    ),
    "bf16_unused": Both(
        "Nothing was computed in bfloat16: the methods asked about few pictures, about gradients, or only about what "
        "changed, which is less work in float32.",
        "没有以 bfloat16 计算的内容：所用方法只询问少量图片、梯度，或只计算变化之处（以 float32 计算反而更省）。",
    ),
    "bf16_not_here": Both(
        "This processor does not compute in bfloat16 itself, so everything was computed in float32.",
        "该处理器本身不支持 bfloat16 运算，因此全部以 float32 计算。",
    ),
    "memory_halved": Both(
        "Memory ran out on the way, so fewer pictures were sent through at once ({together}); the numbers are the same.",
        "计算途中内存不足，因此减少了同时送入的图片数（{together}）；结果数值不变。",
    ),
}
