"""Noisy linear imputation: pixels taken away so that nothing shows where they were."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve
from torch import Tensor

NEAR = {(0, 1): 1 / 6, (0, -1): 1 / 6, (1, 0): 1 / 6, (-1, 0): 1 / 6} | {
    (up, left): 1 / 12 for up in (-1, 1) for left in (-1, 1)
}
"""What each neighbour of a pixel counts; at an edge those that are there share."""


def imputed(image: Tensor, gone: Tensor, noise: float, seed: int) -> Tensor:
    """An image (C, H, W) without some of its pixels: each that is gone is the weighted mean of its neighbours, gone ones
    too (one linear system), with a little noise (Rong et al., 2022, section 4.2 and appendix).

    Parameters
    ----------
    gone
        bool (H, W) or (1, H, W).
    noise
        Standard deviation of what is added.
    seed
        Of the noise.
    """
    gone = gone.reshape(image.shape[1:])
    rows, columns = (index.cpu().numpy() for index in torch.nonzero(gone, as_tuple=True))
    if not len(rows):
        return image
    height, width = gone.shape
    unknown = np.full((height, width), -1)
    unknown[rows, columns] = np.arange(len(rows))
    pixels = image.detach().double().cpu().numpy()
    known, total = np.zeros((len(rows), len(pixels))), np.zeros(len(rows))
    entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for (down, right), weight in NEAR.items():
        r, c = rows + down, columns + right
        there = (r >= 0) & (r < height) & (c >= 0) & (c < width)
        total += weight * there
        at, r, c = np.flatnonzero(there), r[there], c[there]
        other = unknown[r, c]
        known[at[other < 0]] += weight * pixels[:, r[other < 0], c[other < 0]].T
        entries.append((at[other >= 0], other[other >= 0], np.full((other >= 0).sum(), -weight)))
    at, other, weights = (np.concatenate(part) for part in zip(*entries))
    n = np.arange(len(rows))
    system = coo_matrix((np.r_[weights, total], (np.r_[at, n], np.r_[other, n]))).tocsc()
    filled = np.asarray(spsolve(system, known)).reshape(len(rows), -1)
    chance = np.random.default_rng(seed)
    found = image.clone()
    found[:, rows, columns] = torch.from_numpy(filled + noise * chance.standard_normal(filled.shape)).T.to(image)
    return found
