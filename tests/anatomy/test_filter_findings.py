"""What is planted is found, what isn't there is not, and a composed kernel is what two convolutions are."""

import numpy as np
import pytest
import torch
from filter_networks import convolution, looked_at, one, random_weights
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from seethrough.anatomy.filter_findings import ALIKE, alike_from


def names(layer):
    return [finding.name for finding in layer.findings]


def found(layer, name):
    (finding,) = [f for f in layer.findings if f.name == name]
    return finding


@pytest.mark.parametrize("shape", [(16, 3, 3, 3), (32, 16, 3, 3), (64, 32, 1, 1), (8, 3, 2, 2), (24, 3, 7, 7)])
def test_random_kernels_have_nothing_to_be_noticed(shape):
    for seed in range(20):
        layer = one(convolution(random_weights(*shape, seed=seed)), (shape[1], 16, 16))
        assert set(names(layer)) <= {"unstructured"}, seed


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 15), st.integers(0, 15), st.floats(0.05, 20), st.integers(0, 99))
def test_a_clone_is_found_whatever_its_scale(original, clone, factor, seed):
    w = random_weights(16, 4, 3, 3, seed=seed)
    if clone == original:
        clone = (original + 1) % 16
    w[clone] = factor * w[original]
    finding = found(one(convolution(w), (4, 8, 8)), "duplicate")
    assert finding.groups == (tuple(sorted((original, clone))),) and finding.numbers["redundant"] == 1
    assert finding.numbers["cosines"][0] == pytest.approx(1, abs=1e-6)


def test_opposite_filters_are_told_with_their_sign_and_are_no_warning():
    w = random_weights(16, 4, 3, 3)
    w[5] = -2 * w[3]
    layer = one(convolution(w), (4, 8, 8))
    assert names(layer) == ["opposite"]
    assert found(layer, "opposite").groups == ((3, 5),) and found(layer, "opposite").level == "info"


def test_any_two_of_a_group_are_alike():
    """A chain a ~ b ~ c whose ends are not alike is no group of three."""
    a, b = torch.eye(18)[:2]
    angle = np.deg2rad(14)  # cos 14° = 0.970, cos 28° = 0.883
    chain = torch.stack([np.cos(k * angle) * a + np.sin(k * angle) * b for k in range(3)]).float()
    w = torch.cat([chain, torch.eye(18)[4:14]]).reshape(13, 2, 3, 3)
    (group,) = found(one(convolution(w), (2, 8, 8)), "duplicate").groups
    assert len(group) == 2


@pytest.mark.parametrize("factor", [0.0, 1e-5])
def test_dead_filters_are_found_and_told_how_sure(factor):
    w = random_weights(16, 4, 3, 3)
    w[[2, 7]] *= factor
    layer = one(convolution(w), (4, 8, 8))
    assert names(layer) == ["dead"]
    assert found(layer, "dead").filters == (2, 7)
    assert found(layer, "dead").sure == ("certain" if factor == 0 else "likely")


def test_a_filter_that_its_normalisation_silences_is_dead_and_one_that_it_lifts_is_not():
    conv, norm = nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8)
    with torch.no_grad():
        norm.weight[3] = 1e-6
        conv.weight[5] *= 1e-5
        norm.running_var[5] = 1e-10
        norm.eps = 0.0
    layer = one(nn.Sequential(conv, norm), (4, 8, 8))
    assert found(layer, "dead").filters == (3,)


def test_a_scaled_filter_dominates():
    w = random_weights(16, 4, 3, 3)
    w[9] *= 30
    layer = one(convolution(w), (4, 8, 8))
    assert names(layer) == ["dominating"] and found(layer, "dominating").filters == (9,)
    rms = w.reshape(16, -1).pow(2).mean(1).sqrt().numpy()
    assert found(layer, "dominating").numbers["relative"][0] == pytest.approx(rms[9] / np.median(rms))


def test_sizes_of_filters_that_read_different_channels_are_not_compared():
    w = random_weights(16, 1, 3, 3)
    w[9] *= 30
    w[4] = w[3]
    assert names(one(convolution(w, groups=16), (16, 8, 8))) == []


def test_two_filters_have_no_median_to_dominate():
    w = random_weights(2, 4, 3, 3)
    w[1] *= 100
    assert names(one(convolution(w), (4, 8, 8))) == []


def test_weights_that_are_no_numbers_are_told_and_the_others_are_still_measured():
    w = random_weights(16, 4, 3, 3)
    w[2, 0, 0, 0], w[5, 1, 1, 1] = float("nan"), float("inf")
    w[9] *= 30
    layer = one(convolution(w), (4, 8, 8))
    assert names(layer) == ["not_finite", "dominating"]
    assert found(layer, "not_finite").filters == (2, 5)


def test_a_transposed_kernel_that_its_stride_does_not_divide_is_told():
    odd = one(nn.ConvTranspose2d(4, 8, 3, stride=2), (4, 8, 8))
    assert found(odd, "uneven_overlap").sure == "certain"
    ramp = torch.tensor([0.25, 0.75, 0.75, 0.25])
    smooth = nn.ConvTranspose2d(4, 8, 4, stride=2, bias=False)
    with torch.no_grad():
        smooth.weight.copy_(torch.outer(ramp, ramp) * random_weights(4, 8, 1, 1))
    assert names(one(smooth, (4, 8, 8))) == []


def test_a_first_layer_with_a_stride_of_four_is_told_and_patches_are_not():
    wide = convolution(random_weights(16, 3, 11, 11), stride=4)
    assert found(one(wide, (3, 32, 32)), "aliasing").numbers["beyond"] > 0.5
    patches = convolution(random_weights(16, 3, 8, 8), stride=8)
    assert "aliasing" not in names(one(patches, (3, 32, 32)))
    deep = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), wide := convolution(random_weights(16, 4, 11, 11), stride=4))
    assert "aliasing" not in names(one(deep, (3, 32, 32), "2"))


def test_an_alternating_kernel_is_told():
    w = random_weights(16, 4, 3, 3)
    w[6] = (-1.0) ** torch.arange(9).reshape(3, 3)
    assert found(one(convolution(w), (4, 8, 8)), "checkerboard").filters == (6,)


def test_random_kernels_on_a_picture_are_told_from_smooth_ones():
    by_chance = [names(one(convolution(random_weights(16, 3, 3, 3, seed=s)), (3, 16, 16))) for s in range(100, 140)]
    assert sum("unstructured" in one for one in by_chance) >= 38
    smooth = torch.nn.functional.avg_pool2d(random_weights(16, 3, 5, 5), 3, stride=1)
    assert "unstructured" not in names(one(convolution(smooth), (3, 16, 16)))
    grey = random_weights(16, 1, 5, 5).expand(16, 3, 5, 5)
    assert "unstructured" not in names(one(convolution(grey), (3, 16, 16)))
    deep = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), convolution(random_weights(16, 3, 3, 3)))
    assert "unstructured" not in names(one(deep, (3, 16, 16), "2"))


def test_coarse_and_fine_kernels_without_any_between_are_told():
    y, x = np.mgrid[:9, :9] - 4
    window = np.exp(-(x**2 + y**2) / 12)
    fine = [window * np.cos(np.pi * (0.9 * x * np.cos(a) + 0.9 * y * np.sin(a))) for a in np.linspace(0, 1.4, 8)]
    coarse = [np.exp(-((x - d) ** 2 + y**2) / 40) for d in range(-2, 2)]
    w = np.stack([*fine, *coarse])[:, None] * np.array([1.0, 0.7, -0.4])[None, :, None, None]
    layer = one(convolution(w), (3, 32, 32))
    assert found(layer, "no_middle").numbers["middle"] < 0.1


def test_the_fewer_dimensions_the_nearer_two_kernels_must_be_to_count_as_alike():
    assert alike_from(64, 27) == ALIKE
    assert alike_from(64, 9) > ALIKE and alike_from(64, 4) > alike_from(64, 9)
    assert alike_from(64, 1) == 1
    random = np.random.default_rng(0).normal(size=(200, 64, 4))
    random /= np.linalg.norm(random, axis=2, keepdims=True)
    over = [np.triu(np.abs(w @ w.T) > alike_from(64, 4), 1).sum() for w in random]
    assert np.mean(over) < 0.05  # 0.01 pairs are expected


# --- composed ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stride", "dilation", "groups"), [(1, 1, 1), (2, 1, 1), (1, 2, 1), (2, 2, 6)])
def test_convolutions_with_nothing_but_factors_between_are_their_composed_kernel(stride, dilation, groups):
    first = convolution(random_weights(6, 3, 3, 3), stride=stride)
    norm = nn.BatchNorm2d(6)
    second = convolution(random_weights(6, 6 // groups, 3, 3, seed=1), dilation=dilation, groups=groups)
    with torch.no_grad():
        norm.weight.uniform_(-2, 2)
        norm.running_var.uniform_(0.5, 2)
    net = nn.Sequential(first, norm, second).eval()
    composed = one(net, (3, 24, 24), "2").composed
    assert composed.rectifiers == 0 and composed.through == ("0",)
    x = random_weights(2, 3, 24, 24, seed=2)
    constant = net(torch.zeros_like(x))
    expected = net(x) - constant
    given = nn.functional.conv2d(x, torch.from_numpy(composed.weights), stride=stride)
    assert torch.allclose(given, expected, atol=1e-4)


def test_what_cancels_in_a_composed_kernel_is_told():
    """A filter that adds a channel to its negative has no linear part; one that reads a single channel keeps all."""
    edges = random_weights(1, 3, 3, 3)
    first = convolution(torch.cat([edges, -edges]))
    second = convolution(torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, -1.0]]).reshape(3, 2, 1, 1))
    composed = one(nn.Sequential(first, nn.ReLU(), second), (3, 8, 8), "2").composed
    assert composed.rectifiers == 1
    assert np.allclose(composed.kept, [0, 1, 1], atol=1e-6)


def test_filters_that_only_read_dead_channels_are_told():
    w = random_weights(8, 3, 3, 3)
    w[5] = 0
    net = nn.Sequential(convolution(w), nn.ReLU(), convolution(random_weights(8, 1, 3, 3), groups=8))
    assert found(one(net, (3, 8, 8), "2"), "unfed").filters == (5,)


def test_nothing_is_composed_through_two_rectifiers_a_pool_or_a_sum():
    def conv(seed):
        return convolution(random_weights(4, 4, 3, 3, seed=seed), padding=1)

    first = convolution(random_weights(4, 3, 3, 3))
    deep = nn.Sequential(first, nn.ReLU(), conv(1), nn.ReLU(), conv(2))
    assert one(deep, (3, 8, 8), "4").composed is None and one(deep, (3, 8, 8), "2").composed is not None
    assert one(nn.Sequential(first, nn.MaxPool2d(2), conv(1)), (3, 8, 8), "2").composed is None


def test_the_input_channels_that_a_filter_reads_most_come_first_with_their_sign():
    w = torch.zeros(2, 4, 3, 3)
    w[0, 2], w[0, 1] = -1.0, 0.5
    layer = one(convolution(w), (4, 8, 8))
    assert layer.reads(0, 2) == ((2, pytest.approx(-0.8)), (1, pytest.approx(0.2)))


def test_the_measures_are_of_all_filters_whichever_are_shown():
    net = convolution(random_weights(8, 3, 3, 3))
    (part,) = looked_at(net, (3, 8, 8), channels=[6, 1]).values()
    assert part.channels.tolist() == [6, 1] and len(part.measures.rms) == 8
    assert [row["filter"] for row in part.to_dict()["measures"]] == [6, 1]
