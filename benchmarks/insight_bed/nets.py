"""How the bed's networks are trained: seeded, with one thread, in seconds."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from insight_bed.beds import ARCHITECTURES

EPOCHS, BATCH, RATE, DECAY = 8, 40, 4e-3, 1e-2


def network(bed: str, architecture: str, classes: int, seed: int) -> nn.Module:
    """Untrained."""
    torch.manual_seed(seed)
    module = ARCHITECTURES[bed][architecture](classes)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return module


def train(module: nn.Module, pictures: NDArray[np.uint8], labels: NDArray[np.int64], seed: int) -> None:
    """On pictures (n, H, W, 3), in place: AdamW, its rate rising and falling once."""
    x, y = as_taken(pictures), torch.from_numpy(labels)
    chance = torch.Generator().manual_seed(seed)
    steps = EPOCHS * (len(x) // BATCH)
    chosen = torch.optim.AdamW(module.parameters(), RATE, weight_decay=DECAY)
    falls = torch.optim.lr_scheduler.OneCycleLR(chosen, RATE, total_steps=steps)
    module.train()
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x), generator=chance).split(BATCH):
            if len(rows) < BATCH:
                continue
            chosen.zero_grad()
            F.cross_entropy(module(x[rows]), y[rows]).backward()
            chosen.step()
            falls.step()
    module.eval()


def as_taken(pictures: NDArray[np.uint8]) -> Tensor:
    """Pictures (n, H, W, 3) as the networks take them."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div(255)


@torch.no_grad()
def chances(module: nn.Module, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Its probabilities, (n, classes)."""
    parts = [module(as_taken(pictures[at : at + 128])) for at in range(0, len(pictures), 128)]
    return torch.cat(parts).double().softmax(1).numpy()


def kept(path: Path, make: Callable[[], tuple[nn.Module, dict[str, Any]]], empty: nn.Module) -> tuple[nn.Module, dict]:
    """What was trained before, or is now: weights in ``path``, what is known of it beside."""
    beside = path.with_suffix(".json")
    if beside.exists():
        empty.load_state_dict(load_file(path))
        return empty.eval(), json.loads(beside.read_text())
    start = time.process_time()
    module, known = make()
    known["seconds"] = time.process_time() - start
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in module.state_dict().items()}, path)
    half = beside.with_suffix(".half")
    half.write_text(json.dumps(known))
    os.replace(half, beside)  # noqa: PTH105
    return module, known
