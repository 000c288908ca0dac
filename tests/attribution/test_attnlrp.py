"""AttnLRP as a method: what it promises of any transformer, and that it is what a person gets who just asks for LRP."""

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.errors import UsageError
from seethrough.results import Passes
from token_networks import ClassAttention, Swin, ViT


class Convolutional(nn.Module):
    """Of today's manner: squeeze and excite, SiLU and GELU, a layer norm over channels, layer scale, depthwise; no
    attention, though a softmax.
    """

    def __init__(self, width=8):
        super().__init__()
        self.stem, self.depthwise = nn.Conv2d(3, width, 4, 4), nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.norm, self.wide, self.narrow = (
            nn.LayerNorm(width),
            nn.Linear(width, 3 * width),
            nn.Linear(3 * width, width),
        )
        self.scale = nn.Parameter(torch.full((width,), 0.3))
        self.squeeze, self.excite = nn.Conv2d(width, 2, 1), nn.Conv2d(2, width, 1)
        self.head = nn.Linear(width, 5)

    def forward(self, x):
        x = self.stem(x)
        y = self.depthwise(x).permute(0, 2, 3, 1)
        x = x + (self.narrow(nn.functional.gelu(self.wide(self.norm(y)))) * self.scale).permute(0, 3, 1, 2)
        gate = self.excite(nn.functional.silu(self.squeeze(x.mean((2, 3), keepdim=True)))).sigmoid()
        return self.head((x * gate).mean((2, 3)))


NETWORKS = {"tokens": ViT, "windows": Swin, "class attention": ClassAttention, "convolutions": Convolutional}


def opened(name):
    torch.manual_seed(4)
    module = NETWORKS[name]().eval()
    side = (16, 12) if name == "class attention" else (24, 16)
    x = torch.randn(2, 3, *side, generator=torch.Generator().manual_seed(1))
    return st.open(module, input_size=(3, *side)), x


def conservation(found):
    return [note.numbers for note in found.checks if note.name == "conservation"]


@pytest.mark.parametrize("name", NETWORKS)
def test_relevance_is_finite_of_the_answers_size_and_what_is_kept_of_it_is_said(name):
    net, x = opened(name)
    found = st.attnlrp(net, x, target=[1, 2])
    assert np.isfinite(found.values).all() and np.abs(found.values).max() < 10 * np.abs(found.scores).max()
    assert found.passes == Passes(2, 2)
    for i, numbers in enumerate(conservation(found)):
        assert numbers["sum"] == pytest.approx(found.values[i].sum(), rel=1e-4, abs=1e-6)
        assert numbers["score"] == pytest.approx(found.scores[i])
        assert numbers["ratio"] == pytest.approx(numbers["sum"] / numbers["score"], rel=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_whoever_asks_for_lrp_gets_it_where_there_is_attention(name):
    net, x = opened(name)
    other = st.lrp_epsilon_plus_flat if name == "convolutions" else st.attnlrp
    assert np.array_equal(st.lrp(net, x, target=1).values, other(net, x, target=1).values)


def test_without_gamma_it_is_epsilon_everywhere():
    net, x = opened("tokens")
    assert np.array_equal(
        st.attnlrp(net, x, target=1, linear_gamma=0, patch_gamma=0).values, st.lrp_epsilon(net, x, target=1).values
    )


def test_more_gamma_more_of_it_speaks_for_the_answer():
    net, x = opened("tokens")
    against = []
    for g in (0, 0.25, 4, 100):
        values = st.attnlrp(net, x, target=1, linear_gamma=g, patch_gamma=g).values
        against.append(np.abs(values).sum() / np.abs(values.sum((1, 2, 3))).sum())
    assert against == sorted(against, reverse=True) and against[0] > 2 * against[-1]


def test_a_pictures_map_does_not_depend_on_its_company():
    net, x = opened("windows")
    together, alone = st.attnlrp(net, x, target=1).values, st.attnlrp(net, x[1:], target=1).values
    np.testing.assert_allclose(together[1:], alone, rtol=0, atol=1e-4 * np.abs(alone).max())


@pytest.mark.parametrize("settings", [{"linear_gamma": -0.1}, {"patch_gamma": -1}])
def test_a_gamma_below_zero_is_refused(settings):
    net, x = opened("tokens")
    with pytest.raises(UsageError, match="attnlrp needs linear_gamma ≥ 0"):
        st.attnlrp(net, x, target=1, **settings)
