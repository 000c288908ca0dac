"""What a question to a network gives back: frozen records of raw numbers, in documented shapes and units.

A result holds data only. Words and pictures are made of it by `seethrough.show` when the result is asked to show or
save itself; that call is the one import that goes up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INPUT = ""
"""The name of the layer that is no layer: the network's input."""


@dataclass(frozen=True, slots=True)
class Passes:
    """How many images were really sent forward through the network, and how many were walked back."""

    forward: int = 0
    backward: int = 0

    def __add__(self, other: Passes) -> Passes:
        return Passes(self.forward + other.forward, self.backward + other.backward)

    def __sub__(self, other: Passes) -> Passes:
        return Passes(self.forward - other.forward, self.backward - other.backward)


@dataclass(frozen=True, slots=True)
class Note:
    """Something a person must know to read a result rightly: an identifier and its numbers; `show` puts it into words.

    ``level`` is ``"info"`` (what was assumed), ``"warning"`` (the result may mislead) or ``"error"`` (the result means
    nothing).
    """

    name: str
    level: str = "info"
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """What was asked about one image: one output, or the difference of two (``a - b``), or a function of all outputs.

    ``indices`` has one entry with its sign per output in play: ``((292, +1),)``, or ``((281, +1), (282, -1))``; empty
    for a function. ``label`` is what a person reads: a class name where the names are known, else ``"output 3"``.
    ``quantity`` is ``"logit"`` (before the softmax, the default), ``"probability"`` or ``"output"``.
    """

    indices: tuple[tuple[int, int], ...]
    label: str
    quantity: str = "logit"


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture as it was given, ready to be drawn under a map.

    ``pixels`` is uint8 (H, W, 3) RGB, upright; ``name`` a file name or ``"image 1"``; ``notes`` what decoding did
    (turned by EXIF, 16 bits scaled…).
    """

    pixels: np.ndarray
    name: str
    notes: tuple[Note, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]


@dataclass(frozen=True, slots=True)
class Guess:
    """One answer of the network about one image: which output, its name, its probability (None where outputs are no
    probabilities) and raw value.
    """

    index: int
    label: str
    probability: float | None
    value: float


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network answered to a batch of images.

    ``values``: float32 (N, outputs), raw, as the network gives them. ``probabilities``: float32 (N, outputs) summing to
    1, or None where the outputs are no classes. ``labels``: a name per output. ``names``: a name per image.
    """

    values: np.ndarray
    probabilities: np.ndarray | None
    labels: tuple[str, ...]
    names: tuple[str, ...]
    notes: tuple[Note, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def top(self, count: int = 5, image: int = 0) -> tuple[Guess, ...]:
        """The ``count`` strongest answers about one image, strongest first (ties by index)."""
        row = self.values[image]
        order = np.argsort(-row, kind="stable")[:count]
        chances = self.probabilities[image] if self.probabilities is not None else None
        return tuple(
            Guess(int(i), self.labels[i], None if chances is None else float(chances[i]), float(row[i])) for i in order
        )


@dataclass(frozen=True, slots=True)
class Trust:
    """How far to believe one map of one picture.

    Attributes
    ----------
    verdict
        ``"carries_weight"``, ``"with_care"`` or ``"says_nothing"``.
    reasons
        What led to it, the weightiest first: identifiers with their numbers, which `show` puts into words.
    figures
        Every number that was measured, by name: ``"sanity.similarity"``, ``"faithfulness.insertion"``…; what couldn't be
        measured is absent.
    """

    verdict: str
    reasons: tuple[Note, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)


class Saved:
    """A result that writes itself as a file whose kind the suffix tells."""

    def save(self, path: str | Path, *, language: str = "en") -> Path:
        """Write this result, whole or not at all; the suffix chooses the kind, and another one is refused with those
        that there are (``.html`` and ``.json`` are there for all).
        """
        from seethrough.report import save

        return save(self, Path(path), language=language)


class Shown(Saved):
    """A result that shows itself: in a notebook, as a figure, as a file."""

    def plot(self, *, language: str = "en") -> Figure:
        """A matplotlib figure of this result."""
        from seethrough.show import figure

        return figure(self, language=language)

    def _repr_html_(self) -> str:
        from seethrough.report import embed

        return embed(self)


@dataclass(frozen=True, eq=False)
class Attribution(Shown):
    """Why this answer, by one method.

    Attributes
    ----------
    method
        The method's name, ``"gradcam"``.
    values
        float32, signed where the method is: in the layout of the network's input, or of the layer for layer methods. In
        units of the target (per unit of input, for plain gradients).
    map
        float32 (N, H, W) on the pixel grid of the picture the person gave; one number a pixel, channels reduced as the
        method declares.
    seen
        bool (N, H, W): False where the network never saw the picture (cropped away); the map is 0 there.
    signed
        Whether negative numbers mean "against".
    scores
        float32 (N,): the target's value at each image.
    layer
        The layer the map comes from, or None for the input.
    passes
        What was run for it: the forward that all methods share, and what this one added to it.
    checks
        What tells how far to believe it, and what was chosen for the person.
    trust
        How far to believe each picture's map, where that was asked (`explain(…, trust=True)`); else empty.
    """

    method: str
    values: np.ndarray
    map: np.ndarray
    seen: np.ndarray
    signed: bool
    scores: np.ndarray
    target: tuple[Target, ...]
    layer: str | None
    passes: Passes
    checks: tuple[Note, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()
    prediction: Prediction | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    trust: tuple[Trust, ...] = ()


@dataclass(frozen=True, eq=False)
class Explanation(Shown, Mapping[str, Attribution]):
    """One question about some images, answered by several methods: a mapping from method name to `Attribution`.

    ``notes`` say what holds for all of them (random weights, assumed preprocessing, a picture whose range doesn't fit).
    ``agreement`` is the rank correlation between the maps of each two methods, float32 (N, methods, methods) in the order
    of the mapping, where trust was asked; else None.
    """

    attributions: Mapping[str, Attribution]
    pictures: tuple[Picture, ...]
    prediction: Prediction
    target: tuple[Target, ...]
    passes: Passes
    notes: tuple[Note, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    agreement: np.ndarray | None = None

    def __getitem__(self, method: str) -> Attribution:
        return self.attributions[method]

    def __iter__(self):
        return iter(self.attributions)

    def __len__(self) -> int:
        return len(self.attributions)
