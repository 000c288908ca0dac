"""Heat: where in a picture the evidence for an answer lies, as gradient times activation at the last layer with places."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seethrough.attribution.layers import last_spatial
from seethrough.errors import NetworkRefused
from seethrough.findings.canvas import Canvas
from seethrough.graph.rules import PLAIN
from seethrough.graph.run import Run
from seethrough.results import INPUT


def heat_of(run: Run, layer: str) -> Tensor:
    """Gradient times activation at a layer, (n, C, h, w); zero for a function, through which nothing can be walked back."""
    value = run.images if layer == INPUT else run.value(layer)
    try:
        return (value * run.gradient(layer)).detach().float()
    except NetworkRefused:
        return torch.zeros_like(value, dtype=torch.float32)


def heats(canvas: Canvas, x: Tensor, answer: int) -> NDArray[np.float32] | None:
    """What speaks for an answer and against the others in pictures (n, 3, H, W) from black 0 to white 1: float32 (n, h, w), ≥ 0, of one
    scale for all of them. None where nothing does, or the network shows nothing of its inside.
    """
    batch = canvas.as_seen(x)
    layer = last_spatial(canvas.net.source.proved(batch, gradient=True)) or INPUT
    run = Run(canvas.net.source, batch, partial(_rather_than_others, answer), asks=[(PLAIN, layer)])
    heat = heat_of(run, layer).sum(1).relu().numpy()
    return heat if heat.any() else None


def _rather_than_others(answer: int, out: Tensor, rows: Tensor) -> Tensor:
    """How far an answer's score is above the others' mean; of a single output, which says how likely class 1 is, the output's sign."""
    scores = out.flatten(2).mean(2) if out.dim() > 2 else out
    if scores.shape[1] == 1:
        return scores[:, 0] if answer else -scores[:, 0]
    return scores[:, answer] - (scores.sum(1) - scores[:, answer]) / (scores.shape[1] - 1)
