"""Layout: from many dimensions to two, so that what the network holds alike lies close."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from seethrough.errors import EnvironmentLacks, UsageError, nearest

Points = NDArray[np.float64]

FEW = 12
"""Below this many images neighbourhoods mean nothing, and PCA lays them out whatever was asked."""

PERPLEXITY = 30
"""Neighbours that t-SNE balances, where there are more than three times as many images."""

COMPONENTS = 50
"""Principal components that t-SNE and UMAP are given: beyond these there is mostly noise, and much to compute."""

EARLY_STEPS, STEPS = 150, 350
"""Of t-SNE: fewer than usual, since on the grid `settle` does the fine work."""

ONE_CORE = 10_000
"""Up to this many images one core is enough for t-SNE, and several would mostly wait for each other."""

EXACT_NEIGHBOURS = 20_000
"""Up to this many images neighbours are found exactly, so that a seed gives one picture."""


def known_layout(name: str) -> str:
    """The layout of this name, with what it needs installed.

    Raises
    ------
    UsageError
        Where there is none.
    EnvironmentLacks
        Where its library is missing.
    """
    if name not in LAYOUTS:
        raise UsageError(f"There is no layout {name!r}.{nearest(name, list(LAYOUTS))} There are: {', '.join(LAYOUTS)}.")
    if name == "tsne" and importlib.util.find_spec("openTSNE") is None:
        raise EnvironmentLacks(
            "t-SNE needs openTSNE, which isn't installed: pip install 'seethrough[data]', or take layout='pca'."
        )
    if name == "umap" and importlib.util.find_spec("umap") is None:
        raise EnvironmentLacks("UMAP needs umap-learn, which isn't installed: pip install umap-learn, or take 'tsne'.")
    return name


def flatten(embeddings: NDArray[np.float32], layout: str, seed: int) -> Points:
    """Two dimensions for each image.

    Parameters
    ----------
    embeddings
        (N, D), finite.
    layout
        ``"tsne"``, ``"umap"`` or ``"pca"``; fewer than `FEW` images are laid out by PCA.

    Returns
    -------
    float64 (N, 2), centred; all zero where the images are all alike.
    """
    if np.ptp(embeddings, axis=0).max(initial=0) == 0:
        return np.zeros((len(embeddings), 2))
    used = layout if len(embeddings) >= FEW else "pca"
    points = LAYOUTS[used](embeddings, seed)
    return points - points.mean(0)


def pca(embeddings: NDArray[np.float32], seed: int = 0, components: int = 2) -> Points:
    """Principal components (N, components), the strongest first; each with the sign that makes its largest weight
    positive. Missing ones are 0.
    """
    centred = embeddings.astype(np.float64) - embeddings.mean(0, dtype=np.float64)
    left, strength, right = _decomposed(centred, components, seed)
    signs = np.sign(right[np.arange(len(right)), np.abs(right).argmax(1)])
    found = left * strength * signs
    return np.pad(found, ((0, 0), (0, components - found.shape[1])))


def _decomposed(centred: Points, components: int, seed: int) -> tuple[Points, Points, Points]:
    """The strongest singular values and vectors; exact where it is small, by random projections where it is large."""
    kept = min(components, *centred.shape)
    if min(centred.shape) <= 400:
        left, strength, right = np.linalg.svd(centred, full_matrices=False)
        return left[:, :kept], strength[:kept], right[:kept]
    return _random_svd(centred, kept, np.random.default_rng(seed))


def _random_svd(matrix: Points, kept: int, random: np.random.Generator) -> tuple[Points, Points, Points]:
    """Halko, Martinsson & Tropp, *Finding structure with randomness*, 2011, algorithm 4.4 with four power iterations."""
    basis = matrix @ random.standard_normal((matrix.shape[1], kept + 10))
    for _ in range(4):
        basis, _ = np.linalg.qr(matrix @ (matrix.T @ np.linalg.qr(basis)[0]))
    left, strength, right = np.linalg.svd(basis.T @ matrix, full_matrices=False)
    return (basis @ left)[:, :kept], strength[:kept], right[:kept]


def tsne(embeddings: NDArray[np.float32], seed: int) -> Points:
    """t-SNE (van der Maaten & Hinton, 2008) as openTSNE has it (Poličar, Stražar & Zupan, 2024), begun from PCA."""
    from openTSNE import TSNE

    number = len(embeddings)
    found = TSNE(
        perplexity=min(PERPLEXITY, (number - 1) // 3),
        neighbors="exact" if number <= EXACT_NEIGHBOURS else "auto",
        initialization="pca",
        early_exaggeration_iter=EARLY_STEPS,
        n_iter=STEPS,
        random_state=seed,
        n_jobs=1 if number <= ONE_CORE else os.cpu_count() or 1,
    ).fit(pca(embeddings, seed, min(COMPONENTS, embeddings.shape[1])))
    return np.asarray(found, np.float64)


def umap(embeddings: NDArray[np.float32], seed: int) -> Points:
    """UMAP (McInnes, Healy & Melville, 2018), where umap-learn is installed."""
    from umap import UMAP

    reduced = pca(embeddings, seed, min(COMPONENTS, embeddings.shape[1]))
    return np.asarray(UMAP(random_state=seed, n_neighbors=min(15, len(reduced) - 1)).fit_transform(reduced), np.float64)


LAYOUTS: Mapping[str, Callable[[NDArray[np.float32], int], Points]] = {
    "tsne": tsne,
    "umap": umap,
    "pca": lambda embeddings, seed: pca(embeddings, seed),
}
"""From a name to what lays out; see `flatten`."""
