"""What a maximization gives back: pictures, what they reach at the network, and what real pictures reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seethrough.results import Note, Passes, Shown


@dataclass(frozen=True, eq=False)
class Maximized(Shown):
    """Pictures that excite something in a network.

    Attributes
    ----------
    way
        ``"maximize"``, ``"accentuate"``, ``"invert"``, ``"caricature"`` or ``"deepdream"``.
    names
        What each picture is sought for: ``"block5_conv1:12"``, a class's name. K of them.
    layers
        The layers that are read; nothing for an output.
    pictures
        uint8 (K, H, W, 3), RGB.
    inputs
        float32, the same as the network takes them, in its own layout: a ready tensor that gives ``reached``.
    reached
        float32 (K,): the objective at the network for the finished picture, unmoved. For a channel its mean over the places,
        in the layer's unit.
    strongest
        float32 (K,): for a channel or a neuron its largest value at any place; NaN where that means nothing.
    rectified
        bool (K,): whether what is read ends in a rectifier, so that it can be silent.
    trajectory
        float32 (steps, K): the objective at each step, of the moved picture.
    opacity
        float32 (K, H, W), 0…1: how much each pixel mattered on the way, by accumulated |gradient|, relative to the most.
    snapshots, snapshot_steps
        uint8 (S, K, H, W, 3): the way there, after these steps.
    best_real
        float32 (K,): the best that real pictures reach, or None where none were given. ``best_names`` says which ones,
        ``real_count`` how many were asked.
    started
        uint8 (H, W, 3): the picture that it began with, or None.
    """

    way: str
    names: tuple[str, ...]
    layers: tuple[str, ...]
    pictures: np.ndarray
    inputs: np.ndarray
    reached: np.ndarray
    strongest: np.ndarray
    rectified: np.ndarray
    trajectory: np.ndarray
    opacity: np.ndarray
    snapshots: np.ndarray
    snapshot_steps: tuple[int, ...]
    best_real: np.ndarray | None = None
    best_names: tuple[str, ...] = ()
    real_count: int = 0
    started: np.ndarray | None = None
    passes: Passes = field(default_factory=Passes)
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def beats_real(self) -> np.ndarray | None:
        """bool (K,): whether each picture reaches at least what the best real one does; one that doesn't says little about
        what its unit looks for. None where there were no real ones.
        """
        return None if self.best_real is None else self.reached >= self.best_real

    @property
    def fires(self) -> np.ndarray:
        """bool (K,): False for units behind a rectifier that stayed silent, at every place where that is known."""
        return ~self.rectified | (np.where(np.isnan(self.strongest), self.reached, self.strongest) > 0)

    @property
    def transparent(self) -> np.ndarray:
        """uint8 (K, H, W, 4): the pictures with their opacity, as MACO shows them: what didn't matter is clear."""
        alpha = np.rint(255 * self.opacity).astype(np.uint8)
        return np.concatenate([self.pictures, alpha[..., None]], axis=3)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: every number but the pictures."""
        beats = self.beats_real
        return {
            "way": self.way,
            "layers": list(self.layers),
            "size": list(self.pictures.shape[1:3]),
            "pictures": [self._row(k, beats) for k in range(len(self))],
            "real_pictures": self.real_count,
            "passes": {"forward": self.passes.forward, "backward": self.passes.backward},
            "settings": dict(self.settings),
            "notes": [{"name": n.name, "level": n.level, "numbers": dict(n.numbers)} for n in self.notes],
            "provenance": dict(self.provenance),
        }

    def _row(self, k: int, beats: np.ndarray | None) -> dict[str, Any]:
        real = {}
        if self.best_real is not None and beats is not None:
            real = {"best_real": float(self.best_real[k]), "beats_real": bool(beats[k])}
            real |= {"best_real_picture": self.best_names[k]} if self.best_names else {}
        strongest = float(self.strongest[k])
        return {
            "name": self.names[k],
            "reached": float(self.reached[k]),
            "strongest_place": None if np.isnan(strongest) else strongest,
            "fires": bool(self.fires[k]),
            **real,
        }
