"""A picture in parts: each pixel belongs to one, whoever cut it."""

import sys

import numpy as np
import pytest
import torch
from masked_material import Game, run_of

from seethrough.attribution.segments import cells_along, count_of, segments_of
from seethrough.errors import EnvironmentLacks, UsageError


def run(pictures=2, size=(12, 20), channels=1):
    chance = torch.Generator().manual_seed(0)
    return run_of(Game(lambda z: z.sum(1), (1, 1)), torch.rand(pictures, channels, *size, generator=chance))


def test_a_grid_has_cells_as_equal_as_pixels_allow():
    found = segments_of(run(size=(10, 20)), "grid", (3, 4))
    assert found.labels.shape == (1, 10, 20) and found.counts == [12, 12]
    sizes = torch.bincount(found.labels.flatten())
    assert sizes.tolist() == [20, 20, 20, 20, 15, 15, 15, 15, 15, 15, 15, 15]
    assert found.labels[0, 0, 0] == 0 and found.labels[0, -1, -1] == 11 and found.labels[0, 0, 5] == 1


def test_there_are_no_more_cells_than_pixels():
    assert cells_along((4, 300), 7) == (4, 7) and cells_along((4, 300), (2, 400)) == (2, 300)
    assert count_of("grid", 7, (4, 300)) == 28


def test_a_persons_own_numbers_may_be_any():
    own = torch.zeros(12, 20, dtype=torch.int16)
    own[3:, 4:], own[:, 15:] = -7, 900
    found = segments_of(run(), own)
    assert found.labels.shape == (1, 12, 20) and found.counts == [3, 3] and count_of(own, 7, (12, 20)) == 3
    for number in (-7, 0, 900):
        assert len(found.labels[0][own == number].unique()) == 1


def test_each_picture_may_have_its_own():
    own = np.zeros((2, 12, 20), np.int64)
    own[0, 6:] = 1
    own[1, :, ::2] = 1
    own[1, 0, 0] = 5
    found = segments_of(run(), own)
    assert found.labels.shape == (2, 12, 20) and found.counts == [2, 3]
    painted = found.painted([torch.tensor([10.0, 20]), torch.tensor([1.0, 2, 3])])
    assert painted[0, 0, 0] == 10 and painted[0, 11, 3] == 20
    assert painted[1, 0, 0] == 3 and painted[1, 0, 1] == 1 and painted[1, 5, 2] == 2


def test_the_same_cut_has_the_same_key_and_another_another():
    one, other = np.zeros((12, 20), int), np.zeros((12, 20), int)
    one[4:], other[5:] = 1, 1
    assert segments_of(run(), one).key == segments_of(run(), one * 9).key != segments_of(run(), other).key


def picture_of_fields():
    """Four fields of one colour each, with crooked borders."""
    y, x = np.mgrid[:48, :60]
    right, low = x > 30 + 4 * np.sin(y / 6), y > 20 + 3 * np.cos(x / 7)
    colours = np.array([[0.9, 0.1, 0.1], [0.1, 0.8, 0.2], [0.2, 0.2, 0.9], [0.9, 0.9, 0.2]])
    field = 2 * low + right
    return torch.from_numpy(colours[field]).movedim(-1, 0).float()[None], field


def test_superpixels_follow_the_borders_of_what_is_seen():
    pytest.importorskip("skimage", reason="scikit-image isn't installed; it comes with the extra `data`")
    x, field = picture_of_fields()
    found = segments_of(run_of(Game(lambda z: z.sum(1), (1, 1)), x), "slic", 6)
    labels = found.labels[0].numpy()
    assert 20 < found.counts[0] <= 60 and sorted(np.unique(labels)) == list(range(found.counts[0]))
    purity = [np.bincount(field[labels == n]).max() / (labels == n).sum() for n in range(found.counts[0])]
    assert np.mean(purity) > 0.97
    grid = segments_of(run(1, (48, 60)), "grid", 6).labels[0].numpy()
    assert np.mean(purity) > np.mean([np.bincount(field[grid == n]).max() / (grid == n).sum() for n in range(36)])


def test_superpixels_dont_depend_on_other_pictures():
    pytest.importorskip("skimage", reason="scikit-image isn't installed; it comes with the extra `data`")
    x, _ = picture_of_fields()
    both = torch.cat([x, x.flip(3) * 2 - 1])
    module = Game(lambda z: z.sum(1), (1, 1))
    alone, together = segments_of(run_of(module, both[1:]), "slic", 5), segments_of(run_of(module, both), "slic", 5)
    assert torch.equal(alone.labels[0], together.labels[1]) and together.counts[1] == alone.counts[0]


def test_superpixels_without_scikit_image_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    with pytest.raises(EnvironmentLacks, match=r"pip install 'seethrough\[data\]', or use segments='grid'"):
        segments_of(run(), "slic")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (np.zeros((12, 21), int), r"shape \(12, 21\), and the network's input is 12 × 20"),
        (np.zeros((3, 12, 20), int), r"shape \(3, 12, 20\)"),
        (np.zeros((12, 20)), "Segments are whole numbers, one for each part of the picture; these are float64"),
        (torch.zeros(12, 20), "these are float32"),
        ("quickshift", "one of grid, slic or an array of whole numbers, not 'quickshift'"),
    ],
)
def test_segments_that_dont_fit_are_refused(wanted, message):
    with pytest.raises(UsageError, match=message):
        segments_of(run(), wanted)


@pytest.mark.parametrize("cells", [0, -1, 2.5, True, (3,), (3, 0), "many"])
def test_cells_are_whole_numbers(cells):
    with pytest.raises(UsageError, match=r"cells is a whole number ≥ 1, or two of them \(down, across\)"):
        segments_of(run(), "grid", cells)
