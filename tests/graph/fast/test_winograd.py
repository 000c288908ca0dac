"""Fewer multiplications give the same convolution, up to a digit."""

import pytest
import torch
from torch.nn import functional as F

from seethrough.graph.fast import packed, winograd
from seethrough.graph.fast.convolution import Convolution

G = torch.Generator().manual_seed(0)


@pytest.mark.parametrize("size", [(4, 4), (5, 9), (1, 1), (8, 3), (14, 14)])
@pytest.mark.parametrize("biased", [True, False])
def test_a_winograd_convolution_is_the_convolution(size, biased):
    weight, x = torch.randn(7, 5, 3, 3, generator=G), torch.randn(3, 5, size[0] + 2, size[1] + 2, generator=G)
    bias = torch.randn(7, generator=G) if biased else None
    before = x.clone()
    found = winograd.convolve(x.contiguous(memory_format=torch.channels_last), winograd.transformed(weight), bias)
    exact = F.conv2d(x.double(), weight.double(), None if bias is None else bias.double())
    assert found.shape == exact.shape and torch.equal(x, before)
    assert (found - exact).abs().max() <= 5e-6 * exact.abs().max()


def test_it_is_for_many_channels_and_whole_tiles():
    assert winograd.pays(8, 12, 12, 512, 512) and winograd.pays(4, 56, 56, 256, 256)
    assert not winograd.pays(16, 18, 18, 64, 64) and not winograd.pays(12, 5, 5, 512, 512)


@pytest.mark.skipif(not packed.packs(torch.zeros(4, 3, 3, 3)), reason="no oneDNN in this torch")
@pytest.mark.parametrize("added", [True, False])
def test_parts_of_a_convolution_go_so_where_it_pays_and_may(monkeypatch, added):
    weight, x = torch.randn(6, 6, 3, 3, generator=G), torch.randn(2, 6, 10, 10, generator=G)
    other = torch.randn(2, 6, 8, 8, generator=G) if added else None
    asked = []
    monkeypatch.setattr(winograd, "pays", lambda *sizes: asked.append(sizes) or True)

    def made(**more):
        return Convolution(weight, torch.ones(6), (1, 1), (1, 1, 1, 1), (1, 1), 1, ("relu", ()), **more)

    before = None if other is None else other.clone()
    for part, around in ((x, False), (x[:, :, 1:-1, 1:-1], True)):
        way, plain = made(), made(may_transform=False)
        found, direct = (w(part, other) if around else w.inside(part, other) for w in (way, plain))
        assert (found - direct).abs().max() <= 5e-6 * direct.abs().max() and not torch.equal(found, direct)
    # whole pictures go one way however many there are
    assert asked == [(2, 8, 8, 6, 6), (8, 8, 8, 6, 6)]
    asked.clear()
    assert other is None or torch.equal(other, before)
    strided = Convolution(weight, None, (2, 2), (0, 0, 0, 0), (1, 1), 1)
    double = Convolution(weight.double(), None, (1, 1), (0, 0, 0, 0), (1, 1), 1)
    strided.inside(x), double.inside(x.double())
    assert not asked
