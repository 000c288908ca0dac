"""Clusters: which positions share a batch.

All boxes of a batch have one size, the largest that a position in it needs; every call has a price of its own. So positions are
put together where their sizes agree at most values (the same distance from the edge, the same phase against the strides), and
apart where growing them would cost more than the calls that are saved.
"""

from __future__ import annotations

import torch
from torch import Tensor

GREEDY = 320
"""Groups up to which every pair is looked at."""


def clusters(sizes: Tensor, price: Tensor, call: float, most: int, *, quadratic: bool = False) -> list[Tensor]:
    """Rows of a table of sizes put together greedily, the cheapest pair first, while that saves more than it costs.

    Parameters
    ----------
    sizes
        (n, S), what each of n positions needs at S values.
    price
        (S,), seconds for each position and unit of size.
    call
        Seconds that one cluster less saves; ``quadratic``: times twice the number of clusters, where these are crossed with
        as many of the other axis.
    most
        Positions in a cluster at most.

    Returns
    -------
    Positions by cluster, ascending.
    """
    priced = sizes.double() * price
    groups = _alike(priced, most)
    if len(groups) > GREEDY:
        groups = _neighbours(priced, groups, call, most)
        return [torch.tensor(sorted(g)) for g in groups]
    largest = torch.stack([priced[g].amax(0) for g in groups])
    count = torch.tensor([len(g) for g in groups], dtype=torch.float64)
    alone = largest.sum(1) * count
    alive = torch.ones(len(groups), dtype=torch.bool)
    dearer = torch.stack([_dearer(i, largest, count, alone, most) for i in range(len(groups))])
    dearer.fill_diagonal_(float("inf"))
    left = len(groups)
    while left > 1:
        best = int(dearer.argmin())
        i, j = divmod(best, len(groups))
        if not float(dearer[i, j]) <= call * (2 * left - 1 if quadratic else 1):
            break
        groups[i] = groups[i] + groups[j]
        largest[i] = torch.maximum(largest[i], largest[j])
        count[i] += count[j]
        alone[i] = largest[i].sum() * count[i]
        alive[j] = False
        dearer[j], dearer[:, j] = float("inf"), float("inf")
        row = _dearer(i, largest, count, alone, most).masked_fill(~alive, float("inf"))
        row[i] = float("inf")
        dearer[i], dearer[:, i] = row, row
        left -= 1
    return [torch.tensor(sorted(g)) for g, lives in zip(groups, alive.tolist()) if lives]


def _dearer(i: int, largest: Tensor, count: Tensor, alone: Tensor, most: int) -> Tensor:
    """How much dearer cluster i and each other are together than apart, (n,)."""
    together = count + count[i]
    cost = torch.maximum(largest, largest[i]).sum(1) * together - alone - alone[i]
    return cost.masked_fill(together > most, float("inf"))


def _alike(priced: Tensor, most: int) -> list[list[int]]:
    """Positions of the very same sizes, up to ``most`` together."""
    same: dict[bytes, list[int]] = {}
    for k, row in enumerate(priced.numpy()):
        same.setdefault(row.tobytes(), []).append(k)
    return [g[a : a + most] for g in same.values() for a in range(0, len(g), most)]


def _neighbours(priced: Tensor, groups: list[list[int]], call: float, most: int) -> list[list[int]]:
    """Too many for every pair: only those that follow each other by their price."""
    order = sorted(range(len(groups)), key=lambda k: float(priced[groups[k][0]].sum()))
    done, largest = [list(groups[order[0]])], priced[groups[order[0]][0]]
    for k in order[1:]:
        group, row = groups[k], priced[groups[k][0]]
        together = torch.maximum(largest, row)
        n = len(done[-1])
        dearer = together.sum() * (n + len(group)) - largest.sum() * n - row.sum() * len(group)
        if n + len(group) <= most and float(dearer) <= call:
            done[-1] += group
            largest = together
        else:
            done.append(list(group))
            largest = row
    return done
