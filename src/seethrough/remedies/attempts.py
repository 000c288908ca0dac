"""Attempts: what each rung made of a network, in files of their own, so that a repair that was broken off goes on."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from seethrough.remedies.pool import digest_of
from seethrough.remedies.rung import Attempt, Edit, Rung, Ward
from seethrough.remedies.weights import parameters
from seethrough.writing import write_whole

EDIT = "edit"

ROOMS = ("", "rungs")
"""Of this package, what an attempt may be made by."""


@dataclass(frozen=True)
class Attempts:
    """A folder with a file for each rung that was tried; without a folder nothing is kept."""

    folder: Path | None

    def recall(self, ward: Ward, rung: Rung, make: Callable[[], Attempt]) -> Attempt:
        """A rung's attempt: as this very code kept it, or made and kept. What was cut short for want of time is made again."""
        path = None if self.folder is None else self.folder / f"{rung.name}-{_digest(ward, rung)}.safetensors"
        found = None if path is None else _read(path, ward)
        if found is None:
            found = make()
            in_time = ward.deadline is None or time.monotonic() < ward.deadline
            if path is not None and in_time and not _wraps(found):
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(path, _written(found))
        return found


def _digest(ward: Ward, rung: Rung) -> str:
    from seethrough import __version__

    faults = [[fault.aspect.to_dict(), fault.answer, list(fault.rivals)] for fault in ward.faults]
    classes = np.asarray(ward.facts.classes, np.int64)
    said = [
        __version__, code_mark(), rung.name, faults, sorted(ward.grounds), ward.seed,
        classes[ward.learn].tolist(), classes[ward.choose].tolist(),
    ]  # fmt: skip
    return digest_of(ward, said, ward.learn, ward.choose)


@cache
def code_mark() -> str:
    """12 digits of the code that makes attempts: what another wrote isn't taken for what this one would. Nobody has to remember to
    count a version.
    """
    return mark_of(files("seethrough.remedies"))


def mark_of(home: Traversable) -> str:
    """The same of a folder with such a package in it."""
    found = hashlib.sha256()
    for room in ROOMS:
        for each in sorted((home / room).iterdir(), key=lambda each: each.name):
            if each.name.endswith(".py"):
                found.update(each.name.encode() + b"\0" + each.read_bytes())
    return found.hexdigest()[:12]


def _wraps(attempt: Attempt) -> bool:
    """A wrapper is a function, which isn't written; it is made again in no time."""
    return any(edit.wrapper is not None for edit in (attempt.edit, *attempt.controls.values()))


def _written(attempt: Attempt) -> bytes:
    edits = {EDIT: attempt.edit, **attempt.controls}
    tensors = {f"{name}/{path}": t for name, edit in edits.items() for path, t in edit.weights.items()}
    said = {"settings": json.dumps(attempt.settings, default=_plain), "edits": json.dumps(list(edits))}
    return save({key: t.detach().cpu().contiguous().clone() for key, t in tensors.items()}, said)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)


def _read(path: Path, ward: Ward) -> Attempt | None:
    """None where there is no such file, or it isn't whole: then the rung is tried again."""
    live = parameters(ward.canvas.net)
    try:
        with safe_open(path, "pt") as held:
            said = held.metadata() or {}
            names, settings = json.loads(said["edits"]), json.loads(said["settings"])
            edits: dict[str, dict[str, Tensor]] = {name: {} for name in names}
            for key in held.keys():  # noqa: SIM118 (it is no mapping)
                name, _, parameter = key.partition("/")
                tensor = held.get_tensor(key)
                if live[parameter].shape != tensor.shape:
                    return None
                edits[name][parameter] = tensor
    except (OSError, SafetensorError, KeyError, ValueError):
        return None
    controls = {name: Edit(weights) for name, weights in edits.items() if name != EDIT}
    return Attempt(Edit(edits[EDIT]), settings, controls) if EDIT in edits else None


__all__ = ["Attempts", "code_mark", "mark_of"]
