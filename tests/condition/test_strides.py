"""What a stride can't keep, in closed form: a checkerboard, a constant, waves, noise."""

import numpy as np
import pytest
import torch
import torch.nn as nn
from health_networks import finding, names, opened, pictures, small

import seethrough as st
from seethrough.condition.strides import lost, spectrum, strides


def share(maps, step):
    """Share of the power of maps (N, C, H, W) that a stride can't keep."""
    power = spectrum(maps)
    return float((power * lost(maps.shape[2], maps.shape[3], step)).sum() / power.sum())


def wave(period, size=64):
    return torch.sin(2 * torch.pi * torch.arange(size) / period + 0.3).expand(1, 1, size, size)


def graph_of(module, size=32):
    return opened(module, size).graph()


def test_a_checkerboard_aliases_wholly_under_a_stride_of_two():
    y, x = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    board = ((x + y) % 2).float()[None, None]
    assert share(board, (2, 2)) == pytest.approx(1, abs=1e-4) and share(board, (1, 1)) == 0


def test_a_constant_has_nothing_to_lose():
    assert float(spectrum(torch.full((1, 1, 32, 32), 7.0)).sum()) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(
    ("period", "step", "kept"), [(16, 2, True), (3, 2, False), (16, 4, True), (5, 4, False), (5, 2, True)]
)
def test_a_wave_is_kept_where_its_period_is_longer_than_two_steps(period, step, kept):
    assert share(wave(period), (step, step)) == pytest.approx(0 if kept else 1, abs=0.02)


def test_only_the_axis_of_the_stride_counts():
    assert share(wave(3), (2, 1)) == pytest.approx(0, abs=0.02) and share(wave(3), (1, 2)) == pytest.approx(1, abs=0.02)


def test_white_noise_loses_what_lies_outside_of_the_box():
    noise = torch.randn(8, 4, 64, 64, generator=torch.Generator().manual_seed(0))
    assert share(noise, (2, 2)) == pytest.approx(3 / 4, abs=0.03) and share(noise, (4, 4)) == pytest.approx(
        15 / 16, abs=0.02
    )


class Skips(nn.Module):
    def forward(self, x):
        return x[:, :, ::2, ::2]


def test_strides_of_every_kind_are_found_with_their_dense_maps():
    module = nn.Sequential(
        nn.Conv2d(3, 6, 5, stride=2, padding=2), nn.ReLU(), nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=3), nn.MaxPool2d(3, 2, 1),
        nn.Conv2d(6, 8, 3, padding=1), nn.AvgPool2d(2), Skips(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip
    found = strides(graph_of(module, 128))
    told = [(s.path, s.kind, s.step, s.reach, s.first) for s in found]
    assert told == [
        ("0", "convolution", (2, 2), (5, 5), True),
        ("2", "convolution", (2, 2), (3, 3), False),
        ("3", "max pooling", (2, 2), (3, 3), False),
        ("5", "average pooling", (2, 2), (2, 2), False),
        ("6", "selection", (2, 2), (1, 1), False),
    ]
    maps = torch.randn(2, 6, 20, 20, generator=torch.Generator().manual_seed(1))
    for stride, layer in zip(found[1:4], (module[2], module[3], nn.Sequential(module[5]))):
        given = maps if stride.path != "5" else maps[:, :1].expand(-1, 8, -1, -1)
        assert torch.allclose(stride.dense(given)[:, :, ::2, ::2], layer(given), atol=1e-6)
    assert torch.equal(found[4].dense(maps), maps)


def test_pooling_over_all_places_is_no_stride():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AvgPool2d(30), nn.Flatten())
    assert strides(graph_of(module)) == []


def test_a_fine_filter_before_a_stride_aliases_and_a_coarse_one_does_not():
    def network(kernel):
        first = nn.Conv2d(3, 8, 3, padding=1, stride=2, bias=False)
        with torch.no_grad():
            first.weight[:] = torch.tensor(kernel)[None, None] * torch.linspace(1, 2, 8)[:, None, None, None]
        return nn.Sequential(first, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))

    fine = [[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]]
    coarse = [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]
    grains = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    found = finding(st.health(opened(network(fine)), grains), "aliasing", "0")
    assert found.numbers["lost"] > 0.9 and found.numbers["step"] == 2
    assert "aliasing" not in names(st.health(opened(network(coarse)), pictures(8)))


def test_a_stride_of_four_planted_into_the_first_layer_is_found_and_not_before():
    def network(stride):
        net = small(stride=stride)
        return nn.Sequential(net[0], nn.ReLU(), net[3], nn.ReLU(), *net[5:])

    assert "aliasing" not in names(st.health(opened(network(1), 64), pictures(8, 64)))
    found = finding(st.health(opened(network(4), 64), pictures(8, 64)), "aliasing", "0")
    assert found.numbers["step"] == 4 and found.numbers["skipped"] == pytest.approx(7 / 16)
    assert found.level == "warning"


def test_maps_too_small_for_a_spectrum_are_left_out():
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3), nn.MaxPool2d(2), nn.Flatten()
    )
    health = st.health(opened(net, 16), pictures(4, 16))
    assert [stride.path for stride in health.strides] == ["2"]


def test_a_picture_cut_into_patches_is_not_said_to_alias():
    def network(reach):
        torch.manual_seed(0)
        first = nn.Conv2d(3, 8, reach, stride=4)
        return nn.Sequential(first, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))

    grains = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
    patches = st.health(opened(network(4), 64), grains)
    assert "aliasing" not in names(patches) and patches.strides[0].whole > 0.5
    assert "aliasing" in names(st.health(opened(network(5), 64), grains))
