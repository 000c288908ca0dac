"""Parametrizations: which numbers are moved, and how a picture is made of them.

A picture can be reached by many numbers: its pixels, its Fourier coefficients divided by what nature gives them, the phases of
these alone. The set of pictures is the same but for the last; the ways through it are not, and so neither is where an ascent
ends (Olah, Mordvintsev and Schubert, Feature visualization, 2017). Colours are mixed as they vary in nature where there are three, and
a sigmoid keeps every pixel between black and white.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from seethrough.errors import UsageError
from seethrough.features.spectrum import colour_mixing, falling, magnitude_of, natural_magnitude

EDGE = 0.02
"""A pixel that is started from is kept this far from black and white, where a sigmoid has no slope."""


class Canvas(Protocol):
    """Pictures in the making."""

    @property
    def parameters(self) -> list[Tensor]:
        """What is moved."""
        ...

    def picture(self) -> Tensor:
        """The pictures as they are now, (N, C, H, W), 0…1."""
        ...


class Parametrization(Protocol):
    """A way to make pictures of numbers; ``rate`` is the step of Adam that suits it."""

    @property
    def name(self) -> str: ...

    @property
    def rate(self) -> float: ...

    def canvas(self, shape: Sequence[int], chance: torch.Generator, start: Tensor | None = None) -> Canvas:
        """Pictures of a shape (N, C, H, W) to begin with: noise, or ``start`` (N, C, H, W), 0…1. The noise of each differs only
        where its number N does, and all are drawn from ``chance``.
        """
        ...


@dataclass(frozen=True, slots=True)
class Pixel:
    """The pixels themselves, before mixing of colours and sigmoid."""

    spread: float = 0.01
    rate: float = 0.05

    @property
    def name(self) -> str:
        return "pixel"

    def canvas(self, shape: Sequence[int], chance: torch.Generator, start: Tensor | None = None) -> Canvas:
        before = _noise(shape, chance) * self.spread if start is None else _unmixed(start)
        return _Canvas([before.requires_grad_()], lambda: _mixed(before))


@dataclass(frozen=True, slots=True)
class Fourier:
    """Fourier coefficients, each divided by 1/f to a power: low frequencies go as far in a step as they reach in nature."""

    decay: float = 1.0
    spread: float = 0.01
    gain: float = 0.25
    rate: float = 0.05

    @property
    def name(self) -> str:
        return "fourier"

    def canvas(self, shape: Sequence[int], chance: torch.Generator, start: Tensor | None = None) -> Canvas:
        count, channels, height, width = shape
        weights = self.gain * falling(height, width, self.decay)
        if start is None:
            spectrum = torch.view_as_complex(_noise((count, channels, *weights.shape, 2), chance) * self.spread)
        else:
            spectrum = torch.fft.rfft2(_unmixed(start), norm="ortho") / weights
        parameters = torch.view_as_real(spectrum).contiguous().requires_grad_()

        def picture() -> Tensor:
            scaled = torch.view_as_complex(parameters) * weights
            return _mixed(torch.fft.irfft2(scaled, s=(height, width), norm="ortho"))

        return _Canvas([parameters], picture)


@dataclass(frozen=True, eq=False, slots=True)
class Maco:
    """Phases alone, under a fixed Fourier magnitude, so that nothing can be shouted: a picture has as much of each frequency as
    a photo (Fel and others, Unlocking feature visualization for deeper networks with magnitude constrained optimization, 2023).

    ``magnitude`` is (H, W // 2 + 1) of any scale, or pictures uint8 (H, W, 3) whose mean it is; by default as nature has it.
    ``contrast`` is the standard deviation of the pictures before the sigmoid.
    """

    magnitude: Tensor | Sequence[np.ndarray] | None = None
    contrast: float = 1.0
    rate: float = 0.1

    @property
    def name(self) -> str:
        return "maco"

    def canvas(self, shape: Sequence[int], chance: torch.Generator, start: Tensor | None = None) -> Canvas:
        count, channels, height, width = shape
        magnitude = self._magnitude(height, width)
        if start is None:
            phase = _noise((count, channels, *magnitude.shape), chance) * math.pi
        else:
            phase = torch.fft.rfft2(_unmixed(start)).angle()
        phase.requires_grad_()

        def picture() -> Tensor:
            flat = torch.fft.irfft2(torch.polar(magnitude.expand_as(phase), phase), s=(height, width))
            scale = self.contrast / flat.std(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12)
            return _mixed(flat * scale)

        return _Canvas([phase], picture)

    def _magnitude(self, height: int, width: int) -> Tensor:
        if self.magnitude is None:
            return natural_magnitude(height, width)
        if not isinstance(self.magnitude, Tensor):
            return magnitude_of(self.magnitude, height, width)
        if self.magnitude.shape != (height, width // 2 + 1):
            raise UsageError(
                f"The magnitude of a picture of {height} × {width} has the shape {(height, width // 2 + 1)}, not "
                f"{tuple(self.magnitude.shape)}; the picture is larger by the padding of its transforms."
            )
        return self.magnitude.float()


@dataclass(frozen=True, eq=False)
class _Canvas:
    parameters: list[Tensor]
    make: object

    def picture(self) -> Tensor:
        return self.make()  # pyright: ignore[reportCallIssue]


NAMED: dict[str, Parametrization] = {"fourier": Fourier(), "pixel": Pixel(), "maco": Maco()}
"""By name, with their usual settings."""


def parametrization_said(said: str | Parametrization) -> Parametrization:
    """A parametrization by name, or as it is given.

    Raises
    ------
    UsageError
        For another name.
    """
    if not isinstance(said, str):
        return said
    if said not in NAMED:
        raise UsageError(f"A picture is parametrized by {', '.join(NAMED)}, not {said!r}.")
    return NAMED[said]


def _noise(shape: Sequence[int], chance: torch.Generator) -> Tensor:
    return torch.randn(tuple(shape), generator=chance)


def _mixed(flat: Tensor) -> Tensor:
    """From decorrelated colours of any size to pixels 0…1."""
    mixing = colour_mixing(flat.shape[1])
    return torch.sigmoid(flat if mixing is None else torch.einsum("nchw,dc->ndhw", flat, mixing))


def _unmixed(pixels: Tensor) -> Tensor:
    """What `_mixed` makes these pixels of."""
    flat = torch.logit(pixels.float(), eps=EDGE)
    mixing = colour_mixing(flat.shape[1])
    return flat if mixing is None else torch.einsum("nchw,dc->ndhw", flat, torch.linalg.inv(mixing))
