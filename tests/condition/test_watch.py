"""The pass over the images: shards change nothing, and values are let go as they come by."""

import numpy as np
from health_networks import opened, pictures, small

from seethrough.condition.twins import correlations_of
from seethrough.condition.watch import PLACES, SAMPLE, Watching, joined
from seethrough.datasets.collection import collect
from seethrough.jobs.run import run


def tallies(shard, count=30, truths=()):
    net = opened(small())
    return joined(run(net, collect(pictures(count)), Watching(net, count, truths=truths), shard=shard))


def test_shards_change_nothing():
    truths = tuple(k % 3 for k in range(30))
    whole, parts = tallies(64, truths=truths), tallies(7, truths=truths)
    assert whole.keys() == parts.keys()
    for name, array in whole.items():
        assert np.allclose(array, parts[name], rtol=1e-4, atol=1e-6), name


def test_what_is_kept_does_not_grow_with_the_images():
    def size(count):
        return sum(a.nbytes for n, a in tallies(64, count).items())

    assert size(200) < 1.05 * size(100)


def test_vectors_are_bounded_whatever_the_number_of_images():
    for images in (1, 10, 100, 1000, 100_000):
        work = Watching(opened(small()), images)
        taken = sum(len(work.places(item)) for item in range(images))
        assert taken <= SAMPLE and (taken >= SAMPLE / 2 or taken == images * PLACES)


def test_places_hang_on_the_image_and_the_seed_alone():
    net = opened(small())
    work = Watching(net, 100)
    assert np.array_equal(work.places(7), Watching(net, 100).places(7))
    assert not np.array_equal(work.places(7), work.places(8))
    assert not np.array_equal(work.places(7), Watching(net, 100, seed=1).places(7))


def test_a_unit_that_fires_at_a_few_places_has_no_correlation():
    vectors = np.zeros((500, 3), np.float32)
    vectors[3, :2] = 9  # one outlier in common
    vectors[:, 2] = np.random.default_rng(0).random(500)
    assert np.isnan(correlations_of(vectors)[0, 1])
