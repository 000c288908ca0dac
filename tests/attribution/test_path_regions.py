"""XRAI: regions in the order of what they add on average."""

import sys

import numpy as np
import pytest
import torch
from torch import nn

import seethrough as st
from seethrough.attribution.regions import joined, segments
from seethrough.errors import EnvironmentLacks

pytest.importorskip("skimage", reason="scikit-image isn't installed; it comes with the extra `data`")


def joined_by_hand(attribution, regions, fewest):
    """Every region's mean over what it would add, worked out anew at every turn."""
    covered, found, left = np.zeros(attribution.shape, bool), np.full(attribution.shape, np.nan), list(regions)
    while True:
        left = [r for r in left if (r & ~covered).sum() >= fewest]
        if not left:
            break
        best = max(left, key=lambda r: attribution[r & ~covered].mean())
        found[best & ~covered] = attribution[best & ~covered].mean()
        covered |= best
    rest = np.isnan(found)
    if rest.any():
        found[rest] = attribution[rest].mean()
    return found


@pytest.mark.parametrize("fewest", [1, 5, 12])
def test_regions_join_in_the_order_of_their_means(fewest):
    chance = np.random.default_rng(0)
    attribution = chance.normal(size=(14, 17))
    regions = []
    for _ in range(25):
        top, left = chance.integers(0, 12), chance.integers(0, 14)
        region = np.zeros((14, 17), bool)
        region[top : top + chance.integers(1, 7), left : left + chance.integers(1, 7)] = True
        regions.append(region)
    found = joined(torch.from_numpy(attribution), torch.from_numpy(np.stack(regions)), fewest).numpy()
    np.testing.assert_allclose(found, joined_by_hand(attribution, regions, fewest), atol=1e-12)
    assert found.sum() == pytest.approx(attribution.sum())


def test_segments_cover_the_picture_at_every_scale_and_follow_its_edges():
    image = torch.zeros(3, 240, 260)
    image[:, 60:180, 80:200] = 1
    masks = segments(image + 0.01 * torch.rand(3, 240, 260, generator=torch.Generator().manual_seed(0)))
    assert masks.shape[1:] == (240, 260) and masks.any(0).all()
    square = torch.zeros(240, 260, dtype=torch.bool)
    square[60:180, 80:200] = True
    overlap = [(mask & square).sum() / (mask | square).sum() for mask in masks]
    assert max(overlap) > 0.8  # grown a little beyond the edge


class Bright(nn.Module):
    """Adds up how red a square is; the rest of the picture is nothing to it."""

    def forward(self, x):
        return torch.relu(x[:, 0, 8:24, 8:24] - 0.2).mean((1, 2))[:, None]


def picture():
    x = 0.3 * torch.rand(1, 3, 40, 48, generator=torch.Generator().manual_seed(0))
    x[:, 0, 8:24, 8:24] += 0.7
    return x


def test_the_region_that_the_answer_hangs_on_comes_first():
    found = st.xrai(st.open(Bright(), input_size=(3, 40, 48)), picture(), target=0, steps=16)
    (check,) = [note.numbers for note in found.checks if note.name == "completeness"]
    square = np.zeros((40, 48), bool)
    square[8:24, 8:24] = True
    best = found.values[0] >= np.sort(found.values[0].ravel())[-square.sum()]
    assert (best & square).sum() / (best | square).sum() > 0.8
    assert found.values[0][square].mean() > 20 * np.abs(found.values[0][~square]).mean()
    assert found.values.sum() == pytest.approx(check["sum"], rel=1e-4) and check["gaps"] < 0.05
    assert len(np.unique(found.values)) < 200  # regions, not pixels


def test_black_and_white_are_the_networks_own_where_they_are_known():
    x = picture()
    net = st.open(Bright(), input_size=(3, 40, 48), preprocessing="tf")
    found = st.xrai(net, x, target=0, steps=16)
    (check,) = [note.numbers for note in found.checks if note.name == "completeness"]
    score = float(torch.relu(x[:, 0, 8:24, 8:24] - 0.2).mean())
    assert check["rise"] == pytest.approx(score - (0 + 0.8) / 2, abs=1e-5)


def test_the_black_path_is_shared_with_integrated_gradients():
    net = st.open(Bright(), input_size=(3, 40, 48), preprocessing="tf")
    both = st.explain(net, picture(), ["integrated_gradients", "xrai"], target=0, steps=8)
    assert both["xrai"].passes.forward == 1 + 8 and both["integrated_gradients"].passes.forward == 1 + 8


def test_without_scikit_image_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    with pytest.raises(EnvironmentLacks, match=r"seethrough\[data\]"):
        st.xrai(st.open(Bright(), input_size=(3, 40, 48)), picture(), target=0)
