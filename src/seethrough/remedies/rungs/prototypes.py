"""Prototypes: the last layer gives way to many small ones, each of which goes by other features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from seethrough.remedies.groups import too_few
from seethrough.remedies.pool import as_they_are
from seethrough.remedies.rung import WRAPPED, Attempt, Edit, Progress, Ward
from seethrough.remedies.rungs.choosing import best_of, exam_of
from seethrough.remedies.rungs.fitting import Last, as_tensor, last_of
from seethrough.remedies.rungs.grouped import codes_of, even_draws, plain_draws, shuffled_codes
from seethrough.remedies.rungs.wrapped import at_their_height

MEMBERS = 15
SCALE = 10.0
"""With which distances become logits, to begin with; it is learned."""

SETTINGS: tuple[dict[str, Any], ...] = tuple(
    {"steps": steps, "apart": apart} for steps in (50, 200) for apart in (0.1, 1.0)
)
RATE = 0.1
"""Of the width of a prototype's numbers, a step."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """The wrapper: the mean of several answers, each by the distance to one prototype a class.

    Attributes
    ----------
    prototypes
        float32 (J, C, D), of length 1.
    scales
        float32 (J,).
    mean, spread
        float32 (D,): with which features are brought to mean 0 and width 1, before they are brought to length 1.
    rows
        The C outputs.
    """

    prototypes: Tensor
    scales: Tensor
    mean: Tensor
    spread: Tensor
    rows: tuple[int, ...]

    def __call__(self, features: Tensor, logits: Tensor) -> Tensor:
        x = normalize((features.float() - self.mean.to(features.device)) / self.spread.to(features.device), dim=1)
        z = distances(x[None].expand(len(self.prototypes), -1, -1), self.prototypes, self.scales)
        chances = z.softmax(2).mean(0).clamp(min=1e-12).log().to(logits)

        def put(before: Tensor) -> Tensor:
            after = before.clone()
            after[:, list(self.rows)] = chances
            return after

        return at_their_height(logits, self.rows, put)


@dataclass(frozen=True)
class Prototypes:
    """Diversified prototypical ensemble: each member learns from another draw with equal groups, and is kept from the others'
    prototypes (To et al., "Diverse prototypical ensembles improve robustness to subpopulation shift", ICML 2025); with
    pseudo-groups.
    """

    name: str = "prototypes"
    changes: str = WRAPPED

    def unfit(self, ward: Ward) -> str | None:
        if last_of(ward) is None:
            return "no_head"
        return "few_counter_examples" if too_few(ward) else None

    def attempt(self, ward: Ward, progress: Progress | None = None) -> Attempt:
        last = last_of(ward)
        assert last is not None
        pool, exam = as_they_are(ward, ward.learn), exam_of(ward)
        codes, places = codes_of(ward), last.places(pool.classes)
        features, logits = as_tensor(exam.pool.features), as_tensor(exam.pool.logits)
        draws = even_draws(codes, ward.seed, MEMBERS)

        def make(each: dict[str, Any], draws: Sequence[NDArray[np.int64]] = draws) -> Nearest:
            return ensemble(last, pool.features, places, draws, ward.seed, **each)

        settings, wrapper, marks = best_of(
            ward, SETTINGS, make, lambda w: exam.marks(w(features, logits).numpy()),
            None if progress is None else lambda done: progress(done, len(SETTINGS)),
        )  # fmt: skip
        shuffled = even_draws(shuffled_codes(codes, pool.classes, ward.seed), ward.seed, MEMBERS)
        controls = {
            "shuffled": Edit(wrapper=make(settings, shuffled)),
            "plain": Edit(wrapper=make(settings, plain_draws(codes, pool.classes, ward.seed, MEMBERS))),
        }
        return Attempt(Edit(wrapper=wrapper), {**settings, "members": MEMBERS, **marks.to_dict()}, controls)


def ensemble(
    last: Last,
    features: NDArray[np.float32],
    places: NDArray[np.int64],
    draws: Sequence[NDArray[np.int64]],
    seed: int,
    *,
    steps: int,
    apart: float,
) -> Nearest:
    """Prototypes learned from draws, a member each, all at once.

    Parameters
    ----------
    apart
        What it costs that two members' prototypes of a class are alike: the mean square of their cosine.
    """
    mean, spread = as_tensor(last.mean), as_tensor(last.spread)
    x = normalize((as_tensor(features) - mean) / spread, dim=1)
    picks = torch.from_numpy(np.stack(draws))
    own, label = x[picks], torch.from_numpy(places)[picks]  # (J, m, D), (J, m)
    members, classes, width = len(draws), len(last.rows), x.shape[1]
    noise = torch.randn(members, classes, width, generator=torch.Generator().manual_seed(seed)) / width**0.5
    hit = torch.nn.functional.one_hot(label, classes).float()
    prototypes = normalize(torch.einsum("jmc,jmd->jcd", hit, own), dim=2) + 0.1 * noise
    prototypes.requires_grad_(True)
    logs = torch.full((members,), float(np.log(SCALE)), requires_grad=True)
    optimizer = torch.optim.Adam(
        [{"params": [prototypes], "lr": RATE / width**0.5}, {"params": [logs], "lr": 0.01}]
    )  # fmt: skip
    with torch.enable_grad():
        for _ in range(steps):
            optimizer.zero_grad()
            unit = normalize(prototypes, dim=2)
            z = distances(own, unit, logs.exp())
            likely = cross_entropy(z.flatten(0, 1), label.flatten())
            alike = torch.einsum("icd,jcd->cij", unit, unit)
            others = ~torch.eye(members, dtype=torch.bool)
            cost = likely + (apart * (alike[:, others] ** 2).mean() if members > 1 else 0)
            cost.backward()
            optimizer.step()
    unit = normalize(prototypes.detach(), dim=2)
    return Nearest(unit, logs.detach().exp(), mean, spread, tuple(int(k) for k in last.rows))


def distances(x: Tensor, prototypes: Tensor, scales: Tensor) -> Tensor:
    """Logits (J, m, C): minus the squared distance between x (J, m, D) and prototypes (J, C, D), both of length 1, scaled."""
    return scales[:, None, None] * (2 * torch.einsum("jmd,jcd->jmc", x, prototypes) - 2)
