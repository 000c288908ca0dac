"""The rows of the table: each work beside a peer's way to do it. `table` gives them by key; nothing is imported before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rows.row import Row

ORDER = (
    "occlusion", "occlusion_448", "scorecam", "gradcam", "integrated_gradients", "lrp", "saliency", "visualization", "rise",
    "summary", "ten", "twelve", "forward_1", "forward_4", "folder",
)  # fmt: skip


def table() -> Mapping[str, Row]:
    """Every row by its key, in order."""
    from rows import covered, made, many, walked

    found = {row.key: row for part in (covered, made, many, walked) for row in part.ROWS}
    return {key: found[key] for key in ORDER}
