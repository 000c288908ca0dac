"""A classifier that is asked only about pictures that it didn't learn from."""

import numpy as np
import pytest

from seethrough.remedies.telling import FOLDS, narrowed, surely_less, told

N = 600


def measured(noise=1.0, wrong=0.05, seed=0):
    """Measures of which the first tells the side, the side, and classes that are the sides but for some."""
    chance = np.random.default_rng(seed)
    side = np.arange(N) % 2
    label = np.where(chance.random(N) < wrong, 1 - side, side)
    x = chance.normal(0, 1, (N, 6))
    x[:, 0] = (2 * side - 1) + noise * x[:, 0]
    return x, side, label


def test_classes_that_are_wrong_here_and_there_are_found_by_what_the_others_say():
    x, side, label = measured(noise=0.3)
    found = told(x, label, np.arange(N), np.ones(N, bool))
    assert found is not None and (found.odds.argmax(1) == side).mean() > 0.99
    first = np.argsort(found.odds[np.arange(N), label], kind="stable")[:20]
    assert (label[first] != side[first]).all()


def test_others_than_those_to_learn_from_are_told_too_and_teach_nothing():
    x, side, label = measured(noise=0.3)
    learn = np.arange(N) < 400
    found = told(x, label, np.arange(N), learn)
    turned = told(x, np.where(learn, label, 1 - label), np.arange(N), learn)
    assert found is not None and turned is not None
    assert (found.odds.argmax(1) == side)[400:].mean() > 0.99
    assert np.array_equal(found.odds, turned.odds) and len(found.surprise) == 400


def test_what_is_there_by_chance_is_no_better_than_to_know_nothing():
    chance = np.random.default_rng(1)
    label, x = np.arange(120) % 2, chance.normal(0, 1, (120, 300))
    found = told(x, label, np.arange(120), np.ones(120, bool))
    assert found is not None and not surely_less(found.surprise, float(np.log(2)))


def test_a_picture_is_not_known_by_its_near_duplicate():
    chance = np.random.default_rng(2)
    pair = np.arange(120) // 2
    x, label = chance.normal(0, 1, (60, 300))[pair], chance.integers(0, 2, 60)[pair]
    alike, alone = (told(x, label, groups, np.ones(120, bool)) for groups in (pair, np.arange(120)))
    assert alike is not None and alone is not None
    assert surely_less(alone.surprise, float(np.log(2))) and not surely_less(alike.surprise, float(np.log(2)))


def test_with_too_few_of_a_class_nothing_is_told():
    x, _, label = measured()
    few = np.flatnonzero(label == 1)[: 2 * FOLDS - 1]
    learn = label == 0
    learn[few] = True
    assert told(x, label, np.arange(N), learn) is None
    assert told(x, np.zeros(N, np.int64), np.arange(N), np.ones(N, bool)) is None


@pytest.mark.parametrize("width", [5, 40])
def test_narrowed_measures_are_as_far_apart_as_they_were_at_width_one(width):
    x = np.random.default_rng(3).normal(0, [7.0] * (width - 1) + [0.0], (20, width)).astype(np.float32)
    spread = x.std(0)
    wide = (x[:, :-1] - x[:, :-1].mean(0)) / spread[:-1]
    found = narrowed(x, 40)
    assert found.shape == (20, min(20, width))
    assert np.allclose(found @ found.T, wide @ wide.T, atol=1e-3)
    fewer = narrowed(x, 3)
    assert fewer.shape == (20, 3) and np.allclose(np.abs(fewer), np.abs(found[:, :3]), atol=1e-4)


def test_less_is_sure_only_beyond_chance():
    chance = np.random.default_rng(5)
    a, apart = chance.normal(0, 1, 400), chance.normal(0, 1, 400)
    apart = (apart - apart.mean()) / apart.std()
    assert surely_less(a, a + 0.11 + apart) and not surely_less(a, a + 0.09 + apart)
