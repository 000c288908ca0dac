"""Two answers side by side, in words."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both

PAGE: Mapping[str, Both] = {
    "eyebrow": Both("Comparison", "对比"),
    "title_targets": Both("Why “{first}”, and why “{second}”?", "为什么是“{first}”，又为什么是“{second}”？"),
    "title_layers": Both("What {first} and {second} see", "{first} 与 {second} 各看到什么"),
    "title_networks": Both("Two networks, one picture", "两个网络，同一张图片"),
    "title_many": Both("Two answers to {count:count} pictures", "{count:count} 张图片的两种回答"),
    "difference": Both("Difference", "差异"),
    "contrast": Both("Contrast", "直接问差值"),
    "others": Both("Other methods", "其他方法"),
    "difference_is": Both(
        "The difference is each pixel's share of all evidence in the first map, less its share in the second, so that maps "
        "of different units can be set side by side.",
        "差异图为每个像素在第一张图全部证据中的份额减去其在第二张图中的份额，因此单位不同的图也可以并列比较。",
    ),
}

ENDS = Both("{second} ← 0 → {first}", "{second} ← 0 → {first}")
UNIT = Both("share of the evidence a pixel", "每像素的证据份额")
HAS_MORE = Both(
    "Where “{first}” has more of its evidence than “{second}”, and where less.",
    "“{first}”的证据在哪里比“{second}”多，在哪里更少。",
)
MORE = Both(
    "{shown:count} of {all:count} methods are drawn here; save the result as .html to see all.",
    "这里画出 {all:count} 种方法中的 {shown:count} 种；保存为 .html 可查看全部。",
)

ALIKE: Mapping[str, Both] = {
    "alike": Both("Both maps order the places much alike", "两张图对各处的排序非常相似"),
    "partly": Both("The maps order the places partly alike", "两张图对各处的排序部分相似"),
    "hardly": Both("The maps hardly have an order of places in common", "两张图对各处的排序几乎没有共同之处"),
    "reverse": Both("What is first in one map tends to be last in the other", "一张图中靠前的位置在另一张图中往往靠后"),
}
CORRELATED = Both("{how} (rank correlation {correlation:value}).", "{how}（秩相关 {correlation:value}）。")
FLAT = Both(
    "One of the maps is the same everywhere, so their order of places can't be compared.",
    "其中一张图处处相同，无法比较各处的先后。",
)
GAP = Both(
    "They differ most {region}: {first} has {one:percent} of its evidence for there, {second} {other:percent}.",
    "差别最大的是{region}：{first}有 {one:percent} 的支持证据在那里，{second}有 {other:percent}。",
)
NO_GAP = Both(
    "No part of the picture holds a share of the evidence that differs between them.",
    "没有哪一部分的证据份额有明显差别。",
)

LIMITS: tuple[tuple[float, str], ...] = ((0.8, "alike"), (0.4, "partly"), (-0.2, "hardly"), (-1.1, "reverse"))
"""From which rank correlation on which words are used."""
