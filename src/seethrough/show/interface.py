"""The words of the page itself: headings, controls and the help for keys."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both

PAGE: Mapping[str, Both] = {
    "eyebrow": Both("Explanation", "解释"),
    "why": Both("Why “{label}”?", "为什么是“{label}”？"),
    "why_many": Both("Why these answers? {count:count} pictures", "为什么这样回答？{count:count} 张图片"),
    "answered": Both(
        "For {name} the network answers “{label}” with {number}.", "对于 {name}，网络的回答是“{label}”，概率 {number}。"
    ),
    "answered_value": Both(
        "For {name} the network's largest output is “{label}”, {number:value}.",
        "对于 {name}，网络的最大输出是“{label}”，{number:value}。",
    ),
    "no_answers": Both("The maps of {name}.", "{name} 的解释图。"),
    "language": Both("Language", "语言"),
    "skip": Both("Skip to the pictures", "跳到图片"),
    "picture": Both("Picture", "图片"),
    "answers": Both("Answers", "回答"),
    "answer": Both("Answer", "回答"),
    "method": Both("Method", "方法"),
    "asked": Both("asked about", "所问"),
    "numbers": Both("Numbers", "数值"),
    "grid": Both("Share of the evidence in each ninth of the picture", "图片九等分中各处的证据份额"),
    "map_over": Both("{method}, laid over the picture.", "{method}，叠加在图片上。"),
    "not_drawn": Both("Nothing to draw", "没有可画的内容"),
    "said": Both("What the map says", "图说明了什么"),
    "scripts": Both(
        "Scripts are off: the maps below are stills; every number is in the tables.",
        "脚本已关闭：下面是静态图；所有数值见表格。",
    ),
    "own_scales": Both(
        "Each map is coloured on its own scale, given under it, because methods measure in different units. Grey: what the "
        "network never saw. This page carries maps in 8 bits; save the result as .npz for every value.",
        "各图使用各自的刻度（见图下），因为各方法单位不同。灰色：网络没有看到的部分。"
        "本页的图为 8 位精度；完整数值请保存为 .npz。",
    ),
    "provenance": Both("Where this comes from", "来源"),
    "made_by": Both(
        "Made by Seethrough {version}. This page asks nothing of any server.",
        "由 Seethrough {version} 生成。本页不向任何服务器请求。",
    ),
    "families": Both("Other methods, by family", "其他方法（按类别）"),
    "methods_count": Both("{count:count} methods", "{count:count} 种"),
    "one_method": Both("1 method", "1 种"),
    "more": Both(
        "{shown:count} of {all:count} images are shown here; save the result as .html to see all.",
        "这里显示 {all:count} 张图片中的 {shown:count} 张；保存为 .html 可查看全部。",
    ),
    "level_info": Both("Note", "说明"),
    "level_warning": Both("Careful", "注意"),
    "level_error": Both("Wrong", "错误"),
}
"""What the page says without scripts."""

INTERFACE: Mapping[str, Both] = {
    "map": Both("map", "图"),
    "mode": Both("What is shown", "显示内容"),
    "mode_picture": Both("Picture", "图片"),
    "mode_overlay": Both("Overlay", "叠加"),
    "mode_map": Both("Map", "仅图"),
    "opacity": Both("Opacity", "不透明度"),
    "opacity_value": Both("{percent} opaque", "不透明度 {percent}"),
    "threshold": Both("Threshold", "阈值"),
    "threshold_value": Both("values below {percent} of the scale hidden", "隐藏低于刻度 {percent} 的值"),
    "scope": Both("Scale", "刻度"),
    "scope_own": Both("each map its own", "各图自己的"),
    "scope_method": Both("same for a method", "同一方法统一"),
    "scope_all": Both("same for all maps", "全部统一"),
    "sampling": Both("Drawing", "绘制"),
    "sampling_auto": Both("automatic", "自动"),
    "sampling_smooth": Both("smooth", "平滑"),
    "sampling_cells": Both("cells", "方格"),
    "keys": Both("Keys", "按键"),
    "keys_arrows": Both("move the crosshair on a map by one cell", "将图上的十字线移动一格"),
    "keys_shift": Both("move it by ten", "移动十格"),
    "keys_home": Both("go to the strongest spot", "到最强处"),
    "keys_space": Both("hold to see the bare picture", "按住以查看原图"),
    "keys_escape": Both("take the crosshair away", "移除十字线"),
    "keys_help": Both("this help", "本帮助"),
    "close": Both("Close", "关闭"),
    "for": Both("for", "支持"),
    "against": Both("against", "反对"),
    "unseen": Both("x {x}, y {y}: not seen by the network", "x {x}, y {y}：网络没有看到"),
}
"""What the page's controls say; the braces of these are filled in the browser."""

TREE: Mapping[str, Both] = {
    "eyebrow": Both("Architecture", "网络结构"),
    "skip": Both("Skip to the layers", "跳到各层"),
    "tree": Both("The network's layers", "网络的各层"),
    "layer": Both("Layer", "层"),
    "class": Both("Class", "类型"),
    "output": Both("Output", "输出"),
    "input": Both("Input", "输入"),
    "weights": Both("Weights", "权重"),
    "random": Both("random", "随机"),
    "parameters": Both("Parameters", "参数"),
    "parameters_is": Both(
        "each counted where it is met first; frozen ones blue",
        "每个参数只在首次出现处计数；冻结的为蓝色",
    ),
    "frozen": Both("Not trained", "不训练的参数"),
    "frozen_tag": Both("frozen", "冻结"),
    "macs": Both("MACs", "乘加次数"),
    "macs_is": Both("multiply-accumulates for one picture", "处理一张图片的乘加次数"),
    "for_one": Both("for one picture", "每张图片"),
    "activations": Both("Values", "中间值"),
    "activations_is": Both("memory of all values made for one picture", "处理一张图片时产生的所有值占用的内存"),
    "sees": Both("Sees", "感受野"),
    "sees_is": Both(
        "how many pixels of the picture one unit sees: its receptive field", "一个单元能看到图片的多少像素"
    ),
    "alike": Both("× {count} alike", "× {count} 个相同"),
    "calls": Both("× {count} calls", "调用 {count} 次"),
    "called": Both("Calls", "调用次数"),
    "share": Both("{percent} of the network's", "占全网络的 {percent}"),
    "search": Both("Layer, class, or a pattern such as *.conv?", "层名、类型，或如 *.conv? 的模式"),
    "layers": Both("{count} layers", "共 {count} 层"),
    "matches": Both("{count} of {all} layers", "{all} 层中的 {count} 层"),
    "open_all": Both("Open all", "全部展开"),
    "close_all": Both("Close all", "全部折叠"),
    "choose": Both(
        "Choose a layer to read about it. Arrows move, Enter opens and closes, / searches.",
        "选择一层以查看详情。方向键移动，回车展开或折叠，/ 搜索。",
    ),
    "about": Both("About {name}", "关于 {name}"),
    "of_them_frozen": Both("{count}, of which frozen {frozen}", "{count}，其中冻结 {frozen}"),
    "shared": Both("Shared, counted elsewhere", "共享（在别处计数）"),
    "inside": Both("Layers inside", "内含层数"),
    "made": Both("How it is made", "配置"),
    "reads_from": Both("Also reads from", "还读取自"),
    "read_by": Both("Also read by", "还被读取于"),
    "picture": Both("the picture", "图片"),
    "more_of_them": Both("and {count} more", "还有 {count} 个"),
    "reading": Both(
        "Arcs: a layer reads what another than the one before it gives, or both meet there. A line “× n alike” stands for n "
        "layers that differ in name and place alone; its numbers are sums. Bars: a layer beside the largest one; pale, what "
        "holds layers, by its share of the network.",
        "弧线：该层读取的不是前一层、而是另一层的输出，或两者在此汇合。“× n 个相同”一行代表仅名称和位置不同的 n 层，数字为其总和。"
        "条形：单个层与最大的层相比；浅色：含有子层者占全网络的份额。",
    ),
}
"""The words of the page of a summary; braces of those that its script says are filled in the browser."""
