"""Facts: what is known of each picture once, and asked by every finder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seethrough.findings.split import Split


@dataclass(frozen=True, eq=False)
class Facts:
    """Of N pictures.

    Attributes
    ----------
    classes
        int64 (N,): the output that each belongs to; −1 where that isn't known or it couldn't be read.
    labels
        A name for each output.
    answers
        float32 (N, K): the network's probabilities.
    features
        float32 (N, D): what its last linear layer reads.
    head
        float32 (K, D) and (K,): that layer, where the outputs before a softmax are ``features @ headᵀ + bias``; None
        where they aren't.
    heat
        float32 (N, h, w), ≥ 0: where the evidence for its own answer lies, on a coarse grid over the network's input.
    looks
        From the name of a property (`seethrough.findings.looks`) to float32 (N,).
    small
        uint8 (N, s, s, 3): the picture on the network's grid, made small.
    fore
        uint8 (N, s, s), 0…255: where the thing is, on the same grid; None where nobody knows.
    split
        What each is for.
    """

    classes: NDArray[np.int64]
    labels: tuple[str, ...]
    answers: NDArray[np.float32]
    features: NDArray[np.float32]
    head: tuple[NDArray[np.float32], NDArray[np.float32]] | None
    heat: NDArray[np.float32]
    looks: Mapping[str, NDArray[np.float32]]
    small: NDArray[np.uint8]
    fore: NDArray[np.uint8] | None
    split: Split

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def asked(self) -> tuple[int, ...]:
        """The outputs that pictures belong to, in order."""
        return tuple(int(k) for k in np.unique(self.classes[self.classes >= 0]))
