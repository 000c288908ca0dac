"""What the tiles of a page say: their controls, the readout under the cursor, and the keys."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both

TILES: Mapping[str, Both] = {
    "tiles_scale": Both("One scale of colours for", "共用颜色刻度的范围"),
    "tiles_scale_unit": Both("each unit", "每个单元"),
    "tiles_scale_layer": Both("each layer", "每层"),
    "tiles_scale_network": Both("all layers", "所有层"),
    "tiles_sort": Both("Sorted by", "排序"),
    "tiles_number": Both("number", "编号"),
    "tiles_frame": Both("Shown for", "显示"),
    "tiles_at": Both("Channel {number}, row {row}, column {column}", "通道 {number}，第 {row} 行，第 {column} 列"),
    "tiles_channel": Both("Channel {number}", "通道 {number}"),
    "tiles_mean_of": Both("mean of {rows} × {columns} places", "{rows} × {columns} 个位置的平均"),
    "tiles_sees": Both("sees {height} × {width} pixels of the input", "可见输入的 {height} × {width} 像素"),
    "tiles_sees_all": Both("sees the whole picture", "可见整张图片"),
    "tiles_pinned": Both("pinned", "已固定"),
    "tiles_not_a_number": Both("not a number", "非数值"),
    "tiles_more": Both("Show all {count}", "显示全部 {count} 个"),
    "tiles_less": Both("Show fewer", "收起"),
    "tiles_own_ends": Both("each unit has its own end", "每个单元各有终点"),
    "tiles_idle": Both(
        "Point at a tile: what that unit sees is framed on the picture.",
        "指向一个小图：该单元看到的区域会在图片上框出。",
    ),
    "tiles_idle_plain": Both("Point at a tile to read its values.", "指向一个小图以读取数值。"),
    "tiles_keys": Both(
        "Arrows move by a place, with Shift by a tile; Enter or a click pins, Esc frees.",
        "方向键移动一个位置，Shift 加方向键移动一个小图；回车或点击固定，Esc 取消。",
    ),
    "tiles_grid": Both("Tiles of {name}", "{name} 的小图"),
    "tiles_still": Both("The first {shown} of {count} tiles of {name}.", "{name} 的 {count} 个小图中的前 {shown} 个。"),
    "tiles_picture": Both("The picture, with what the unit sees", "图片与单元可见区域"),
    "tiles_scripts": Both(
        "Scripts are off: the first tiles of each layer are shown as stills.",
        "脚本已关闭：每层只显示前几个小图的静态图。",
    ),
}
"""Braces of these are filled in the browser, but for ``tiles_still``."""
