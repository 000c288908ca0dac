"""From a method's tensor to a result: one number a place, on the pixels of the picture a person gave, and what can be
said of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from seethrough.attribution import Method, Outcome
from seethrough.graph.run import Run
from seethrough.network import Network, Prepared
from seethrough.results import Attribution, Note, Passes, Target


def attribution_of(
    net: Network, method: Method, outcome: Outcome, run: Run, prepared: Prepared, targets: tuple[Target, ...]
) -> Attribution:
    """A method's tensor on the pixels of the pictures, with what can be said of it."""
    values = outcome.values.detach()
    reduced = method.reduced(values).float().cpu().numpy()
    placed = [geometry.to_picture(m) for geometry, m in zip(prepared.geometries, reduced)]
    maps = np.stack([m for m, _ in placed])
    native = net.source.native(values) if values.dim() == prepared.batch.dim() else values
    checks = [note for name, numbers in outcome.checks.items() for note in _each(name, numbers)]
    return Attribution(
        method=method.name,
        values=native.float().cpu().contiguous().numpy(),
        map=maps,
        seen=np.stack([seen for _, seen in placed]),
        signed=method.signed,
        scores=run.scores.detach().float().cpu().numpy(),
        target=for_each_image(targets, len(maps)),
        layer=None,
        passes=Passes(),
        checks=(*checks, *_state_of(maps)),
        pictures=prepared.pictures,
    )


def _each(name: str, numbers: Mapping[str, Any]) -> list[Note]:
    """A check's numbers, where they are lists one note an image; its ``level`` among them, where it isn't ``"info"``."""
    many = max((len(v) for v in numbers.values() if isinstance(v, list)), default=0)
    rows = [{k: v[i] if isinstance(v, list) else v for k, v in numbers.items()} for i in range(many)]
    each = [{"image": i, **row} for i, row in enumerate(rows)] if many else [dict(numbers)]
    return [Note(name, row.pop("level", "info"), row) for row in each]


def _state_of(maps: np.ndarray) -> list[Note]:
    """What makes a map say nothing."""
    notes = []
    for i, m in enumerate(maps):
        if not np.isfinite(m).all():
            notes.append(Note("nan_map", "error", {"image": i}))
        elif not np.any(m):
            notes.append(Note("flat_map", "warning", {"image": i}))
    return notes


def for_each_image(targets: tuple[Target, ...], number: int) -> tuple[Target, ...]:
    """A target an image, where one may stand for all."""
    return targets if len(targets) == number else targets * number
