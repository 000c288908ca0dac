"""Used: a mark in an audit's folder that pictures were looked at for a proof. The first look is worth most: of several repairs
that were proved on the same pictures, the best one is partly lucky.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seethrough.errors import InputRefused
from seethrough.writing import write_whole

NAME = "proved.json"
"""In an audit's folder."""

FORMAT = "seethrough proofs 1"


@dataclass(frozen=True, slots=True)
class Use:
    """Pictures that were looked at for a proof.

    Attributes
    ----------
    pictures
        What tells them from others.
    after
        The fingerprint of the network that was proved on them.
    verdict
        What came of it.
    when
        The day, ``"2026-11-30"``.
    """

    pictures: str
    after: str
    verdict: str
    when: str

    @staticmethod
    def now(pictures: str, after: str, verdict: str) -> Use:
        """Of today."""
        return Use(pictures, after, verdict, datetime.now(UTC).strftime("%Y-%m-%d"))


def uses(folder: Path | None, pictures: str) -> list[Use]:
    """What these pictures were used for before, the oldest first.

    Raises
    ------
    InputRefused
        Where the file isn't one.
    """
    return [use for use in _read(folder) if use.pictures == pictures]


def mark(folder: Path, use: Use) -> None:
    """Say that pictures were used; what was said before stays."""
    said = [*_read(folder), use]
    record: dict[str, Any] = {"format": FORMAT, "used": [_plain(each) for each in said]}
    write_whole(folder / NAME, (json.dumps(record, indent=2) + "\n").encode("utf-8"))


def _plain(use: Use) -> dict[str, str]:
    return {"pictures": use.pictures, "after": use.after, "verdict": use.verdict, "when": use.when}


def _read(folder: Path | None) -> list[Use]:
    if folder is None or not (folder / NAME).exists():
        return []
    path = folder / NAME
    try:
        held = json.loads(path.read_text("utf-8"))
        if not isinstance(held, Mapping) or held.get("format") != FORMAT:
            raise ValueError(FORMAT)
        return [Use(*(str(each[name]) for name in ("pictures", "after", "verdict", "when"))) for each in held["used"]]
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputRefused(
            f"{path} should say which pictures were used for a proof before, and can't be read; if they were not, remove it."
        ) from error
