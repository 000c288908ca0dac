"""Seen: a folder of pictures as a network sees it, looked at once: what an audit begins with, and what a repair goes on from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seethrough.datasets.collection import Collection, collect
from seethrough.findings.belonging import Belonging, belonging, refuse_too_few, refuse_too_few_left
from seethrough.findings.canvas import Canvas
from seethrough.findings.drawn import told_apart_by
from seethrough.findings.facts import Facts, facts_of
from seethrough.findings.foreground import foreground_of
from seethrough.findings.looking import Looking
from seethrough.jobs import Results
from seethrough.jobs import run as run_work
from seethrough.network import Network

FOLDER = "folder"
"""As truth: the folders' names."""

LOOKED = "looked"
"""In an audit's folder: what was looked at."""


@dataclass(frozen=True, eq=False)
class Seen:
    """Pictures, and what is known of them.

    Attributes
    ----------
    belongs
        To which outputs they belong.
    looked
        What the one pass left behind.
    told_apart
        What tells masks apart from others; empty without any.
    """

    canvas: Canvas
    collection: Collection
    belongs: Belonging
    looked: Results
    facts: Facts
    told_apart: str


def canvas_of(net: Network, data: Any, *, truth: Any = None, masks: Any = None, boxes: Any = None) -> Canvas:
    """The pictures of a folder, or of anything that `seethrough.datasets.collection.collect` takes, with what was drawn."""
    collection = collect(data, truth=None if isinstance(truth, str) and truth == FOLDER else truth)
    return Canvas(net, collection, foreground_of(net, collection, masks, boxes))


def seen(
    net: Network,
    data: Any,
    *,
    truth: Any = None,
    masks: Any = None,
    boxes: Any = None,
    called: Mapping[str, str | int] | None = None,
    folder: Path | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Seen:
    """Look at every picture once; what was looked at in the same folder before is read back.

    Parameters
    ----------
    folder
        Of an audit; None for nowhere.

    Raises
    ------
    UsageError, InputRefused
        See `seethrough.findings.audit.audit`.
    """
    canvas = canvas_of(net, data, truth=truth, masks=masks, boxes=boxes)
    told_apart = told_apart_by(masks, boxes)
    belongs = belonging(net, canvas.collection, called)
    refuse_too_few(belongs)
    looked = run_work(
        net,
        canvas.collection,
        Looking(canvas, told_apart),
        folder=None if folder is None else folder / LOOKED,
        progress=progress,
    )
    facts = facts_of(canvas, looked, belongs.outputs, seed=seed)
    refuse_too_few_left(facts, belongs)
    return Seen(canvas, canvas.collection, belongs, looked, facts, told_apart)


__all__ = ["FOLDER", "LOOKED", "Seen", "canvas_of", "seen"]
