"""Kept: what became of each candidate's pictures, in files of their own, so that a judgement that was broken off goes on."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from seethrough.findings.aspect import Candidate
from seethrough.findings.judge import Trials
from seethrough.writing import write_whole


@dataclass(frozen=True)
class KeptTrials:
    """A folder with a file for each candidate that was judged.

    Attributes
    ----------
    folder
        Made with the first file.
    asked
        All that the trials depend on beside the candidate, as plain data: network, pictures, masks, split, seed.
    """

    folder: Path
    asked: Any

    def __call__(self, candidate: Candidate, make: Callable[[], Trials]) -> Trials:
        """A candidate's trials: as they were kept, or made and kept."""
        path = self.folder / f"{self._digest(candidate)}.npz"
        found = _read(path)
        if found is None:
            found = make()
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, _written(found))
        return found

    def _digest(self, candidate: Candidate) -> str:
        said = [self.asked, candidate.aspect.to_dict(), candidate.answer, candidate.rivals]
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:24]


def _written(trials: Trials) -> bytes:
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **{f.name: getattr(trials, f.name) for f in fields(Trials)})
    return out.getvalue()


def _read(path: Path) -> Trials | None:
    """None where there is no such file, or it isn't whole: then the pictures are asked again."""
    try:
        with np.load(path, allow_pickle=False) as held:
            return Trials(*(held[f.name] for f in fields(Trials)))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
