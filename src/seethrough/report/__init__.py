"""Reports: a result as a file or as a page that stands alone, and the blocks that other pages are built of."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seethrough.report.blocks import Answer, Explained, Notes, Paragraph, Section, Table
    from seethrough.report.explained import explanation_page
    from seethrough.report.files import refuse_unknown_kind, save
    from seethrough.report.notebook import embed
    from seethrough.report.page import Page

_HOMES = {
    "Answer": "blocks",
    "Explained": "blocks",
    "Notes": "blocks",
    "Page": "page",
    "Paragraph": "blocks",
    "Section": "blocks",
    "Table": "blocks",
    "embed": "notebook",
    "explanation_page": "explained",
    "refuse_unknown_kind": "files",
    "save": "files",
}
__all__ = [
    "Answer", "Explained", "Notes", "Page", "Paragraph", "Section", "Table",
    "embed", "explanation_page", "refuse_unknown_kind", "save",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'seethrough.report' has no attribute {name!r}")
    return getattr(importlib.import_module(f"seethrough.report.{_HOMES[name]}"), name)
