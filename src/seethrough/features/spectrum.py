"""Spectrum: what natural pictures have in common, which lets a picture be sought among those that look like one.

Two facts: the amplitude of a natural picture falls with frequency about as 1/f (Field, Relations between the statistics
of natural images and the response properties of cortical cells, 1987), and its colours vary most in brightness, then
between blue and yellow, least between green and magenta (Ruderman, Cronin and Chiao, Statistics of cone responses to natural
images, 1998). Steps of the same length in coordinates where both are divided out change a picture as evenly as it varies in
nature (Olah, Mordvintsev and Schubert, Feature visualization, 2017).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from seethrough.errors import UsageError

COLOUR_AXES = ((0.256, 0.094, 0.029), (0.261, -0.001, -0.059), (0.262, -0.091, 0.030))
"""How red, green and blue (rows) of a photo's pixels, 0…1, vary along brightness, yellow against blue, magenta against green
(columns), in standard deviations: the principal axes of the pixels of 122 photos.
"""

FALL = 1.2
"""Of those photos the amplitude falls with frequency as 1/f to this power."""


def colour_mixing(channels: int) -> Tensor | None:
    """From decorrelated colours to the network's, (C, C), of which the longest axis has length 1; None where channels are no
    colours: a single one (grey), or more than three.
    """
    if channels != 3:
        return None
    axes = torch.tensor(COLOUR_AXES)
    return axes / axes.norm(dim=0).max()


def frequencies(height: int, width: int) -> Tensor:
    """In cycles a pixel, of each coefficient of `torch.fft.rfft2`: (H, W // 2 + 1)."""
    down, across = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    return torch.sqrt(down**2 + across**2)


def falling(height: int, width: int, power: float) -> Tensor:
    """Weights 1/f to a power, (H, W // 2 + 1); the mean has the weight of the lowest frequency."""
    return 1 / frequencies(height, width).clamp(min=1 / max(height, width)) ** power


def natural_magnitude(height: int, width: int) -> Tensor:
    """The Fourier magnitude of a photo as nature has it on average, (H, W // 2 + 1), 0 at the mean, of any scale."""
    magnitude = falling(height, width, FALL)
    magnitude[0, 0] = 0
    return magnitude


def magnitude_of(pictures: Sequence[np.ndarray], height: int, width: int) -> Tensor:
    """The mean Fourier magnitude of some pictures' brightness, (H, W // 2 + 1), 0 at the mean.

    Parameters
    ----------
    pictures
        uint8 (H, W, 3), of any size; resized.

    Raises
    ------
    UsageError
        Where there is no picture, or none that isn't of one colour.
    """
    if not pictures:
        raise UsageError("A magnitude is taken from at least one picture; none was given.")
    total = torch.zeros(height, width // 2 + 1)
    window = torch.hann_window(height, periodic=False)[:, None] * torch.hann_window(width, periodic=False)
    for pixels in pictures:
        grey = torch.from_numpy(pixels.mean(2, dtype=np.float32))[None, None] / 255
        grey = torch.nn.functional.interpolate(grey, (height, width), mode="bilinear", antialias=True)[0, 0]
        total += torch.fft.rfft2((grey - grey.mean()) * window).abs()
    total[0, 0] = 0
    if not bool(total.any()):
        raise UsageError("The pictures that a magnitude is taken from are of one colour each; give photos.")
    return total / len(pictures)
