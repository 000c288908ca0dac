"""Training: a small and short one, the same for all arms but for what is tried."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy, cross_entropy, nll_loss

from seethrough.remedies.rehearsal.changes import Arm, first_output

BATCH = 32
RATE = 2e-3
"""AdamW's learning rate at its height; it rises over the first tenth of the steps and falls to nothing (one cycle)."""

DECAY = 1e-2
TOGETHER = 64


@dataclass(frozen=True, eq=False)
class Material:
    """Pictures to learn from and others to be asked about.

    Attributes
    ----------
    x, y
        float32 (n, C, H, W) as the network takes them, channels first; int64 (n,), the output that each belongs to.
    held_x, held_y
        The same of those that are held out.
    final
        The activation that the network ends with, as the graph calls it; None for none.
    framework, channels_last
        Of the network.
    """

    x: Tensor
    y: Tensor
    held_x: Tensor
    held_y: Tensor
    final: str | None
    framework: str
    channels_last: bool

    def given(self, x: Tensor) -> Tensor:
        """Pictures in the network's own layout."""
        return x.permute(0, 2, 3, 1) if self.channels_last else x


def trained(arm: Arm, material: Material, steps: int, seed: int, told: Callable[[], None] | None = None) -> float:
    """Train an arm in place; every arm of a seed sees the same pictures, mirrored alike, in the same order.

    Returns
    -------
    float
        Seconds that it took.
    """
    began = time.perf_counter()
    module = arm.module.train()
    for parameter in module.parameters():
        parameter.requires_grad_(parameter.is_floating_point() and _learns(arm, parameter))
    learning = [p for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, RATE * arm.rate, weight_decay=DECAY)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE * arm.rate, total_steps=max(steps, 2), pct_start=0.1)
    chance = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)  # dropout
        for _ in range(steps):
            rows = torch.randint(len(material.x), (min(BATCH, len(material.x)),), generator=chance)
            x = material.x[rows]
            mirrored = torch.rand(len(x), generator=chance) < 0.5
            x = torch.where(mirrored[:, None, None, None], x.flip(3), x)
            out = _answers(arm, material, x, training=True)
            optimizer.zero_grad(set_to_none=True)
            loss(out, material.y[rows], material.final).backward()
            torch.nn.utils.clip_grad_norm_(learning, 5.0)
            optimizer.step()
            rates.step()
            for after in arm.after:
                after()
            if told:
                told()
    module.eval()
    return time.perf_counter() - began


def _learns(arm: Arm, parameter: Tensor) -> bool:
    """In Keras the moving statistics of normalisation are parameters too, which only a training pass moves."""
    if arm.framework != "keras":
        return True
    return any(parameter is variable.value for variable in arm.module.trainable_variables)  # type: ignore[union-attr]


def _answers(arm: Arm, material: Material, x: Tensor, *, training: bool) -> Tensor:
    given = material.given(x)
    out = arm.module(given, training=training) if arm.framework == "keras" else arm.module(given)
    out = first_output(out)
    if out.dim() > 2:
        out = out.flatten(2).mean(2) if not material.channels_last else out.flatten(1, -2).mean(1)
    return out


def loss(out: Tensor, y: Tensor, final: str | None) -> Tensor:
    """Cross-entropy, whatever the network ends with."""
    if out.shape[1] == 1:
        chance = out if final is not None else out.sigmoid()
        return binary_cross_entropy(chance[:, 0].clamp(1e-6, 1 - 1e-6), y.to(out))
    if final is None:
        return cross_entropy(out, y)
    if final.startswith("log"):
        return nll_loss(out, y)
    if final == "softmax":
        return nll_loss(out.clamp(min=1e-7).log(), y)
    wanted = torch.nn.functional.one_hot(y, out.shape[1]).to(out)
    return binary_cross_entropy(out.clamp(1e-6, 1 - 1e-6), wanted)


@torch.no_grad()
def right(arm: Arm, material: Material) -> NDArray[np.bool_]:
    """Whether each held-out picture is answered with its own class, (n,), of the classes that there are pictures of."""
    arm.module.eval()
    outs = [
        _answers(arm, material, material.held_x[at : at + TOGETHER], training=False)
        for at in range(0, len(material.held_x), TOGETHER)
    ]
    out = torch.cat(outs)
    if out.shape[1] == 1:
        said = (out[:, 0] > (0.5 if material.final is not None else 0)).long()
        return (said == material.held_y).numpy()
    classes = torch.unique(material.y)
    return (classes[out[:, classes].argmax(1)] == material.held_y).numpy()
