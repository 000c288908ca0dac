"""The leopards are what they promise: repeatable, balanced, masked, and movable to the other background."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation, binary_erosion

from seethrough.datasets import Leopards, exchanged, leopards
from seethrough.datasets.leopards import SIZE, assigned
from seethrough.errors import UsageError


@pytest.fixture(scope="module")
def animals() -> Leopards:
    return leopards(24, correlation=0.75, seed=11)


@pytest.fixture(scope="module")
def moved(animals: Leopards) -> Leopards:
    return exchanged(animals)


def difference(one: Leopards, other: Leopards) -> np.ndarray:
    """Largest difference of the channels, 0…255, (N, H, W)."""
    return np.abs(one.pictures.astype(int) - other.pictures.astype(int)).max(-1)


def test_a_set_has_the_documented_shapes_and_types(animals: Leopards) -> None:
    assert animals.pictures.shape == (24, SIZE, SIZE, 3) and animals.pictures.dtype == np.uint8
    assert animals.masks.shape == (24, SIZE, SIZE) and animals.masks.dtype == np.bool_
    assert animals.species.dtype == animals.backgrounds.dtype == animals.indices.dtype == np.int64


def test_the_same_seed_gives_the_same_bytes(animals: Leopards) -> None:
    again = leopards(6, correlation=0.75, seed=11)
    assert again.pictures.tobytes() == animals.pictures[:6].tobytes()
    assert again.masks.tobytes() == animals.masks[:6].tobytes()


def test_another_seed_gives_other_animals(animals: Leopards) -> None:
    other = leopards(6, correlation=0.75, seed=12)
    assert (other.masks != animals.masks[:6]).any((1, 2)).all()


def test_parts_make_up_the_whole(animals: Leopards) -> None:
    parts = [leopards(5, correlation=0.75, seed=11, start=0), leopards(4, correlation=0.75, seed=11, start=5)]
    for field in ("pictures", "masks", "species", "backgrounds", "indices"):
        joined = np.concatenate([getattr(part, field) for part in parts])
        assert np.array_equal(joined, getattr(animals, field)[:9]), field


def test_the_correlation_decides_the_background_and_nothing_else(animals: Leopards) -> None:
    always = leopards(24, correlation=1.0, seed=11)
    same = always.backgrounds == animals.backgrounds
    assert same.sum() == 18
    assert np.array_equal(always.pictures[same], animals.pictures[same])
    assert np.array_equal(always.masks, animals.masks)


@given(st.integers(1, 500), st.floats(0, 1))
def test_the_correlation_is_met_in_each_species_at_any_length(count: int, correlation: float) -> None:
    species, backgrounds = assigned(np.arange(2 * count), correlation)
    assert np.bincount(species).tolist() == [count, count]
    for kind in (0, 1):
        usual = int((backgrounds[species == kind] == kind).sum())
        assert abs(usual - correlation * count) <= 0.5 + 1e-6


def test_exchanging_changes_the_background_and_leaves_the_animal(animals: Leopards, moved: Leopards) -> None:
    assert np.array_equal(moved.backgrounds, 1 - animals.backgrounds)
    assert np.array_equal(moved.species, animals.species)
    assert np.array_equal(moved.masks, animals.masks)
    changed = difference(animals, moved)
    for change, mask in zip(changed, animals.masks):
        inside = binary_erosion(mask, iterations=2)
        outside = np.logical_not(binary_dilation(mask, iterations=2))
        assert np.median(change[inside]) <= 2 and np.percentile(change[inside], 95) <= 24
        assert np.mean(change[outside] > 24) > 0.6  # skies may be alike


def test_exchanging_twice_gives_the_first_bytes_again(animals: Leopards, moved: Leopards) -> None:
    some = moved[:4]
    assert exchanged(some).pictures.tobytes() == animals.pictures[:4].tobytes()


def test_every_animal_is_whole_and_large_enough_to_see(animals: Leopards) -> None:
    share = animals.masks.mean((1, 2))
    assert share.min() > 0.03 and share.max() < 0.4
    rim = np.concatenate(
        [animals.masks[:, 0], animals.masks[:, -1], animals.masks[:, :, 0], animals.masks[:, :, -1]], 1
    )
    assert rim.mean(1).max() < 0.02


def test_no_single_number_of_the_coat_tells_the_species_apart() -> None:
    """The background is the easier cue: a coat's mean colour is right less often than the background is."""
    drawn = leopards(60, correlation=0.5, seed=21)
    warmth = np.array([p[m][:, 0].mean() / p[m][:, 2].mean() for p, m in zip(drawn.pictures, drawn.masks)])
    cuts = np.sort(warmth)
    best = max(np.mean((warmth > cut) == (drawn.species == 1)) for cut in cuts)
    assert 0.6 < best < 0.93


def test_a_set_can_be_cut_into_subsets(animals: Leopards) -> None:
    unusual = animals[~animals.usual]
    assert len(unusual) == 6 and not unusual.usual.any()
    assert np.array_equal(animals[[3, 1]].indices, [3, 1])
    assert len(animals[2]) == 1


@given(st.integers(0, 2**31), st.integers(0, 10**6), st.sampled_from([0.0, 1.0]))
@settings(max_examples=10, deadline=None)
def test_any_picture_of_any_seed_can_be_drawn(seed: int, start: int, correlation: float) -> None:
    drawn = leopards(1, correlation=correlation, seed=seed, start=start)
    assert drawn.masks.any() and drawn.pictures.std() > 10
    assert drawn.species[0] == start % 2 and drawn.usual[0] == bool(correlation)


@pytest.mark.parametrize(
    "wrong", [{"count": 0}, {"count": 2, "seed": -1}, {"count": 2, "start": -1}, {"count": 2, "correlation": 1.2}]
)
def test_numbers_out_of_range_are_refused_in_one_sentence(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="got"):
        leopards(**wrong)  # pyright: ignore[reportArgumentType]
