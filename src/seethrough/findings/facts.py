"""Facts: what is known of each picture once, and asked by every finder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seethrough.errors import NetworkRefused
from seethrough.findings.canvas import Canvas
from seethrough.findings.looks import LOOKS
from seethrough.findings.split import Split, near_duplicates, split
from seethrough.gallery.head import vector_of
from seethrough.graph.execute import execute
from seethrough.jobs import Results

BESIDE = 0.02
"""So much of a picture at least lies beside the thing, else its mask tells nothing."""


@dataclass(frozen=True, eq=False)
class Facts:
    """Of N pictures.

    Attributes
    ----------
    classes
        int64 (N,): the output that each belongs to; −1 where that isn't known or it can't be used (`unmasked`, or it
        couldn't be read).
    labels
        A name for each output.
    answers
        float32 (N, K): the network's probabilities.
    features
        float32 (N, D): what its last linear layer reads.
    head
        float32 (K, D) and (K,): that layer, where the outputs before a softmax are ``features @ headᵀ + bias``; None
        where they aren't.
    heat
        float32 (N, h, w), ≥ 0: where the evidence for its own answer lies, on a coarse grid over the network's input.
    looks
        From the name of a property (`seethrough.findings.looks`) to float32 (N,).
    looks_on
        The same measured on the thing, not a number where it is too small; None where nobody knows where that is, or it was
        only estimated: a piece of the thing that an estimate leaves over is in both.
    small
        uint8 (N, s, s, 3): the picture on the network's grid, made small.
    fore
        uint8 (N, s, s), 0…255: where the thing is, on the same grid; None where nobody knows.
    split
        What each is for.
    agreement
        float32 (N,), 0…1: where the thing was estimated, how far the guesses agree; None where it wasn't.
    """

    classes: NDArray[np.int64]
    labels: tuple[str, ...]
    answers: NDArray[np.float32]
    features: NDArray[np.float32]
    head: tuple[NDArray[np.float32], NDArray[np.float32]] | None
    heat: NDArray[np.float32]
    looks: Mapping[str, NDArray[np.float32]]
    small: NDArray[np.uint8]
    fore: NDArray[np.uint8] | None
    split: Split
    agreement: NDArray[np.float32] | None = None
    looks_on: Mapping[str, NDArray[np.float32]] | None = None

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def asked(self) -> tuple[int, ...]:
        """The outputs that pictures belong to, in order."""
        return tuple(int(k) for k in np.unique(self.classes[self.classes >= 0]))

    @property
    def unmasked(self) -> NDArray[np.bool_]:
        """bool (N,): of others it is known where the thing is, and not of this one, or its thing leaves nothing beside it:
        to exchange all of it would prove anything.
        """
        read = self.answers.any(1)
        return np.zeros(len(self), bool) if self.fore is None else read & _tells_nothing(self.fore)


def facts_of(canvas: Canvas, results: Results, classes: NDArray[np.int64], *, seed: int = 0) -> Facts:
    """What one pass left behind, as one table; and the split.

    Parameters
    ----------
    results
        Of the work `seethrough.findings.looking.Looking`.
    classes
        int64 (N,): the output that each picture belongs to, −1 where that isn't known.
    """
    count = len(results.collection)
    rows: dict[str, NDArray[Any]] = {}
    read = np.zeros(count, bool)
    for numbers, arrays in results.shards():
        for name, part in arrays.items():
            rows.setdefault(name, np.zeros((count, *part.shape[1:]), part.dtype))[numbers] = part
        read[numbers] = True
    fore = rows.get("fore")
    known = np.where(read if fore is None else read & ~_tells_nothing(fore), classes, -1)
    sure = fore is not None and "agreement" not in rows
    group = near_duplicates(rows["mark"].tolist(), rows["small"])
    answers = rows["answer"]
    if answers.shape[1] == 1:
        answers = np.concatenate([1 - answers, answers], 1)
    return Facts(
        classes=known,
        labels=_labels(canvas, answers.shape[1]),
        answers=answers,
        features=rows["feature"],
        head=_head(canvas, rows["feature"][read], rows["logits"][read]),
        heat=rows["heat"],
        looks={name: rows[f"look.{name}"] for name in LOOKS},
        small=rows["small"],
        fore=fore,
        split=split(known, group, seed=seed),
        agreement=rows.get("agreement"),
        looks_on={name: rows[f"look on.{name}"] for name in LOOKS} if sure else None,
    )


def _tells_nothing(fore: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return (fore.max((1, 2)) == 0) | ((fore < 128).mean((1, 2)) < BESIDE)


def _labels(canvas: Canvas, outputs: int) -> tuple[str, ...]:
    said = canvas.net.classes
    return tuple(said) if said is not None and len(said) == outputs else tuple(str(k) for k in range(outputs))


def _head(
    canvas: Canvas, features: NDArray[np.float32], logits: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """The last linear layer, asked: what a feature of 1 alone adds to each output. None where outputs aren't so, or
    nobody can see how they come about.
    """
    if not len(features):
        return None
    count = features.shape[1]
    try:
        graph = canvas.net.graph()
    except NetworkRefused:
        return None
    vector = vector_of(graph, None, canvas.net.opened.task)
    shape = graph.values[vector.place.value].at(count + 1)
    basis = torch.cat([torch.zeros(1, count), torch.eye(count)])
    value = vector.place.of(torch.zeros(shape))
    axis = 1 if value.dim() < 3 else vector.features
    spread = basis.reshape(count + 1, count, *[1] * (value.dim() - 2)).movedim(1, axis).expand_as(value)
    with torch.no_grad():
        out = execute(graph, {vector.place.value: vector.place.back(spread).contiguous()}, [graph.logits.value])
    given: Tensor = graph.logits.of(out[graph.logits.value]).float()
    found = (given.flatten(2).mean(2) if given.dim() > 2 else given).numpy()
    weight, bias = (found[1:] - found[0]).T, found[0]
    off = np.abs(features @ weight.T + bias - logits).max()
    return (weight, bias) if off <= 1e-3 * max(1e-6, float(np.abs(logits).max())) else None
