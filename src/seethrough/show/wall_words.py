"""What a wall of images says in words, in both languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath

import numpy as np

from seethrough.gallery.wall import Wall
from seethrough.show.language import Both, Text, count, plain, share

LAYOUTS: Mapping[str, Both] = {
    "tsne": Both("t-SNE", "t-SNE"),
    "umap": Both("UMAP", "UMAP"),
    "pca": Both("PCA", "PCA"),
}

WALL: Mapping[str, Both] = {
    "eyebrow": Both("Wall", "图片墙"),
    "skip": Both("Skip to the wall", "跳到图片墙"),
    "title": Both("{count:count} images as {network} sees them", "{network} 眼中的 {count:count} 张图片"),
    "images": Both("Images", "图片"),
    "layer": Both("Hung by", "依据"),
    "outputs": Both("the outputs", "输出"),
    "dimensions": Both("{count:count} numbers each, by {layout}", "每张 {count:count} 个数值，{layout}"),
    "right_of": Both("Right", "正确"),
    "of_known": Both("{right:count} of {known:count}", "{known:count} 张中的 {right:count} 张"),
    "confident": Both("Mean confidence", "平均置信度"),
    "kept": Both("Neighbours kept", "保留的邻居"),
    "kept_of": Both(
        "of an image's {near} nearest, {kept} hang among its {around} closest; hung anyhow, {chance}",
        "每张图片最近的 {near} 张中，平均 {kept} 张挂在其周围 {around} 张之内；随机悬挂为 {chance} 张",
    ),
    "passed": Both("Could not be read", "无法读取"),
    "search": Both("Find by name", "按名称查找"),
    "predicted": Both("Predicted", "预测"),
    "true": Both("True", "真实"),
    "group": Both("Group", "分组"),
    "any": Both("any", "全部"),
    "none": Both("not known", "未知"),
    "answers": Both("Answers", "回答"),
    "all": Both("all", "全部"),
    "right": Both("right", "正确"),
    "wrong": Both("wrong", "错误"),
    "confidence": Both("Confidence", "置信度"),
    "from": Both("Confidence from", "置信度下限"),
    "to": Both("Confidence to", "置信度上限"),
    "colour": Both("Colour by", "着色依据"),
    "colour_none": Both("nothing", "无"),
    "colour_predicted": Both("predicted class", "预测类别"),
    "colour_true": Both("true class", "真实类别"),
    "colour_confidence": Both("confidence", "置信度"),
    "as_frame": Both("frame", "边框"),
    "as_tint": Both("tint", "染色"),
    "style": Both("Colour as", "着色方式"),
    "maps": Both("Grad-CAM over the pictures", "在图片上叠加 Grad-CAM"),
    "marks": Both("Mark wrong ones ✕", "标出错误 ✕"),
    "reset": Both("Show all", "显示全部"),
    "zoom_in": Both("Zoom in", "放大"),
    "zoom_out": Both("Zoom out", "缩小"),
    "fit": Both("Fit", "适应窗口"),
    "help": Both("Keys", "按键"),
    "close": Both("Close", "关闭"),
    "others": Both("others", "其他"),
    "shown": Both("{shown} of {all} shown", "显示 {shown} / {all}"),
    "shown_right": Both("{shown} of {all} shown, {right} of them right", "显示 {shown} / {all}，其中 {right} 正确"),
    "shown_known": Both(
        "{shown} of {all} shown, {right} of the {known} whose class is known right",
        "显示 {shown} / {all}，类别已知的 {known} 张中 {right} 正确",
    ),
    "nothing_fits": Both("No image fits these filters.", "没有符合这些条件的图片。"),
    "choose": Both(
        "Point at an image, or move with the arrow keys; click or press Enter to keep it here.",
        "将指针移到图片上，或用方向键移动；点击或按回车可固定在此。",
    ),
    "pinned": Both("kept; Esc lets go", "已固定；按 Esc 取消"),
    "chip": Both("{label}: {percent}. Show only images predicted so", "{label}：{percent}。只显示预测为它的图片"),
    "is": Both("is", "实为"),
    "mark_right": Both("✓ right", "✓ 正确"),
    "mark_wrong": Both("✕ wrong", "✕ 错误"),
    "nearest": Both("Nearest in the network", "网络中最相近的"),
    "go_to": Both("Go to {name}", "转到 {name}"),
    "map_largest": Both("largest value of the map: {value} (logits)", "图的最大值：{value}（logit）"),
    "sheet": Both(
        "{count} images laid out by likeness. Arrow keys move from image to image, Enter keeps one, plus and minus zoom.",
        "按相似度排布的 {count} 张图片。方向键逐张移动，回车固定，加减号缩放。",
    ),
    "still": Both("The whole wall, small", "整面墙的缩略图"),
    "scripts": Both(
        "Scripts are off: this is the wall as a still; classes and confusions are in the tables below.",
        "脚本已关闭：这是静态图；各类别与混淆情况见下表。",
    ),
    "confusion": Both("What is taken for what", "什么被当成了什么"),
    "confusion_line": Both(
        "A row is what images are, a column what they are taken for. A number shows its images on the wall.",
        "行为真实类别，列为预测类别。点击数字可在墙上显示对应图片。",
    ),
    "confusion_part": Both(
        "The {rows:count} classes of {all:count} with the most mistakes.", "{all:count} 个类别中错误最多的 {rows:count} 个。"
    ),
    "cell": Both("{count:count} × {true} taken for {predicted}", "{count:count} 张{true}被当成{predicted}"),
    "classes": Both("Predicted most", "预测最多的类别"),
    "class": Both("class", "类别"),
    "times": Both("images", "图片数"),
    "reason": Both("reason", "原因"),
    "image": Both("image", "图片"),
    "numbers_missing": Both("no number", "无数值"),
    "reading": Both(
        "Images that hang close were close in what the network makes of them; a place on the wall has no other meaning, nor "
        "do distances. The square shown is the middle of each picture, the network may have seen a little less or more.",
        "挂得近的图片在网络看来相近；墙上的位置与距离没有别的含义。所示为每张图片中央的正方形，网络实际看到的范围可能略有不同。",
    ),
    "keys_drag": Both("drag: move the wall", "拖动：移动"),
    "keys_wheel": Both("wheel with Ctrl, or on the wall once clicked; pinch: zoom", "Ctrl+滚轮（点击墙面后可直接滚动）或双指：缩放"),
    "keys_arrows": Both("from image to image", "逐张移动"),
    "keys_zoom": Both("zoom in, out", "放大、缩小"),
    "keys_fit": Both("the whole wall", "整面墙"),
    "keys_enter": Both("keep the image beside the wall", "固定图片"),
    "keys_escape": Both("let it go", "取消固定"),
    "keys_search": Both("find by name", "按名称查找"),
    "keys_help": Both("this help", "本帮助"),
}  # fmt: skip
"""The page's words; the braces of those that its script says are filled in the browser."""

SAID = Both(
    "{count:count} images on {rows} × {columns} places, laid out by {layer}: those that hang close are alike to the network.",
    "{count:count} 张图片，{rows} × {columns} 格，依据{layer}排布：挂得近的在网络看来相似。",
)
SAID_RIGHT = Both(
    "{right} of the {known:count} whose class is known are right.", "类别已知的 {known:count} 张中 {right} 正确。"
)


def title(wall: Wall) -> Both:
    """How many images, and whose view."""
    named = str(wall.provenance.get("network", ""))
    network = PurePath(named).name if "/" in named and ":" not in named else named
    return WALL["title"].fill(count=len(wall), network=plain(network))


def said(wall: Wall) -> Both:
    """The wall in a sentence or two, for those who can't see it."""
    text = SAID.fill(count=len(wall), rows=wall.grid[0], columns=wall.grid[1], layer=_layer(wall))
    known = wall.right[wall.right >= 0]
    if not len(known):
        return text
    more = SAID_RIGHT.fill(right=share(float(known.mean())), known=len(known))
    return Both(f"{text.en} {more.en}", text.zh + more.zh)


def facts(wall: Wall) -> Iterator[tuple[Text, Text, Text]]:
    """What is true of the whole wall: a name, a number, and what more there is to say."""
    yield WALL["images"], count(len(wall)), ""
    about = WALL["dimensions"].fill(count=wall.embeddings.shape[1], layout=LAYOUTS[wall.layout])
    yield WALL["layer"], _layer(wall), about
    known = wall.right[wall.right >= 0]
    if len(known):
        of_known = WALL["of_known"].fill(right=int(known.sum()), known=len(known))
        yield WALL["right_of"], share(float(known.mean())), of_known
    if wall.chances is not None and np.isfinite(wall.chances[:, 0]).all():
        yield WALL["confident"], share(float(wall.chances[:, 0].mean())), ""
    if wall.kept.near:
        yield WALL["kept"], f"{wall.kept.kept:.1f} / {wall.kept.near}", kept_words(wall)
    if wall.passed:
        yield WALL["passed"], count(len(wall.passed)), ""


def kept_words(wall: Wall) -> Both:
    """How far closeness can be believed."""
    kept = wall.kept
    return WALL["kept_of"].fill(
        near=kept.near, kept=f"{kept.kept:.1f}", around=kept.around, chance=f"{kept.chance:.2f}"
    )


def _layer(wall: Wall) -> Text:
    return plain(wall.layer) or WALL["outputs"]
