"""Pictures: of a collection those to learn from and those held out, as small as the architecture takes them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch.nn.functional import interpolate

from seethrough.datasets.collection import Collection
from seethrough.errors import InputRefused
from seethrough.findings.belonging import belonging
from seethrough.findings.split import made_small, mark, near_duplicates, split
from seethrough.models.answers import final_activation
from seethrough.network import Network
from seethrough.remedies.rehearsal.anew import anew
from seethrough.remedies.rehearsal.training import Material

SIDES = (64, 96, 128)
"""Pixels a side on which a network is trained, the smallest that it takes."""

MOST_PICTURES = 1500
HELD = 0.3
LEAST_HELD = 30


def material_of(
    net: Network, collection: Collection, called: Mapping[str, str | int] | None, seed: int
) -> tuple[int, Material]:
    outputs = belonging(net, collection, called).outputs
    chance = np.random.default_rng(seed)
    usable = np.flatnonzero(outputs >= 0)
    rows = np.sort(chance.permutation(usable)[:MOST_PICTURES])
    whole: list[torch.Tensor] = []
    read: list[int] = []
    marks: list[int] = []
    small: list[np.ndarray] = []
    for number in rows:
        try:
            prepared = net.prepare([collection[int(number)].source])
        except InputRefused:
            continue  # the pass of `health` has said so
        picture = prepared.pictures[0].pixels
        whole.append(prepared.batch.float().cpu())
        read.append(int(number))
        marks.append(mark(picture))
        small.append(made_small(picture))
    classes = outputs[read]
    group = near_duplicates(marks, np.stack(small) if small else None)
    parts = split(classes, group, shares={"find": 1 - HELD, "judge": 0, "repair": 0, "proof": HELD}, seed=seed)
    learn, held = parts.of("find"), parts.of("proof")
    if len(held) < LEAST_HELD or len(np.unique(classes[learn])) < 2:
        raise InputRefused(
            f"{len(read)} pictures of {len(np.unique(classes))} classes are too few to train on some and be asked about "
            f"{LEAST_HELD} others; give more."
        )
    graph = net.graph()
    own = min(whole[0].shape[2:])
    for side in (*(s for s in SIDES if s < own), own):
        x = torch.cat([batch if side == own else interpolate(batch, (side, side), mode="area") for batch in whole])
        material = Material(
            x[learn],
            torch.from_numpy(classes[learn]),
            x[held],
            torch.from_numpy(classes[held]),
            final_activation(graph),
            net.opened.framework,
            net.opened.layout == "channels_last",
        )
        if side == own or takes(net, material, side):
            return side, material
    raise AssertionError("the network takes its own size")


def takes(net: Network, material: Material, side: int) -> bool:
    """Whether the architecture answers pictures of another size."""
    try:
        with torch.no_grad():
            out = anew(net, 0, side).eval()(material.given(material.x[:2]))
        return out is not None
    except Exception:  # whatever a network raises at shapes that it can't take
        return False
