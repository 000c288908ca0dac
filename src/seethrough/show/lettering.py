"""Text in figures: a font that has the characters, and lines that break where each script may."""

from __future__ import annotations

import unicodedata
from functools import cache

from matplotlib import font_manager

CHINESE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei",
    "Heiti SC", "SimHei", "DengXian", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback",
    "Noto Sans CJK JP", "Arial Unicode MS", "SimSun", "AR PL UMing CN",
)  # fmt: skip
"""Fonts with Simplified Chinese, the better ones first."""

NO_CHINESE_FONT = "No font with Chinese characters was found on this machine, so the words are in English."

_NOT_FIRST = set("，。；：、）！？”’》」』%,.;:)!?")


@cache
def chinese_font() -> str | None:
    """The best installed font with Chinese characters, or None."""
    installed = set(font_manager.get_font_names())
    return next((name for name in CHINESE_FONTS if name in installed), None)


def families() -> list[str]:
    """Font families in the order they are asked for each character."""
    chinese = chinese_font()
    return ["DejaVu Sans", chinese] if chinese else ["DejaVu Sans"]


def wrap(text: str, width: float) -> list[str]:
    """Break a text into lines of at most ``width`` average Latin characters; Chinese may break between any two signs.

    A closing mark never starts a line; a word that is longer than a line is cut.
    """
    lines, line, length = [], "", 0.0
    for piece in _pieces(text):
        size = sum(map(_size, piece.rstrip()))
        if line and length + size > width and piece[0] not in _NOT_FIRST:
            lines.append(line.rstrip())
            line, length = "", 0.0
        while size > width:
            cut = max(1, int(width / max(map(_size, piece))))
            lines.append(piece[:cut])
            piece = piece[cut:]
            size = sum(map(_size, piece.rstrip()))
        line += piece
        length += sum(map(_size, piece))
    return [*lines, line.rstrip()] if line.strip() else lines


def _pieces(text: str) -> list[str]:
    """The text cut where a line may break: after each space, and before and after each wide sign."""
    pieces, word = [], ""
    for c in text:
        if _is_wide(c):
            pieces += [word] if word else []
            pieces.append(c)
            word = ""
        else:
            word += c
            if c == " ":
                pieces.append(word)
                word = ""
    return [*pieces, word] if word else pieces


def _is_wide(c: str) -> bool:
    return unicodedata.east_asian_width(c) in "WF"


def _size(c: str) -> float:
    return 1.75 if _is_wide(c) else 1.0
