"""Waterbirds with a network that is fine-tuned first, as those who publish figures do: for a machine with a GPU.

The full layout of Sagawa et al. (2020) is read: `metadata.csv` (img_filename, y, place, split) beside the pictures, and, where it is
there, CUB's `bounding_boxes.txt` (img_id, x, y, width, height); without it the things are estimated. A part of `train` is kept from
the fine-tuning. On it the network is audited and mended, so that what chooses was never learned from. Then it is proven on `test`,
whose groups only the last lines look at. No group is named before, of no part.

Fine-tuning goes on the device. An audit, a repair and a proof go on the CPU.
"""

from __future__ import annotations

import csv
import os
import time
from argparse import Namespace
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import seethrough as st
from seethrough.errors import SeethroughError
from seethrough.findings.statistics import Interval
from seethrough.models.torchvision_import import import_torchvision
from waterbirds_groups import CLASSES, GROUPS, line

PARTS = ("train", "val", "test")
PUBLISHED = {
    "AFR (Qiu, Potapczynski, Izmailov & Wilson, 2023)": 0.904,
    "DPE (To et al., 2025)": 0.941,
}
"""Worst group of a ResNet-50 that began with ImageNet's weights, its settings chosen by groups of `val`."""

BATCH, EPOCHS, RATE = 32, 50, 3e-3
MOMENTUM, DECAY = 0.9, 1e-4
SMALLEST = 0.7
"""Of a picture's sides, that is shown in fine-tuning."""

AT_ONCE = 128
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
KEPT, FOLD = 0.2, 41
"""Of the pictures to learn from so many are kept from the fine-tuning."""


class Birds:
    """Some pictures of the full layout.

    Attributes
    ----------
    files
        Where they are.
    classes, grounds
        int64 (n,): 1 for a water bird; 1 where it stands before water. The grounds are read by the last step alone.
    boxes
        Of each (x0, y0, x1, y1), None where that isn't known; None where it isn't of any.
    """

    def __init__(self, folder: Path, rows: Sequence[dict[str, str]], boxes: dict[str, tuple[float, ...]]) -> None:
        self.folder, self.rows, self._boxes = folder, list(rows), boxes
        self.files = [folder / r["img_filename"] for r in rows]
        self.classes = np.array([int(r["y"]) for r in rows], np.int64)
        self.grounds = np.array([int(r["place"]) for r in rows], np.int64)
        each = [boxes.get(r.get("img_id", "")) for r in rows]
        self.boxes = each if any(each) else None

    def __len__(self) -> int:
        return len(self.rows)

    def some(self, numbers: NDArray[np.int64]) -> Birds:
        """Those of these numbers."""
        return Birds(self.folder, [self.rows[k] for k in numbers], self._boxes)

    def parted(self, share: float, seed: int) -> tuple[Birds, Birds]:
        """So many of each class, drawn by chance, behind the others."""
        chance = np.random.default_rng([seed, FOLD])
        kept = np.zeros(len(self), bool)
        for k in (0, 1):
            own = chance.permutation(np.flatnonzero(self.classes == k))
            kept[own[: round(share * len(own))]] = True
        return self.some(np.flatnonzero(~kept)), self.some(np.flatnonzero(kept))

    def given(self) -> dict[str, Any]:
        """What a person gives for them beside the pictures: what they are, and where the birds are."""
        where = {"masks": "estimate"} if self.boxes is None else {"boxes": self.boxes}
        return {"truth": [CLASSES[k] for k in self.classes], **where}

    @property
    def groups(self) -> list[str]:
        """For the last step."""
        return [GROUPS[int(k), int(ground)] for k, ground in zip(self.classes, self.grounds)]

    def read(self, size: int) -> NDArray[np.uint8]:
        """(n, size, size, 3), stretched: the whole picture, as backgrounds count for most then."""

        def one(file: Path) -> NDArray[np.uint8]:
            with Image.open(file) as picture:
                return np.asarray(picture.convert("RGB").resize((size, size), Image.Resampling.BILINEAR))

        with ThreadPoolExecutor(os.cpu_count()) as several:
            return np.stack(list(several.map(one, self.files)))


def birds_of(folder: Path, part: str, most: int | None = None) -> Birds:
    """A part of the full layout; of each class and ground alike often at most ``most`` pictures in all, for a trial."""
    with (folder / "metadata.csv").open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if int(r["split"]) == PARTS.index(part)]
    found = Birds(folder, rows, _boxes(folder / "bounding_boxes.txt"))
    if most is None or most >= len(found):
        return found
    each = [np.flatnonzero(found.classes == k)[: most // 2] for k in (0, 1)]
    return found.some(np.sort(np.concatenate(each)))


def _boxes(file: Path) -> dict[str, tuple[float, ...]]:
    if not file.exists():
        return {}
    each = [row.split() for row in file.read_text().splitlines() if row.strip()]
    numbers = {row[0]: [float(v) for v in row[1:5]] for row in each}
    return {number: (x, y, x + width, y + height) for number, (x, y, width, height) in numbers.items()}


def network(name: str, weights: Path | None, seed: int) -> nn.Module:
    """A network of torchvision with two outputs: with a file's weights but for the last layer, or by chance."""
    torch.manual_seed(seed)
    module = import_torchvision().models.get_model(name, weights=None)
    if weights is not None:
        held = load_file(weights) if weights.suffix == ".safetensors" else torch.load(weights, weights_only=True)
        module.load_state_dict(held)
    path, last = [(path, m) for path, m in module.named_modules() if isinstance(m, nn.Linear)][-1]
    home = module.get_submodule(path.rpartition(".")[0])
    setattr(home, path.rpartition(".")[2], nn.Linear(last.in_features, len(CLASSES)))
    return module


def tune(module: nn.Module, birds: Birds, said: Namespace, seed: int, device: torch.device) -> None:
    """Fine-tune all of it in place: stochastic gradients with momentum, the rate falling to 0 along a cosine; pictures are shown
    in part and mirrored by chance. Nothing chooses a pass.
    """
    x, y = torch.from_numpy(birds.read(said.size)), torch.from_numpy(birds.classes)
    chance = torch.Generator().manual_seed(seed)
    module.to(device).train()
    optimizer = torch.optim.SGD(module.parameters(), said.rate, momentum=MOMENTUM, weight_decay=DECAY)
    batches = -(-len(x) // said.batch)
    falls = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, said.epochs * batches)
    for k in range(said.epochs):
        begun, total = time.perf_counter(), 0.0
        for rows in torch.randperm(len(x), generator=chance).split(said.batch):
            optimizer.zero_grad()
            cost = F.cross_entropy(module(shown(as_taken(x[rows], device), chance)), y[rows].to(device))
            cost.backward()
            optimizer.step()
            falls.step()
            total += float(cost.detach()) * len(rows)
        print(f"  pass {k + 1} of {said.epochs}: {total / len(x):.4f}, {time.perf_counter() - begun:.1f} s", flush=True)
    module.eval()


def shown(x: Tensor, chance: torch.Generator) -> Tensor:
    """A part of each picture, in its own proportions, enlarged to the whole; every second one mirrored."""
    share, across, down, side = torch.rand(4, len(x), generator=chance).to(x.device)
    scale = SMALLEST + (1 - SMALLEST) * share
    sign = torch.where(side < 0.5, -1.0, 1.0)
    zero = torch.zeros_like(scale)
    rows = [sign * scale, zero, (2 * across - 1) * (1 - scale), zero, scale, (2 * down - 1) * (1 - scale)]
    grid = F.affine_grid(torch.stack(rows, 1).reshape(-1, 2, 3), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)


def as_taken(pictures: Tensor, device: torch.device) -> Tensor:
    """uint8 (n, H, W, 3) as the network takes them."""
    x = pictures.to(device).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(each, device=device).reshape(1, 3, 1, 1) for each in (MEAN, STD))
    return (x - mean) / std


@torch.no_grad()
def answers(module: nn.Module, pictures: NDArray[np.uint8], device: torch.device) -> NDArray[np.int64]:
    """What it answers, (n,)."""
    module = deepcopy(module).to(device).eval()
    x = torch.from_numpy(pictures)
    return torch.cat([module(as_taken(part, device)).argmax(1).cpu() for part in x.split(AT_ONCE)]).numpy()


def main(said: Namespace) -> int:
    """For each seed a line for the network as it was fine-tuned and one for what was made of it; at the end all seeds."""
    device = torch.device(said.device)
    train, test = (birds_of(said.data, part, said.pictures) for part in ("train", "test"))
    pictures = test.read(said.size)
    found: dict[str, list[float]] = {"fine-tuned": [], "mended": []}
    print("groups: " + "; ".join(GROUPS.values()), flush=True)
    for seed in range(said.seeds):
        first, audited = train.parted(said.kept, seed)
        print(
            f"seed {seed}: {len(first)} to fine-tune, {len(audited)} to audit and mend, {len(test)} to prove",
            flush=True,
        )
        module = tuned(said, first, seed, device)
        found["fine-tuned"].append(line("fine-tuned", answers(module, pictures, device), test.classes, test.grounds))
        mended = mend(said, module, audited, test, seed)
        found["mended"].append(line("mended", answers(mended, pictures, device), test.classes, test.grounds))
    print(f"worst group of {len(test)} pictures over {said.seeds} seeds", flush=True)
    for name, each in found.items():
        spread = f" ± {np.std(each, ddof=1):.3f}" if len(each) > 1 else ""
        print(f"  {name:52s} {np.mean(each):.3f}{spread}")
    for name, worst in PUBLISHED.items():
        print(f"  {name:52s} {worst:.3f}  as published, ResNet-50, groups of val known")
    return 0


def tuned(said: Namespace, birds: Birds, seed: int, device: torch.device) -> nn.Module:
    """A seed's network, fine-tuned now or before, on the CPU."""
    path = said.folder / f"seed{seed}" / "tuned.safetensors"
    module = network(said.network, None if path.exists() else said.weights, seed)
    if path.exists():
        module.load_state_dict(load_file(path))
        return module.eval()
    tune(module, birds, said, seed, device)
    module.cpu()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in module.state_dict().items()}, path)
    return module


def mend(said: Namespace, module: nn.Module, audited: Birds, test: Birds, seed: int) -> nn.Module:
    """Audited, mended and proven through the public face; as it was where nothing was better."""
    home, given = said.folder / f"seed{seed}", audited.given()
    net = st.open(
        module,
        input_size=(3, said.size, said.size),
        preprocessing={"name": "torch", "fit": "stretch"},
        classes=CLASSES,
    )
    try:
        found = st.audit(net, audited.files, **given, folder=home / "audit", finders=["evidence"], seed=seed)
        for finding in found.findings:
            aspect = " ".join(filter(None, (finding.candidate.aspect.kind, finding.candidate.aspect.name)))
            print(
                f"  audit: {aspect} {finding.verdict}, effect {told(finding.effect, 1)} points, n {finding.effect.n}",
                flush=True,
            )
        fixed = st.repair(
            net, found, audited.files, answers="background=background", **given,
            rungs=said.rungs.split(",") if said.rungs else None, minutes=said.minutes, seed=seed, folder=home / "audit",
        )  # fmt: skip
    except SeethroughError as error:  # too few pictures, or nothing that can be judged
        print(f"  {error}", flush=True)
        return module
    for tried in fixed.tried:
        came = tried.why_not or ", ".join(tried.lacks) or "passes"
        print(f"  {tried.rung}: {came}, {tried.seconds:.0f} s", flush=True)
    print(f"  repair: {fixed.verdict}{f' by {fixed.rung}' if fixed.rung else ''}", flush=True)
    if fixed.network is None:
        return module
    proof = st.prove(
        net, fixed, test.files, findings=found, **test.given(), groups=test.groups, force=True, seed=seed
    )  # fmt: skip
    print(f"  proof: {proof.verdict} ({proof.reason}), {proof.count} pictures", flush=True)
    for figure in proof.figures:
        print(f"  {figure.name}: {told(figure.before, 3)} -> {told(figure.after, 3)}", flush=True)
    return fixed.network.module


def told(interval: Interval, digits: int) -> str:
    """A number and its interval."""
    return f"{interval.value:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"
