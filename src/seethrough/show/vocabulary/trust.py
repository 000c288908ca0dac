"""How far to believe a map, in words."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both

VERDICTS: Mapping[str, Both] = {
    "carries_weight": Both("carries weight", "可以采信"),
    "with_care": Both("with care", "谨慎参考"),
    "says_nothing": Both("says nothing here", "此处不说明问题"),
}
"""What may be said of a map."""

NOTES: Mapping[str, Both] = {
    # What takes all meaning from a map.
    "trust_not_finite": Both("The map holds NaN or infinite numbers.", "图中含有 NaN 或无穷大的数。"),
    "trust_flat": Both("The map is flat: it points to no place.", "图是平的：没有指向任何位置。"),
    "edge_detector_here": Both(
        "On a copy of the network with weights drawn at random, this method gives almost the same picture (similarity "
        "{similarity:value}): here it shows the photo's structure, and not what the network has learned.",
        "在权重随机重抽的网络副本上，该方法给出几乎相同的图（相似度 {similarity:value}）：在此它显示的是照片的结构，而不是网络学到的东西。",
    ),
    "no_better_than_chance": Both(
        "What the map says of places has little to do with what covering them costs (correlation {cost:value}): it beats only "
        "{beaten:percent} of its own copies that were shifted to other places.",
        "图对各处的说法与遮住这些地方的代价关系很小（相关 {cost:value}）：把图平移到别处所得的副本中，它只胜过 {beaten:percent}。",
    ),
    # What keeps a map from carrying weight.
    "not_checked_by_covering": Both(
        "The answer doesn't change whatever is covered, or the input is no picture: the map couldn't be checked by covering.",
        "无论遮住哪里答案都不变，或者输入不是图片：无法用遮挡来检验这张图。",
    ),
    "cost_told_badly": Both(
        "The map's numbers only loosely follow what covering places costs (correlation {cost:value}).",
        "图中的数值与遮住各处的代价只有松散的对应（相关 {cost:value}）。",
    ),
    "places_told_badly": Both(
        "Copies of the map that were shifted to other places do about as well: it beats {beaten:percent} of them.",
        "把图平移到别处所得的副本效果差不多：它只胜过其中 {beaten:percent}。",
    ),
    "no_better_than_noise": Both(
        "Covering the picture in the map's order moves the answer no faster than covering it in random order ({gain:value} and {null:value}).",
        "按图的次序遮挡，答案变化并不比按随机次序更快（{gain:value} 与 {null:value}）。",
    ),
    "no_better_than_blurred_noise": Both(
        "Covering the picture in the map's order moves the answer no faster than in the order of blurred noise ({gain:value} and "
        "{null:value}).",
        "按图的次序遮挡，答案变化并不比按模糊噪声的次序更快（{gain:value} 与 {null:value}）。",
    ),
    "no_better_than_the_centre": Both(
        "Covering the picture in the map's order moves the answer no faster than covering it from the centre outwards ({gain:value} "
        "and {null:value}).",
        "按图的次序遮挡，答案变化并不比从中心向外遮挡更快（{gain:value} 与 {null:value}）。",
    ),
    "no_better_than_edges": Both(
        "Covering the picture in the map's order moves the answer no faster than covering its strongest edges first ({gain:value} "
        "and {null:value}).",
        "按图的次序遮挡，答案变化并不比先遮住最强的边缘更快（{gain:value} 与 {null:value}）。",
    ),
    "unstable": Both(
        "A little noise or a shift by one pixel leaves the answer as it is and changes the map (rank correlation {correlation:value}).",
        "加一点噪声或平移一个像素，答案不变，图却变了（秩相关 {correlation:value}）。",
    ),
    "adds_up_badly": Both(
        "The map should add up to the answer's change and misses it by {gap:percent}; more steps help.",
        "图的总和应等于答案的变化，却相差 {gap:percent}；增加步数会有改善。",
    ),
    # What speaks for a map.
    "cost_told_well": Both(
        "The map's numbers follow what covering places really costs (correlation {cost:value}), better than {beaten:percent} of its "
        "copies shifted to other places.",
        "图中的数值与遮住各处的真实代价一致（相关 {cost:value}），胜过 {beaten:percent} 的平移副本。",
    ),
    "beats_null_maps": Both(
        "Covering in the map's order moves the answer faster ({gain:value}) than noise, blurred noise, the centre or the picture's "
        "edges do (at best {null:value}).",
        "按图的次序遮挡，答案变化（{gain:value}）快于噪声、模糊噪声、中心或图片边缘的次序（最好 {null:value}）。",
    ),
    "needs_the_weights": Both(
        "With weights drawn at random the map becomes another one (similarity {similarity:value}).",
        "权重随机重抽后，图变成另一张（相似度 {similarity:value}）。",
    ),
    "stable": Both(
        "Under a little noise and a shift by one pixel the map stays where it is (rank correlation {correlation:value}).",
        "加一点噪声、平移一个像素，图仍在原处（秩相关 {correlation:value}）。",
    ),
    "not_checked_without_weights": Both(
        "This network's weights can't be drawn anew, or the method can't be asked again, so whether the map needs them wasn't "
        "checked.",
        "此网络的权重无法重抽，或该方法无法再次询问，因此未检验图是否依赖权重。",
    ),
    "not_checked_for_stability": Both(
        "Even a little noise changes the answer, or the method can't be asked again, so the map's stability wasn't checked.",
        "哪怕一点噪声也会改变答案，或该方法无法再次询问，因此未检验图的稳定性。",
    ),
}
