"""Path methods, in words."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both
from seethrough.show.vocabulary.entry import MethodWords

METHODS: Mapping[str, MethodWords] = {
    "integrated_gradients": MethodWords(
        Both("Integrated Gradients", "积分梯度"),
        Both(
            "What each pixel adds to the answer on the way from an empty picture; all values sum to the difference.",
            "从空白图片走到这张图片，每个像素给答案增加了多少；全部相加等于两者之差。",
        ),
    ),
}

NOTES: Mapping[str, Both] = {}
