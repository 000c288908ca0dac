"""Haze is told from a lens out of focus by what becomes of coarse detail."""

import numpy as np
import torch

from seethrough.findings.canvas import Pictures
from seethrough.findings.looks import smoothed
from seethrough.findings.veils import of_all_sizes

SIDE = 48


def textured(seed=0, count=12):
    """Detail of all sizes around grey."""
    noise = torch.randn(count, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    layers = [smoothed(noise, sigma) for sigma in (0.5, 1.0, 2.0, 4.0)]
    x = sum(layer / layer.std() for layer in layers)
    return (0.5 + 0.06 * x / x.std()).repeat(1, 3, 1, 1)


def pictures(x):
    return Pictures(x, None, np.arange(len(x)))


def test_a_veil_takes_of_all_sizes_alike():
    clear, hazy = textured(), 0.7 + 0.5 * (textured(1) - 0.5)
    assert of_all_sizes(pictures(hazy), pictures(clear)) and of_all_sizes(pictures(clear), pictures(hazy))


def test_a_lens_out_of_focus_and_grain_do_not():
    clear = textured()
    blurred, grainy = smoothed(textured(1), 1.5), textured(1) + 0.06 * torch.randn(clear.shape)
    for other in (blurred, grainy):
        assert not of_all_sizes(pictures(other), pictures(clear)) and not of_all_sizes(pictures(clear), pictures(other))


def test_pictures_of_which_one_has_as_much_as_the_other_differ_by_no_veil():
    assert not of_all_sizes(pictures(textured()), pictures(textured(1)))
