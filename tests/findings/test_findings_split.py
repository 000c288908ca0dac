"""No picture has two parts, and no twin is in another."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from seethrough.errors import UsageError
from seethrough.findings.split import NEAR, PARTS, SAME, made_small, mark, near_duplicates, split, unlike


@settings(max_examples=60, deadline=None)
@given(
    classes=st.lists(st.integers(-1, 3), min_size=1, max_size=120),
    twins=st.lists(st.tuples(st.integers(0, 119), st.integers(0, 119)), max_size=20),
    seed=st.integers(0, 5),
)
def test_twins_are_in_one_part_and_only_pictures_of_a_class_are_in_any(classes, twins, seed):
    label = np.array(classes)
    group = np.arange(len(label))
    for a, b in twins:
        a, b = a % len(label), b % len(label)
        if label[a] == label[b]:
            group[group == group[b]] = group[a]
    found = split(label, group, seed=seed)
    assert ((found.part == -1) == (label < 0)).all()
    for name in np.unique(group):
        assert len(set(found.part[(group == name) & (label >= 0)])) <= 1
    assert sum(len(found.of(name)) for name in PARTS) == (label >= 0).sum()


def test_each_class_has_its_share_in_each_part():
    label = np.repeat([0, 1], [600, 40])
    found = split(label, np.arange(640))
    for name, share in (("find", 0.35), ("judge", 0.25), ("repair", 0.2), ("proof", 0.2)):
        for k, n in ((0, 600), (1, 40)):
            assert (label[found.of(name)] == k).sum() == pytest.approx(share * n, abs=1)
    assert (split(label, np.arange(640), seed=1).part != found.part).any()
    assert (split(label, np.arange(640)).part == found.part).all()


def test_a_class_of_one_picture_finds():
    assert split(np.array([0, 1, 1, 1]), np.arange(4)).part[0] == PARTS.index("find")


def test_shares_add_up():
    with pytest.raises(UsageError, match="add up to 1"):
        split(np.zeros(4, int), np.arange(4), shares={"find": 0.5, "judge": 0.2})


def test_a_picture_made_smaller_or_darker_is_the_same_and_another_is_not():
    chance = np.random.default_rng(0)
    one, two = (np.kron(chance.integers(0, 256, (16, 16, 3), np.uint8), np.ones((8, 8, 1), np.uint8)) for _ in "ab")
    smaller, darker = one[::2, ::2], (one * 0.8).astype(np.uint8)
    marks = [mark(p) for p in (one, two, smaller, darker)]
    assert near_duplicates(marks).tolist() == [0, 1, 0, 0]


def test_what_is_linked_is_one_group():
    a = (1 << 64) - 1
    assert near_duplicates([a, a ^ 0b1111, a ^ 0b11111111, 0]).tolist() == [0, 0, 0, 3]


def scene(chance, vignette=0.0):
    """Soft patches and a thing, 96 × 96, with dark corners."""
    soft = Image.fromarray(chance.integers(90, 170, (7, 7, 3), np.uint8)).resize((96, 96), Image.Resampling.BICUBIC)
    x = np.asarray(soft, np.float32).copy()
    top, left = chance.integers(20, 50, 2)
    x[top : top + 24, left : left + 24] = chance.integers(40, 220, 3)
    at = np.linspace(-1, 1, 96)
    return (x * (1 - vignette * (at[:, None] ** 2 + at**2)[..., None] / 2)).clip(0, 255).astype(np.uint8)


def small(pictures):
    return np.stack([made_small(p) for p in pictures])


def stored(picture, quality):
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(out).convert("RGB"))


def test_scenes_that_share_dark_corners_are_looked_at_once_more():
    """Their marks are near, and chains of near ones would make one group of nearly all."""
    chance = np.random.default_rng(0)
    scenes = [scene(chance, vignette=0.9) for _ in range(120)]
    marks = [mark(p) for p in scenes]
    largest = np.bincount(near_duplicates(marks, near=12)).max()
    assert largest > 60
    assert (near_duplicates(marks, small(scenes), near=12) == np.arange(120)).all()


@pytest.mark.parametrize("vignette", [0.0, 0.7])
def test_the_same_picture_stored_otherwise_is_still_the_same(vignette):
    chance = np.random.default_rng(1)
    for _ in range(10):
        one, other = scene(chance, vignette), scene(chance, vignette)
        half = np.asarray(Image.fromarray(one).resize((48, 48), Image.Resampling.BILINEAR))
        changed = [stored(one, 80), stored(one, 40), half, one[1:-1, 1:-1], (one * 0.8).astype(np.uint8)]
        apart = unlike(small([one])[0], small([*changed, other]))
        assert (apart[:-1] < SAME).all() and apart[-1] > SAME, apart
        pictures = [one, other, *changed[:2], changed[-1]]
        marks = [mark(one), mark(one) ^ 1, *[mark(one) ^ (1 << NEAR) - 1] * 3]  # near, whichever bits differ
        assert near_duplicates(marks, small(pictures)).tolist() == [0, 1, 0, 0, 0]
        assert near_duplicates(marks).tolist() == [0] * 5


def test_plain_pictures_are_the_same_when_they_are_of_one_colour_throughout():
    plain = np.full((2, 32, 32, 3), 90, np.uint8)
    plain[1] += 40
    assert near_duplicates([0, 0], plain).tolist() == [0, 0]
