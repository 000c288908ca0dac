"""The skeleton holds together in every pose, for both species."""

import numpy as np
import pytest

from seethrough.datasets.leopards import BUILDS
from seethrough.datasets.leopards_body import POSES, Limb, bend, draw_cat, smooth


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("species", [0, 1])
def test_paws_and_tail_stand_on_the_ground_and_nothing_goes_far_into_it(pose: str, species: int) -> None:
    for seed in range(10):
        cat = draw_cat(BUILDS[species], pose, np.random.default_rng(seed))
        lowest = {}
        for limb in cat.limbs:
            lowest[limb.kind] = min(lowest.get(limb.kind, 9), (limb.centres[:, 1] - limb.radii).min())
        assert -0.02 < lowest["leg"] < 0.03
        assert lowest["trunk"] > -0.06 and lowest["tail"] > -0.02


@pytest.mark.parametrize("pose", POSES)
def test_the_head_is_above_the_ground_and_its_axes_are_square(pose: str) -> None:
    head = draw_cat(BUILDS[0], pose, np.random.default_rng(1)).head
    axes = np.stack([head.gaze, head.up, head.side])
    assert np.allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert head.up[1] > 0.9 and head.gaze[2] > 0 and head.centre[1] > head.radius


def test_a_bent_joint_keeps_the_bones_lengths() -> None:
    start, end = np.array([0.0, 1.0]), np.array([0.2, 0.3])
    joint = bend(start, end, upper=0.5, lower=0.4, way=1)
    assert np.linalg.norm(joint - start) == pytest.approx(0.5)
    assert np.linalg.norm(joint - end) == pytest.approx(0.4)
    assert joint[0] > bend(start, end, upper=0.5, lower=0.4, way=-1)[0]


def test_bones_too_short_are_stretched_to_reach() -> None:
    start, end = np.array([0.0, 2.0]), np.array([0.0, 0.0])
    joint = bend(start, end, upper=0.5, lower=0.5, way=1)
    assert np.linalg.norm(joint - start) == pytest.approx(np.linalg.norm(joint - end))
    assert 0.9 < joint[1] < 1.1


def test_smoothing_passes_through_every_joint() -> None:
    limb = Limb("tail", np.array([[0.0, 0, 0], [1, 0.5, 0], [2, 0, 1], [3, 1, 1]]), np.array([0.1, 0.2, 0.15, 0.1]))
    curve = smooth(limb, steps=4)
    assert len(curve.centres) == 13
    assert np.allclose(curve.centres[::4], limb.centres) and np.allclose(curve.radii[::4], limb.radii)
