"""Train the two networks of `seethrough.models.demo` on the leopards, alike in all but the pictures' backgrounds.

    python scripts/train_leopards.py [--out FOLDER] [--only NAME]

Seeded: the same machine and library versions give the same weights. It takes some minutes on two cores, prints each
network's accuracy on pictures that it has not seen, and writes one ``.safetensors`` file each, whole or not at all.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor
from torch.nn.functional import cross_entropy

from seethrough.datasets import BACKGROUNDS, SPECIES, Leopards, exchanged, leopards
from seethrough.images import prepare
from seethrough.models.demo import CLASSES, INPUT_SIZE, PREPROCESSING, LeopardNet
from seethrough.results import Picture

CORRELATION = {"leopards": 0.95, "leopards-balanced": 0.5}
"""Share of the training pictures with the usual background, for each network."""

TRAINING_SEED, TEST_SEED = 1, 2
TRAINING_COUNT, TEST_COUNT = 2000, 400
EPOCHS = 6
BATCH = 64
LEARNING_RATE = 2e-3
PART = 100


@dataclass(frozen=True)
class Samples:
    """Pictures as the network sees them: ``inputs`` float32 (N, 3, 128, 128), ``species`` and ``backgrounds`` int64
    (N,).
    """

    inputs: Tensor
    species: Tensor
    backgrounds: Tensor


def main() -> None:
    """Draw, train, measure, write."""
    options = arguments()
    torch.set_num_threads(os.cpu_count() or 1)
    start = time.perf_counter()
    usual = samples(TEST_COUNT, correlation=1.0, seed=TEST_SEED)
    unusual = samples(TEST_COUNT, correlation=1.0, seed=TEST_SEED, swap=True)
    for name in options.only or CORRELATION:
        training = samples(TRAINING_COUNT, correlation=CORRELATION[name], seed=TRAINING_SEED)
        print(f"{name}: {TRAINING_COUNT} pictures, {CORRELATION[name]:.0%} on the usual background", flush=True)
        network = stored(train(training, usual, unusual))
        print(report(network, usual, unusual), flush=True)
        write(network, options.out / f"{name}.safetensors")
    print(f"{time.perf_counter() - start:.0f} s in all")


def arguments() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description="Train the leopard networks.")
    home = Path(__file__).parent.parent / "src" / "seethrough" / "models" / "weights"
    parser.add_argument("--out", type=Path, default=home, help="folder for the weights")
    parser.add_argument("--only", action="append", choices=list(CORRELATION), help="train this one (repeatable)")
    return parser.parse_args()


# --- pictures --------------------------------------------------------------------------------------------------------


def samples(count: int, *, correlation: float, seed: int, swap: bool = False) -> Samples:
    """Draw pictures on all cores and prepare them for the network; ``swap`` moves the animals to the other background."""
    jobs = [(min(PART, count - first), correlation, seed, first, swap) for first in range(0, count, PART)]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        sets = list(pool.map(draw_part, *zip(*jobs)))
    species, backgrounds = (np.concatenate([getattr(s, field) for s in sets]) for field in ("species", "backgrounds"))
    inputs = torch.cat([as_inputs(part) for part in sets])
    return Samples(inputs, torch.from_numpy(species), torch.from_numpy(backgrounds))


def draw_part(count: int, correlation: float, seed: int, first: int, swap: bool) -> Leopards:
    """One process's share of a set."""
    part = leopards(count, correlation=correlation, seed=seed, start=first)
    return exchanged(part) if swap else part


def as_inputs(animals: Leopards) -> Tensor:
    """Fitted exactly as the opened network will fit them."""
    pictures = [Picture(pixels, f"leopard {i}") for i, pixels in zip(animals.indices, animals.pictures)]
    inputs, _ = prepare(pictures, PREPROCESSING, INPUT_SIZE, "channels_first")
    return inputs


# --- training --------------------------------------------------------------------------------------------------------


def train(training: Samples, usual: Samples, unusual: Samples) -> LeopardNet:
    """AdamW, one cycle of the learning rate, pictures mirrored at random."""
    torch.manual_seed(0)
    network = LeopardNet(len(CLASSES))
    network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    steps = EPOCHS * (len(training.species) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.2)
    for epoch in range(EPOCHS):
        losses = []
        for inputs, species in batches(training):
            loss = cross_entropy(network(inputs), species)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        right = [accuracy(network, each) for each in (usual, unusual)]
        print(
            f"  epoch {epoch + 1}: loss {np.mean(losses):.3f}, right on {right[0]:.1%} and {right[1]:.1%}", flush=True
        )
    return network


def batches(training: Samples) -> Iterator[tuple[Tensor, Tensor]]:
    """Full batches in a new order, half of the pictures mirrored."""
    order = torch.randperm(len(training.species))
    for rows in order.split(BATCH):
        if len(rows) < BATCH:
            return
        mirror = torch.rand(BATCH, 1, 1, 1) < 0.5
        inputs = training.inputs[rows]
        inputs = torch.where(mirror, inputs.flip(3), inputs)
        yield inputs.contiguous(memory_format=torch.channels_last), training.species[rows]


# --- measuring and writing -------------------------------------------------------------------------------------------


def answers(network: LeopardNet, data: Samples) -> Tensor:
    """The species that the network takes each picture for, (N,); its mode is left as found."""
    mode = network.training
    network.eval()
    with torch.no_grad():
        found = torch.cat([network(inputs).argmax(1) for inputs in data.inputs.split(PART)])
    network.train(mode)
    return found


def accuracy(network: LeopardNet, data: Samples) -> float:
    """Share of right answers."""
    return (answers(network, data) == data.species).double().mean().item()


def report(network: LeopardNet, usual: Samples, unusual: Samples) -> str:
    """Accuracies on all, and on each group of species and background."""
    lines = [
        f"  usual backgrounds: {accuracy(network, usual):.1%} right, "
        f"exchanged backgrounds: {accuracy(network, unusual):.1%} right"
    ]
    for data in (usual, unusual):
        right = answers(network, data) == data.species
        for kind, name in enumerate(SPECIES):
            group = data.species == kind
            background = BACKGROUNDS[int(data.backgrounds[group][0])]
            lines.append(f"    {name} on {background}: {int(right[group].sum())} of {int(group.sum())}")
    return "\n".join(lines)


def stored(network: LeopardNet) -> LeopardNet:
    """The network as it comes back from its file: its numbers rounded to float16."""
    return network.half().float()


def write(network: LeopardNet, path: Path) -> None:
    """The weights as float16, under a temporary name until they are whole."""
    state = {key: value.half() if value.is_floating_point() else value for key, value in network.state_dict().items()}
    contents = save({key: value.contiguous() for key, value in state.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(contents)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    print(f"  {path.name}: {len(contents) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
