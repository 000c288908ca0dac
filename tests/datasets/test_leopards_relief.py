"""A relief of one ball is the ball: depth, normal and outline have a closed form."""

import numpy as np
import pytest

from seethrough.datasets.leopards_body import Build, Cat, Head, Limb
from seethrough.datasets.leopards_relief import FINE, Camera, Relief, sculpt

BALD = Build(1, 1, 1, head=0.2, muzzle=0.8, ear=0.06, tail_length=1, tail_radius=0.1, fluff=0.0)
SIZE = 64


def seen(*limbs: Limb, facing: int = 1) -> tuple[Camera, Relief]:
    head = Head(np.zeros(3), 0.2, np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), np.array([0, 0, 1.0]))
    camera = Camera(scale=20.0, x=32.0, y=40.0, yaw=0.0, tilt=0.0, facing=facing, horizon=20.0)
    return camera, sculpt(Cat(BALD, limbs, head), camera, SIZE)


def rod(start: tuple[float, float, float], end: tuple[float, float, float], radius: float) -> Limb:
    return Limb("trunk", np.array([start, end]), np.array([radius, radius]))


def test_a_rod_is_as_thick_and_as_deep_as_its_ball() -> None:
    _, relief = seen(rod((-0.5, 0.5, 0), (0.5, 0.5, 0), 0.25))
    radius = 0.25 * 20 * FINE
    column = relief.body[:, relief.body.shape[1] // 2]
    assert column.sum() == pytest.approx(2 * radius, abs=1)
    assert relief.depth[relief.body].max() == pytest.approx(radius, abs=0.05)
    assert relief.edge.max() == pytest.approx(radius, abs=0.6)


def test_normals_are_of_length_1_and_point_up_at_the_top() -> None:
    _, relief = seen(rod((-0.5, 0.5, 0), (0.5, 0.5, 0), 0.25))
    assert np.allclose(relief.right**2 + relief.down**2 + relief.out**2, 1, atol=1e-5)
    rows = np.nonzero(relief.body)[0]
    assert relief.down[rows == rows.min()].max() < -0.5
    assert relief.down[rows == rows.max()].min() > 0.5


def test_of_two_limbs_the_nearer_one_is_seen() -> None:
    near = Limb("leg", np.array([[0.0, 0.2, 0.6], [0.0, 0.8, 0.6]]), np.array([0.1, 0.1]))
    _, relief = seen(near, rod((-0.5, 0.5, 0), (0.5, 0.5, 0), 0.25))
    legs, trunk = relief.of("leg"), relief.of("trunk")
    assert legs.sum() == pytest.approx((0.6 * 0.2 + np.pi * 0.1**2) * (20 * FINE) ** 2, rel=0.05)
    assert trunk.any() and not (legs & trunk).any()


def test_what_faces_left_is_the_mirror_image() -> None:
    limb = rod((-0.2, 0.3, 0), (0.6, 0.7, 0), 0.2)
    right, left = seen(limb)[1], seen(limb, facing=-1)[1]
    whole = [np.zeros((SIZE * FINE, SIZE * FINE), bool) for _ in range(2)]
    for picture, relief in zip(whole, (right, left)):
        height, width = relief.body.shape
        picture[relief.top : relief.top + height, relief.left : relief.left + width] = relief.body
    assert np.array_equal(whole[0], whole[1][:, ::-1])


def test_a_limb_outside_the_picture_leaves_nothing() -> None:
    _, relief = seen(rod((10, 0.5, 0), (11, 0.5, 0), 0.2))
    assert not relief.body.any()
