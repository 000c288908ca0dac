"""Packed convolutions give what torch's own give; and where torch's private operators are gone, nothing needs them."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from seethrough.graph.fast import packed
from seethrough.graph.fast.convolution import Convolution, activated


def test_torch_still_has_the_private_operators():
    """When this fails, the library goes the plain way and is slower: look what torch calls them now."""
    assert packed.packs(torch.zeros(4, 3, 3, 3)) == torch.backends.mkldnn.is_available()


def test_only_what_onednn_takes_is_packed():
    assert not packed.packs(torch.zeros(4, 3, 3, 3, dtype=torch.float64))
    assert not packed.packs(torch.zeros(4, 3, 3))


@pytest.mark.skipif(not packed.packs(torch.zeros(4, 3, 3, 3)), reason="no oneDNN in this torch")
@settings(max_examples=60, deadline=None)
@given(
    channels=st.sampled_from([(3, 8, 1), (8, 8, 8), (8, 12, 4), (16, 5, 1)]),
    kernel=st.sampled_from([(1, 1), (3, 3), (5, 3), (2, 2)]),
    stride=st.sampled_from([(1, 1), (2, 2), (2, 1)]),
    dilation=st.sampled_from([(1, 1), (2, 1)]),
    pads=st.tuples(*[st.integers(0, 2)] * 4),
    activation=st.sampled_from(
        [
            ("none", ()), ("relu", ()), ("hardtanh", (0.0, 6.0)), ("leaky_relu", (0.2,)), ("hardswish", ()), ("swish", ()),
            ("sigmoid", ()), ("tanh", ()), ("gelu", ()), ("hardsigmoid", ()),
        ]
    ),
    added=st.booleans(),
    biased=st.booleans(),
)  # fmt: skip
def test_packed_is_plain(channels, kernel, stride, dilation, pads, activation, added, biased):
    chance = torch.Generator().manual_seed(0)
    inputs, outputs, groups = channels
    weight = torch.randn(outputs, inputs // groups, *kernel, generator=chance)
    bias = torch.randn(outputs, generator=chance) if biased else None
    x = torch.randn(2, inputs, 9, 11, generator=chance)
    top, bottom, left, right = pads
    exact = F.conv2d(
        F.pad(x, (left, right, top, bottom)).double(), weight.double(), None if bias is None else bias.double(),
        stride, 0, dilation, groups,
    )  # fmt: skip
    other = torch.randn(exact.shape, generator=chance) if added else None
    before = None if other is None else other.clone()
    summed = exact if other is None else exact + other
    # rounding is of the largest number that is summed up, and an activation hands it on
    off = 1e-6 * summed.abs().max().clamp(min=1)
    exact = activated(summed.clone(), activation)
    for may_pack in (True, False):
        way = Convolution(weight, bias, stride, pads, dilation, groups, activation, may_pack=may_pack)
        assert (way.laid_out is not None) == may_pack
        part = way.inside(F.pad(x, (left, right, top, bottom)), other)
        for found in (way(x, other), part):
            assert (found - exact).abs().max() <= off
    assert other is None or torch.equal(other, before)
