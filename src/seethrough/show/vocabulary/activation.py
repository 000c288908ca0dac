"""Class activation maps, in words."""

from __future__ import annotations

from collections.abc import Mapping

from seethrough.show.language import Both
from seethrough.show.vocabulary.entry import MethodWords

METHODS: Mapping[str, MethodWords] = {
    "gradcam": MethodWords(
        Both("Grad-CAM", "Grad-CAM"),
        Both(
            "Which places of a deep layer speak for the answer; coarse, because that layer's grid is.",
            "深层特征中哪些位置支持该答案；较粗，因为该层的网格本来就粗。",
        ),
    ),
}

NOTES: Mapping[str, Both] = {}
