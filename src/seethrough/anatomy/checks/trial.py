"""Trial: what a network gives for an input of some size, tried on tensors that have a shape and no data.

Where its forward needs the values of an image, it runs on a real one; so what is said of a size is what the network
itself does with it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch

from seethrough.graph.fakes import fake_tensors, unlogged
from seethrough.graph.outputs import output_tensors
from seethrough.graph.source import GraphSource
from seethrough.graph.untouched import untouched

Size = tuple[int, ...]

BATCH = 2
SIDES = (32, 64, 96, 128, 160, 192, 224, 256, 299, 384, 512)
"""Sides of squares that are tried: those that networks are trained on, and 299, which is odd."""

NEEDS_VALUES = ("FakeTensor", "data pointer", "aten.", "tensor subclasses", "data-dependent")
"""What is in torch's messages where a forward wants the values of a tensor that has none."""

FOR_REAL = 6
"""Sizes of which a network that needs the values of images is asked with real ones: that takes its time."""

STEPS = (64, 32, 16, 14, 8, 4, 2)
"""Steps in which a size may have to go: five halvings, patches of 16 or 14…"""


@dataclass(frozen=True, slots=True)
class Taken:
    """Shapes of what a network returns by name, without the batch where it comes first."""

    outputs: Mapping[str, Size]


@dataclass(frozen=True, slots=True)
class Refused:
    """A network raised on such an input; in its own words."""

    reason: str


@dataclass(frozen=True)
class Trial:
    """Tries input sizes on one network, each in the network's own layout; each once."""

    source: GraphSource
    dtype: torch.dtype
    device: torch.device
    known: dict[tuple[Size, bool], Taken | Refused] = field(default_factory=dict, repr=False)

    @property
    def channels(self) -> int:
        """Which axis of an input of three axes is its channels'."""
        return 2 if self.source.layout == "channels_last" else 0

    def attempt(self, size: Size) -> Taken | Refused:
        """What the network does with an input of this size; for real only a few times."""
        found = self._tried(size, fake=True)
        return self._tried(size, fake=False) if _is_open(found) and self._may_run(size) else found

    def confirmed(self, size: Size) -> Taken | Refused:
        """The same, a refusal only where the network refuses a real image too."""
        found = self.attempt(size)
        return self._tried(size, fake=False) if isinstance(found, Refused) else found

    def sees(self, size: Size) -> bool:
        """Whether a network that nobody can write down answers two images of noise differently."""
        images = torch.randn((BATCH, *size), generator=torch.Generator().manual_seed(0)).to(self.device, self.dtype)
        try:
            with untouched(self.source.module, training=self.source.training), torch.no_grad():
                answers = output_tensors(self.source.answer(self.source.internal(images))).values()
        except Exception:  # the person's network doesn't like noise, and so has looked at it
            return True
        return any(len(t) == BATCH and not torch.equal(t[0], t[1]) for t in answers if t.dim())

    def _may_run(self, size: Size) -> bool:
        return (size, False) in self.known or sum(not fake for _, fake in self.known) < FOR_REAL

    def _tried(self, size: Size, *, fake: bool) -> Taken | Refused:
        if (size, fake) not in self.known:
            self.known[size, fake] = self._run(size, fake=fake)
        return self.known[size, fake]

    def _run(self, size: Size, *, fake: bool) -> Taken | Refused:
        try:
            # first what puts the network back as it was, since it has to do with real weights
            with (
                untouched(self.source.module, training=self.source.training),
                torch.no_grad(),
                unlogged(),
                fake_tensors() if fake else nullcontext(),
            ):
                images = torch.zeros((BATCH, *size), dtype=self.dtype, device=self.device)
                found = output_tensors(self.source.answer(self.source.internal(images)))
                return Taken({name: _without_batch(tuple(t.shape)) for name, t in found.items()})
        except Exception as error:  # whatever the person's network raises
            return Refused(in_a_line(error))

    # --- which sizes it takes -----------------------------------------------------------------------------------------

    def others(self, size: Size, own: Size | None) -> Iterator[tuple[Size, bool]]:
        """Sizes near a refused one, and those that are usual, each with whether the network takes it."""
        for other in dict.fromkeys((*((own,) if own else ()), *self._candidates(size))):
            if other != size and not _is_open(found := self.attempt(other)):
                yield other, isinstance(found, Taken)

    def _candidates(self, size: Size) -> Iterator[Size]:
        if len(size) != 3:
            return
        turned = (size[-1], *size[:-1]) if self.channels == 0 else (*size[1:], size[0])
        yield turned
        height, width = self.sides(size)
        for step in STEPS:
            yield self._sized(size, *(max(step, side - side % step) for side in (height, width)))
            yield self._sized(size, *(side + -side % step for side in (height, width)))
        yield from (self._sized(size, side, side) for side in SIDES)
        yield from (self._with_channels(size, n) for n in (1, 3, 4) if n != size[self.channels])

    def sides(self, size: Size) -> tuple[int, int]:
        """Height and width."""
        height, width = (n for axis, n in enumerate(size) if axis != self.channels)
        return height, width

    def _sized(self, size: Size, height: int, width: int) -> Size:
        depth = size[self.channels]
        return (height, width, depth) if self.channels else (depth, height, width)

    def _with_channels(self, size: Size, channels: int) -> Size:
        return tuple(channels if axis == self.channels else n for axis, n in enumerate(size))


def _is_open(found: Taken | Refused) -> bool:
    """Whether only an image with values could tell."""
    return isinstance(found, Refused) and any(word in found.reason for word in NEEDS_VALUES)


def step_of(taken: list[tuple[int, int]], refused: list[tuple[int, int]]) -> int | None:
    """The step in which sides must go, where that is what tells sizes that are taken from those that aren't; None
    where something else does.
    """
    least = min((min(sides) for sides in taken), default=0)
    for step in STEPS:
        fit = all(side % step == 0 for sides in taken for side in sides)
        apart = [any(side % step for side in sides) for sides in refused if min(sides) >= least]
        if fit and len(taken) > 2 and apart and all(apart):
            return step
    return None


def nearest_sizes(size: Size, taken: list[Size], count: int = 3) -> list[Size]:
    """The sizes most like one, by the logarithm of each side."""
    return sorted(taken, key=lambda other: sum(abs(math.log(a / b)) for a, b in zip(size, other)))[:count]


def in_a_line(error: BaseException) -> str:
    """What an exception says, in its own words: without colours, without Keras' preface."""
    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", str(error)).splitlines()]
    said = [line for line in lines if line and not line.startswith(("Exception encountered when calling", "Arguments"))]
    return (said or [type(error).__name__])[0].rstrip(".")[:200]


def _without_batch(shape: Size) -> Size:
    return shape[1:] if shape and shape[0] == BATCH else shape


def output_named(outputs: Mapping[str, Any], wanted: str | None) -> str:
    """The output that is meant: the one asked for, else ``logits`` where there is one, else the first."""
    if wanted is not None and wanted in outputs:
        return wanted
    return "logits" if "logits" in outputs else next(iter(outputs))
