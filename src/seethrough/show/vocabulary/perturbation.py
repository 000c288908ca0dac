"""Perturbation methods, in words."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both
from seethrough.show.vocabulary.entry import MethodWords

METHODS: Mapping[str, MethodWords] = {
    "occlusion": MethodWords(
        Both("Occlusion", "遮挡"),
        Both(
            "How much the answer falls when a window of the picture is covered; measured, not computed by gradient.",
            "遮住图片的一个窗口后答案下降多少；是实测值，不是由梯度算出的。",
        ),
    ),
}

NOTES: Mapping[str, Both] = {}
