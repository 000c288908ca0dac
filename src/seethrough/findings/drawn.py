"""What tells masks or boxes from others, so that what was seen with some isn't taken for what would be seen with others."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seethrough.errors import InputRefused
from seethrough.evaluation.objects import mask_files
from seethrough.findings.foreground import ESTIMATE

ESTIMATED = "estimated"
"""What is said of masks that nobody drew."""


def told_apart_by(masks: Any, boxes: Any) -> str:
    """A few words and a mark: of files their names, sizes and times of the last change, of masks those in folders of the folder
    and those that a CSV file names too; of anything else the content; empty where there are neither.
    """
    if masks is None and boxes is None:
        return ""
    if isinstance(masks, str) and masks == ESTIMATE:
        return ESTIMATED
    what, said = ("masks", masks) if boxes is None else ("boxes", boxes)
    digest = hashlib.sha256(b"" if boxes is None else b"the things in them")
    is_path = isinstance(said, str | os.PathLike)
    for each in [said, *_read_by(said)] if is_path and boxes is None else [said]:
        _take_in(digest, each)
    named = f" {said}" if is_path else ""
    return f"{what}{named} ({digest.hexdigest()[:12]})"


def _take_in(digest: Any, said: Any) -> None:
    if isinstance(said, str | os.PathLike):
        path = Path(said)
        digest.update(repr((str(path), *(() if path.is_dir() else _state(path)))).encode())
    elif isinstance(said, Mapping):
        for name, each in said.items():
            digest.update(repr(str(name)).encode())
            _take_in(digest, each)
    elif isinstance(said, list | tuple):
        digest.update(f"{len(said)} of".encode())
        for each in said:
            _take_in(digest, each)
    elif said is not None:
        array = np.asarray(said)
        digest.update(repr((str(array.dtype), array.shape)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    else:
        digest.update(b"none")


def _read_by(masks: str | os.PathLike[str]) -> list[Path]:
    try:
        return mask_files(masks)
    except InputRefused:  # who reads them says what is wrong
        return []


def _state(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except (OSError, ValueError):
        return 0, 0
    return status.st_size, status.st_mtime_ns
